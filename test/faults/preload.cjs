'use strict';
/**
 * Loaded into a real hjk with `node --require`. Puts itself around everything by which a process has an effect on the world:
 * programs it starts, requests it sends, files it changes. Each of them is a boundary with a number; at one of them the process
 * is killed, or the call fails. Nothing here knows what hjk does: a new effect is a new boundary.
 *
 * HJK_FAULT = {"log": file, "at": number, "mode": "kill" | "ENOSPC" | "EROFS" | "EACCES" | "EIO" | "fail" | "500" | "gone" | "hang",
 *              "only": kind, "from": number, "clock": ms}
 */
const fs = require('node:fs');
const http = require('node:http');
const childProcess = require('node:child_process');
const net = require('node:net');

const plan = JSON.parse(process.env.HJK_FAULT ?? '{}');
const wanted = plan.at ?? -1;
const open = fs.openSync;
const write = fs.writeSync;
const remove = fs.rmSync;
const log = plan.log === undefined ? undefined : open(plan.log, 'a');
let count = 0;

if (plan.clock !== undefined) {
  const now = Date.now.bind(Date);
  const start = now();
  Date.now = () => now() + (now() - start > 50 ? plan.clock : 0);
}

/** Notes a boundary. Dies here where it is the one; true where its call is to fail. */
function boundary(kind, label) {
  if (plan.only !== undefined && plan.only !== kind) return false;
  const number = count++;
  if (log !== undefined) write(log, `${number}\t${kind}\t${label}\n`);
  if (plan.mode === 'kill' || plan.mode === undefined) {
    if (number === wanted) process.kill(process.pid, 'SIGKILL');
    return false;
  }
  return number === wanted || (plan.from !== undefined && number >= plan.from);
}

const failure = (code, what) =>
  Object.assign(new Error(`${code}: injected, ${what}`), { code, errno: -1, syscall: what });
const short = text => String(text).replace(/\s+/g, ' ').slice(0, 100);
const fileErrors = new Set(['ENOSPC', 'EROFS', 'EACCES', 'EIO', 'EMFILE']);
const isFileError = () => fileErrors.has(plan.mode);

// --- files ---------------------------------------------------------------------------------------------------------------------
const ours = target => typeof target !== 'number' || target > 2;
const inside = target => !String(target).startsWith('/dev/') && !String(target).startsWith('/proc/');
function wrapFile(name, describe = args => args[0], counts = () => true) {
  const original = fs[name];
  fs[name] = function wrapped(...args) {
    if (!counts(args) || !inside(args[0])) return original.apply(fs, args);
    const kind = name === 'renameSync' && /catalog[^/]*\.json$/.test(String(args[1])) ? 'commit' : 'file';
    if (boundary(kind, `${name} ${short(describe(args))}`) && isFileError()) throw failure(plan.mode, name);
    return original.apply(fs, args);
  };
}
const writes = flags =>
  typeof flags === 'number'
    ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
    : /[wa+]/.test(String(flags ?? 'r'));
for (const name of [
  'mkdirSync',
  'rmSync',
  'rmdirSync',
  'unlinkSync',
  'chmodSync',
  'symlinkSync',
  'mkdtempSync',
  'truncateSync',
  'ftruncateSync',
  'appendFileSync',
])
  wrapFile(name);
for (const name of ['renameSync', 'linkSync', 'copyFileSync', 'cpSync'])
  wrapFile(name, args => `${args[0]} → ${args[1]}`);
wrapFile(
  'openSync',
  args => args[0],
  args => writes(args[1]),
);
wrapFile(
  'writeFileSync',
  args => args[0],
  args => ours(args[0]),
);
wrapFile(
  'writeSync',
  args => `fd ${args[0]}`,
  args => ours(args[0]) && args[0] !== log,
);
wrapFile(
  'fsyncSync',
  args => `fd ${args[0]}`,
  () => isFileError(),
);
for (const name of Object.keys(fs.promises))
  if (/^(?:writeFile|rename|unlink|mkdir|rm|rmdir|appendFile|copyFile|symlink|link|chmod)$/.test(name)) {
    const original = fs.promises[name];
    fs.promises[name] = async (...args) => {
      if (boundary('file', `promises.${name} ${short(args[0])}`) && isFileError())
        throw failure(plan.mode, name);
      return original.apply(fs.promises, args);
    };
  }

