// Puts what is no code beside the built files, and notes which commit they were built from.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
fs.mkdirSync(new URL('dist/assets', root), { recursive: true });
fs.copyFileSync(new URL('src/session/tmux.conf', root), new URL('dist/assets/tmux.conf', root));

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
const { version } = JSON.parse(fs.readFileSync(new URL('package.json', root), 'utf8'));
fs.writeFileSync(
  new URL('dist/version.json', root),
  `${JSON.stringify({ version, commit: commit(), built: new Date().toISOString() })}\n`,
);
fs.chmodSync(new URL('dist/cli/hjk.cjs', root), 0o755);
const help = execFileSync(process.execPath, [fileURLToPath(new URL('dist/cli/hjk.cjs', root)), 'help'], {
  encoding: 'utf8',
});
fs.writeFileSync(new URL('dist/help.txt', root), help);
