import fs from 'node:fs';

/** Where a session's bytes go first. Once it holds `maxSize` bytes it becomes `<file>.1`, and a new one begins. */
export interface LogWriter {
  /** False where the bytes could not be written; later ones are still tried. */
  write(bytes: Buffer): boolean;
  close(): void;
}

/** `file` is made with mode 0600; a link in its place is refused. Its folder is never made. */
export function createLogWriter(file: string, maxSize: number): LogWriter {
  const open = (): number =>
    fs.openSync(
      file,
      fs.constants.O_WRONLY |
        fs.constants.O_APPEND |
        fs.constants.O_CREAT |
        fs.constants.O_NOFOLLOW |
        fs.constants.O_NONBLOCK, // a FIFO is an error, not a wait
      0o600,
    );
  let fd = open();
  let size = fs.fstatSync(fd).size;
  const rotate = (): void => {
    fs.renameSync(file, `${file}.1`);
    fs.closeSync(fd);
    fd = open();
    size = 0;
  };
  return {
    write(bytes) {
      try {
        if (size >= maxSize) rotate();
      } catch {
        size = 0; // it could not be rotated: go on in the same file, and try again after as many bytes
      }
      try {
        for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done);
        size += bytes.length;
        return true;
      } catch {
        return false;
      }
    },
    close() {
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}
