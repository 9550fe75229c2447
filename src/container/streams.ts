/**
 * Takes the engine's multiplexed stream apart: frames of an 8-byte head (stream number, three zeros, big-endian length) and the
 * bytes. `onBytes` gets them as they come, also of a frame that is not whole yet.
 */
export function createStreamSplitter(
  onBytes: (stream: 'stdout' | 'stderr', bytes: Buffer) => void,
): (chunk: Buffer) => void {
  let head = Buffer.alloc(0);
  let left = 0;
  let stream: 'stdout' | 'stderr' = 'stdout';
  return chunk => {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const wanted = 8 - head.length;
        head = Buffer.concat([head, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (head.length < 8) return;
        stream = head[0] === 2 ? 'stderr' : 'stdout';
        left = head.readUInt32BE(4);
        head = Buffer.alloc(0);
        continue;
      }
      const part = rest.subarray(0, left);
      left -= part.length;
      rest = rest.subarray(part.length);
      onBytes(stream, part);
    }
  };
}
