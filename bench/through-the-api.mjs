// The reference of bench/lifecycle.mjs: the same engine calls by themselves, with dockerode, in a process of their own.
import { execFileSync } from 'node:child_process';
import Docker from 'dockerode';

const [socketPath, engine, verb, name, repository, worktree] = process.argv.slice(2);
const docker = new Docker({ socketPath });
const label = { 'hjk.bench': '1' };
if (verb === 'run') {
  execFileSync('git', ['worktree', 'add', '-q', '-b', name, worktree], { cwd: repository, stdio: 'ignore' });
  const mount = source => ({ Type: 'bind', Source: source, Target: source });
  const container = await docker.createContainer({
    name: `bench-${name}`,
    Image: 'hjk-test:base',
    Labels: label,
    Entrypoint: ['sh', '-c', 'exec sleep 2147483647'],
    Cmd: [],
    // podman has an init only where catatonit is installed
    HostConfig: { Init: engine === 'docker', Mounts: [mount(worktree), mount(`${repository}/.git`)] },
  });
  await container.start();
} else {
  const container = docker.getContainer(`bench-${name}`);
  if (verb === 'stop' || verb === 'rm') await container.stop({ t: 1 });
  await container.remove({ force: true });
}
process.exit(0);
