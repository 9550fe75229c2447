/**
 * npm run escape [-- --only <part of a name>] [--kind <part of a kind>] [--user root|user] [--seed n] [--list] [--self-test]
 * Hostile programs in real containers, each followed by a day of the victim's; anything of the victim's that changed fails.
 */
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { onPodman, root, testImage } from '../support/sandbox.ts';
import { kinds } from './attacks/all.ts';
import { planted } from './attacks/planted.ts';
import { wordOf, type Kind } from './attack.ts';
import { runSuite, type Result } from './suite.ts';
import { startBystanders, type UserName } from './world.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    kind: { type: 'string' },
    user: { type: 'string' },
    seed: { type: 'string' },
    list: { type: 'boolean', default: false },
    'self-test': { type: 'boolean', default: false },
  },
});
const only = values.only;
const wanted = (values['self-test'] ? [planted] : kinds)
  .filter(({ kind }) => values.kind === undefined || kind.includes(values.kind))
  .map(({ kind, attacks }): Kind => ({
    kind,
    attacks: attacks.filter(
      attack => only === undefined || attack.name.includes(only) || wordOf(attack) === only,
    ),
  }));

const spaceless = (text: string): string => text.replace(/\s+/g, ' ');
const security = spaceless(fs.readFileSync(`${root}/docs/security.md`, 'utf8'));
for (const { name, open } of wanted.flatMap(({ attacks }) => attacks))
  if (open !== undefined && !security.includes(open))
    throw new Error(`docs/security.md does not say of ${name}: ${open}`);

if (values.list) {
  for (const { kind, attacks } of wanted) for (const { name } of attacks) console.log(`${kind}: ${name}`);
} else process.exitCode = await tryAll();

async function tryAll(): Promise<number> {
  const seed = values.seed === undefined ? Math.trunc(Math.random() * 1e6) : Number(values.seed);
  console.log(`on ${onPodman ? 'podman' : 'Docker'}, --seed ${String(seed)}`);
  const users: UserName[] =
    values.user === 'root' || values.user === 'user'
      ? [values.user]
      : process.getuid!() === 0
        ? ['root', 'user']
        : ['user'];
  using bystanders = startBystanders(testImage);
  const began = Date.now();
  let held = 0;
  const report = ({ attack, user, faults }: Result): void => {
    if (faults.length === 0) held++;
    else console.log(`FAILED  ${user.padEnd(4)}  ${attack.name}`);
    for (const fault of faults.slice(0, 12)) console.log(`          - ${fault}`);
  };
  const tried = (faults: readonly string[]): void => {
    const seconds = String(Math.round((Date.now() - began) / 1000));
    const more = faults.length > 0 ? `, ${String(faults.length)} faults; whose they are is asked next:` : '';
    console.log(`after ${seconds} s ${String(held)} held${more}`);
    for (const fault of faults.slice(0, 20)) console.log(`          - ${fault}`);
  };
  const all = await Promise.all(
    users.map(user => runSuite(wanted, { user, bystanders, report, tried, seed })),
  );
  return summarize(all.flat(), users);
}

function verdict({ attack, faults }: Pick<Result, 'attack' | 'faults'>): 'held' | 'open' | 'FAILED' {
  if (faults.length === 0) return 'held';
  return attack.open === undefined ? 'FAILED' : 'open';
}

/** A table of attacks and users, and how many there were. Gives the exit code. */
function summarize(results: readonly Result[], users: readonly UserName[]): number {
  const width = Math.max(...results.map(({ attack }) => attack.name.length));
  console.log(`\n${'attack'.padEnd(width)}  ${users.map(user => user.padEnd(6)).join('  ')}`);
  for (const { kind, attacks } of wanted) {
    if (attacks.length > 0) console.log(`${kind}:`);
    for (const attack of attacks) {
      const cells = users.map(user => {
        const result = results.find(one => one.attack === attack && one.user === user);
        return result === undefined ? '-' : verdict(result);
      });
      console.log(`${attack.name.padEnd(width)}  ${cells.map(cell => cell.padEnd(6)).join('  ')}`);
    }
  }
  const count = (what: string): number => results.filter(result => verdict(result) === what).length;
  const found = count('FAILED');
  if (values['self-test']) {
    const holes = results.filter(({ attack }) => !attack.name.startsWith('nothing'));
    const seen = holes.filter(({ faults }) => faults.length > 0).length;
    const wrongly = found - seen;
    console.log(
      `\n${String(seen)} of ${String(holes.length)} planted holes found, ${String(wrongly)} found that were not there`,
    );
    return seen === holes.length && wrongly === 0 ? 0 : 1;
  }
  const open = count('open');
  if (open > 0) console.log(`\n${String(open)} are known and open: docs/security.md says so`);
  console.log(`\n${String(count('held'))} passed, ${String(found)} failed`);
  return found === 0 ? 0 : 1;
}
