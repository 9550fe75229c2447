import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { freePort, git, makeSandbox, runProgram, cli, until, type Sandbox } from '../../support/sandbox.ts';

/** A bare repository that `origin` of the sandbox's repository is a copy of. */
function makeRemote(box: Sandbox, url: (place: string) => string): string {
  const place = path.join(box.folder, 'remote.git');
  git(box.folder, 'clone', '-q', '--bare', box.repository, place);
  git(place, 'config', 'http.receivepack', 'true');
  box.git('remote', 'add', 'origin', url(place));
  return place;
}

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

it('pushes over ssh with the agent of the host; the key stays outside', async () => {
  await using box = makeSandbox();
  const at = (...parts: string[]): string => path.join(box.folder, ...parts);
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  const port = await freePort();
  fs.copyFileSync(at('user.pub'), at('authorized'));
  fs.writeFileSync(
    at('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      `PidFile ${at('sshd.pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
    ].join('\n'),
  );
  if (process.getuid!() === 0) fs.mkdirSync('/run/sshd', { recursive: true });
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-f', at('sshd_config')], { stdio: 'ignore' });
  const socket = at('agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  try {
    await until('sshd answers', () => answers(port));
    await until('the agent answers', () => fs.existsSync(socket));
    execFileSync('ssh-add', ['-q', at('user')], {
      env: { ...box.env, SSH_AUTH_SOCK: socket },
      stdio: 'ignore',
    });
    fs.mkdirSync(path.join(box.home, '.ssh'), { mode: 0o700 });
    const key = fs.readFileSync(at('host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    fs.writeFileSync(path.join(box.home, '.ssh/known_hosts'), `[127.0.0.1]:${port} ${key}\n`);
    const remote = makeRemote(box, place => `ssh://${os.userInfo().username}@127.0.0.1:${port}${place}`);
    const env = { ...box.env, SSH_AUTH_SOCK: socket };
    const hjk = (...args: string[]): ReturnType<typeof runProgram> =>
      runProgram(cli, args, { cwd: box.repository, env });
    expect(await hjk('run', 'x', '--ssh-agent', '--network', 'host')).toMatchObject({ code: 0, stderr: '' });
    const pushed = await hjk(
      ...['exec', 'x', '--no-mux', 'sh', '-ec'],
      'git commit -q --allow-empty -m inside; git push -q origin x; ssh-add -l >/dev/null 2>&1 || true; grep -rl "PRIVATE KEY" $HOME /etc/ssh 2>/dev/null || true',
    );
    expect(pushed).toMatchObject({ code: 0, stdout: '' });
    expect(git(remote, 'log', '-1', '--format=%s', 'x')).toBe('inside\n');
    // without the flag there is no agent inside
    await hjk('run', 'y', '--network', 'host');
    const refused = await hjk(
      'exec',
      'y',
      '--no-mux',
      'sh',
      '-c',
      'echo "${SSH_AUTH_SOCK-none}"; git push -q origin y',
    );
    expect(refused.stdout).toBe('none\n');
    expect(refused.code).not.toBe(0);
  } finally {
    sshd.kill();
    agent.kill();
  }
});

it.each(['http', 'https'])(
  'pushes over %s with a token that is given by -e and a credential helper',
  async scheme => {
    await using box = makeSandbox();
    const [key, certificate] = ['key', 'certificate'].map(name => path.join(box.folder, `${name}.pem`)) as [
      string,
      string,
    ];
    if (scheme === 'https') {
      const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
      const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
      execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    }
    const token = 'ghp_token-of-this-test';
    const remote = makeRemote(box, () => 'unset');
    /** git's own server, behind a password. */
    const serve: http.RequestListener = (request, response) => {
      const given = Buffer.from(
        (request.headers.authorization ?? '').replace(/^Basic /, ''),
        'base64',
      ).toString();
      if (given !== `x-access-token:${token}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
        return;
      }
      const { pathname, search } = new URL(request.url ?? '/', 'http://x');
      const backend = spawn('git', ['http-backend'], {
        env: {
          PATH: process.env['PATH'],
          GIT_PROJECT_ROOT: box.folder,
          GIT_HTTP_EXPORT_ALL: '1',
          REMOTE_USER: 'x',
          PATH_INFO: pathname,
          QUERY_STRING: search.slice(1),
          REQUEST_METHOD: request.method,
          CONTENT_TYPE: request.headers['content-type'],
          HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
          GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
        },
      });
      request.pipe(backend.stdin);
      const chunks: Buffer[] = [];
      backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      backend.on('close', () => {
        const all = Buffer.concat(chunks);
        const end = all.indexOf('\r\n\r\n');
        const headers = all
          .subarray(0, end)
          .toString()
          .split('\r\n')
          .map(line => line.split(': ') as [string, string]);
        const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
        response.writeHead(
          Number.parseInt(status, 10),
          Object.fromEntries(headers.filter(([name]) => name !== 'Status')),
        );
        response.end(all.subarray(end + 4));
      });
    };
    const server =
      scheme === 'http'
        ? http.createServer(serve)
        : https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(certificate) }, serve);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as net.AddressInfo;
      box.git('remote', 'set-url', 'origin', `${scheme}://127.0.0.1:${port}/remote.git`);
      const env = { ...box.env, GIT_TOKEN: token };
      const hjk = (...args: string[]): ReturnType<typeof runProgram> =>
        runProgram(cli, args, { cwd: box.repository, env });
      const trust =
        scheme === 'http' ? [] : ['-v', `${certificate}:/ca.pem:ro`, '-e', 'GIT_SSL_CAINFO=/ca.pem'];
      expect(await hjk('run', 'x', '-e', 'GIT_TOKEN', '--network', 'host', ...trust)).toMatchObject({
        code: 0,
        stderr: '',
      });
      const helper = '!f() { echo username=x-access-token; echo "password=$GIT_TOKEN"; }; f';
      const pushed = await hjk(
        ...['exec', 'x', '--no-mux', 'sh', '-ec'],
        `git config --global credential.helper '${helper}'; git commit -q --allow-empty -m inside; git push -q origin x; git fetch -q origin; test $(git rev-parse origin/x) = $(git rev-parse x)`,
      );
      expect(pushed).toMatchObject({ code: 0, stdout: '' });
      expect(git(remote, 'log', '-1', '--format=%s', 'x')).toBe('inside\n');
      expect(box.git('rev-parse', 'x')).toBe(git(remote, 'rev-parse', 'x'));
      // another instance has neither the token nor a way in
      await hjk('run', 'y', '--network', 'host', ...trust);
      const refused = await hjk(
        'exec',
        'y',
        '--no-mux',
        'sh',
        '-c',
        'GIT_TERMINAL_PROMPT=0 git push -q origin y',
      );
      expect(refused.code).not.toBe(0);
      expect(git(remote, 'branch', '--list', 'y')).toBe('');
    } finally {
      server.close();
    }
  },
);
