import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, makeFolder, until } from './sandbox.ts';

/** A real registry, with or without a password. */
export interface Registry extends AsyncDisposable {
  readonly host: string;
}

export async function startRegistry(password?: { user: string; word: string }): Promise<Registry> {
  const folder = makeFolder();
  const port = await freePort();
  const host = `localhost:${port}`;
  const file = path.join(folder, 'config.yml');
  let auth = '';
  if (password !== undefined) {
    const hash = execFileSync(
      'perl',
      ['-e', 'print crypt($ARGV[0], q($2b$04$abcdefghijklmnopqrstuu))', password.word],
      {
        encoding: 'utf8',
      },
    );
    fs.writeFileSync(path.join(folder, 'htpasswd'), `${password.user}:${hash}\n`);
    auth = `auth:\n  htpasswd:\n    realm: test\n    path: ${folder}/htpasswd\n`;
  }
  fs.writeFileSync(
    file,
    `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/data\nhttp:\n  addr: 127.0.0.1:${port}\n${auth}`,
  );
  const child = spawn('docker-registry', ['serve', file], { stdio: 'ignore' });
  await until('the registry answers', async () => {
    try {
      return [200, 401].includes((await fetch(`http://127.0.0.1:${port}/v2/`)).status);
    } catch {
      return false;
    }
  });
  return {
    host,
    async [Symbol.asyncDispose]() {
      child.kill();
      await new Promise(resolve => child.once('exit', resolve));
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
