import { readFileSync, realpathSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === '--version') {
  // before anything else is loaded: this answer must cost no more than Node itself
  const file = join(dirname(realpathSync(process.argv[1] ?? '')), '..', 'version.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  writeSync(1, `hjk ${version}\n`);
} else {
  import('./start.ts')
    .then(({ start }) => start(argv))
    .catch((error: unknown) => {
      process.stderr.write(
        `Error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
      process.exit(1);
    });
}
