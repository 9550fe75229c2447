import { readFileSync, realpathSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file of the build, beside the folder of this one. */
function built(name: string): string {
  return readFileSync(join(dirname(realpathSync(process.argv[1] ?? '')), '..', name), 'utf8');
}

const argv = process.argv.slice(2);
const only = argv.length === 1 ? argv[0] : undefined;
if (only === '--version') {
  // before anything else is loaded: these two answers must cost no more than Node itself
  const { version } = JSON.parse(built('version.json')) as { version: string };
  writeSync(1, `hjk ${version}\n`);
} else if (only === '--help' || only === '-h' || argv.length === 0) {
  writeSync(1, built('help.txt')); // what `hjk help` printed when this was built
} else {
  import('./start.ts')
    .then(({ start }) => start(argv))
    .catch((error: unknown) => {
      process.stderr.write(
        `Error: ${error instanceof Error ? error.message : String(error)}\nhint: is the installation whole?\n`,
      );
      process.exit(1);
    });
}