// --- programs ------------------------------------------------------------------------------------------------------------------
const programKind = file => (/(^|\/)git$/.test(file) ? 'git' : /(^|\/)tmux$/.test(file) ? 'tmux' : 'program');
const spawn = childProcess.spawn;
childProcess.spawn = function wrapped(file, args, options) {
  const list = Array.isArray(args) ? args : [];
  const kind = programKind(file);
  const words = list.filter(
    (word, i) => word !== '-c' && list[i - 1] !== '-c' && !/^--(git-dir|work-tree)=/.test(word),
  );
  const label = `${file} ${short(words.join(' '))}`;
  if (boundary(kind, label) && plan.mode === 'fail') {
    // a program that fails at once: git with a lock in its way ends like this
    return spawn.call(
      childProcess,
      '/bin/sh',
      ['-c', 'cat >/dev/null; echo "fatal: injected failure" >&2; exit 128'],
      options,
    );
  }
  const child = spawn.apply(
    childProcess,
    [file, args, options].filter(part => part !== undefined),
  );
  if (plan.mode === 'kill' || plan.mode === undefined) {
    boundary(kind, `${label} [started]`);
    const emit = child.emit;
    child.emit = function (event, ...rest) {
      if (event === 'close') boundary(kind, `${label} [ended]`);
      return emit.call(this, event, ...rest);
    };
  }
  return child;
};
for (const name of ['spawnSync', 'execFileSync', 'execSync']) {
  const original = childProcess[name];
  childProcess[name] = function wrapped(file, ...rest) {
    if (boundary(programKind(String(file)), `${name} ${short(file)}`) && plan.mode === 'fail')
      throw failure('EIO', name);
    return original.call(childProcess, file, ...rest);
  };
}

// --- the engine ----------------------------------------------------------------------------------------------------------------
const request = http.request;
http.request = function wrapped(...args) {
  const options = typeof args[0] === 'object' ? args[0] : {};
  const label = `${options.method ?? 'GET'} ${short(String(options.path).replace(/[0-9a-f]{64}/g, '<id>'))}`;
  if (boundary('engine', label)) {
    if (plan.mode === 'gone')
      args[0] = {
        ...options,
        socketPath: undefined,
        createConnection: () => net.connect('/nonexistent/engine.sock'),
      };
    if (plan.mode === 'hang' || plan.mode === '500') {
      const server = net.createServer(socket => {
        socket.on('error', () => undefined);
        if (plan.mode === '500')
          socket.once('data', () =>
            socket.end(
              'HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"message":"injected failure"}',
            ),
          );
      });
      const place = `/tmp/hjk-fault-${process.pid}-${count}.sock`;
      server.listen(place);
      server.unref();
      process.on('exit', () => remove(place, { force: true }));
      args[0] = { ...options, socketPath: undefined, createConnection: () => net.connect(place) };
    }
    return request.apply(http, args);
  }
  const made = request.apply(http, args);
  // a GET changes nothing: during and after it the world is as before
  if ((plan.mode === 'kill' || plan.mode === undefined) && (options.method ?? 'GET') !== 'GET') {
    made.once('finish', () => boundary('engine', `${label} [sent]`));
    const emit = made.emit;
    made.emit = function (event, ...rest) {
      if (event === 'response' || event === 'upgrade') boundary('engine', `${label} [answered]`);
      return emit.call(this, event, ...rest);
    };
  }
  return made;
};

process.on('exit', () => boundary('end', 'the end'));
require('node:module').syncBuiltinESMExports();
