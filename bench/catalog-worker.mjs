// A process that updates the catalog: catalog-worker.mjs <file> <updates> [hold]. Prints what each update took, as JSON.
import { createCatalogStore } from '../dist/lib/index.mjs';

const [file, updates, hold] = process.argv.slice(2);
const store = createCatalogStore({
  file,
  verb: 'bench',
  folders: { worktrees: '/nonexistent', logs: '/nonexistent' },
});
const waits = [];
for (let i = 0; i < Number(updates); i++) {
  const begin = performance.now();
  await store.update(draft => {
    draft.counter = (draft.counter ?? 0) + 1;
    if (hold !== undefined) {
      process.stdout.write('inside\n');
      const end = Date.now() + 8000;
      while (Date.now() < end);
    }
  });
  waits.push(performance.now() - begin);
}
process.stdout.write(`${JSON.stringify(waits)}\n`);
