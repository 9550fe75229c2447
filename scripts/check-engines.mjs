// No package that is installed for users may refuse the oldest Node that we support.
import fs from 'node:fs';

const floor = [20, 19, 0];
const lock = JSON.parse(fs.readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
const parse = text =>
  text
    .split('.')
    .map(part => Number.parseInt(part, 10) || 0)
    .concat(0, 0)
    .slice(0, 3);

/** Enough of semver ranges for what `engines.node` holds: alternatives of comparators, ^ and bare versions. */
function accepts(range) {
  return range.split('||').some(part =>
    (part.trim().match(/(\^|~|>=|<=|>|<|=)?\s*v?\d[\d.x]*/g) ?? ['*']).every(comparator => {
      if (comparator === '*') return true;
      const [, sign = '', version = ''] = /^(\^|~|>=|<=|>|<|=)?\s*v?([\d.x]+)$/.exec(comparator.trim()) ?? [];
      const wanted = parse(version);
      const order = compare(floor, wanted);
      if (sign === '>=') return order >= 0;
      if (sign === '>') return order > 0;
      if (sign === '<') return order < 0;
      if (sign === '<=') return order <= 0;
      return floor[0] === wanted[0] && (sign !== '^' || order >= 0);
    }),
  );
}
const refusing = Object.entries(lock.packages)
  .filter(
    ([name, info]) =>
      name !== '' &&
      !info.dev &&
      !info.optional &&
      typeof info.engines?.node === 'string' &&
      !accepts(info.engines.node),
  )
  .map(([name, info]) => `${name}: ${info.engines.node}`);
if (refusing.length > 0) {
  console.error(`These packages refuse Node ${floor.join('.')}:\n${refusing.join('\n')}`);
  process.exit(1);
}
