// A process at the catalog: torture-worker.mjs <file> <name> <write|read|hold|no-sync> <count, or ms with a trailing ms>
// Writers print `ack <n>` after each update that was acknowledged, readers `read <n>`; both `wait <ms>`; at the end `done`.
import fs from 'node:fs';
import { createCatalogStore } from '../dist/lib/index.mjs';

const [file, name, mode, amount] = process.argv.slice(2);
const limit = amount.endsWith('ms') ? Number.parseInt(amount, 10) : undefined;
const folders = { worktrees: '/nonexistent', logs: '/nonexistent' };
const store = createCatalogStore({ file, verb: mode === 'read' ? 'reader' : 'writer', folders });
const say = text => fs.writeSync(1, `${text}\n`);
const bump = draft => {
  draft.counts ??= {};
  draft.counts[name] = (draft.counts[name] ?? 0) + 1;
  draft.counter = (draft.counter ?? 0) + 1;
  return draft.counts[name];
};
const actions = {
  write: () => store.update(bump),
  read: () =>
    store.read(catalog => {
      const sum = Object.values(catalog.counts ?? {}).reduce((a, b) => a + b, 0);
      if (sum !== (catalog.counter ?? 0)) throw new Error('torn');
    }),
  hold: () =>
    store.update(draft => {
      say('inside');
      const end = Date.now() + 20_000;
      while (Date.now() < end);
      return bump(draft);
    }),
  // the control of the power cut: what would happen without fsync
  'no-sync': () => {
    const draft = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
    const n = bump(draft);
    fs.writeFileSync(`${file}.tmp`, JSON.stringify(draft));
    fs.renameSync(`${file}.tmp`, file);
    return n;
  },
};
const begin = performance.now();
for (let i = 0; limit === undefined ? i < Number(amount) : performance.now() - begin < limit; i++) {
  const start = performance.now();
  const n = await actions[mode]();
  const waited = performance.now() - start;
  say(`${mode === 'read' ? 'read' : 'ack'} ${n ?? 0} ${waited.toFixed(2)}`);
}
say('done');
