// A process of its own that updates a catalog: node catalog-worker.mjs <lib> <file> <name> <updates> <mode>
// Prints `ack <mark>` after each update that was acknowledged. Modes: plain; stop (suspends itself once inside the update);
// spin (stays inside the update for 8 s); hang (is inside when killed); read (reads instead).
const [lib, file, name, updates, mode] = process.argv.slice(2);
const { createCatalogStore } = await import(lib);
const store = createCatalogStore({
  file,
  verb: mode === 'read' ? 'reader' : 'writer',
  folders: { worktrees: '/nonexistent', logs: '/nonexistent' },
});
let stopped = false;
for (let i = 0; i < Number(updates); i++) {
  if (mode === 'read') {
    await store.read(catalog => {
      if ((catalog.marks ?? []).length !== (catalog.counter ?? 0)) throw new Error('torn');
    });
    continue;
  }
  const mark = `${name}-${i}`;
  const text = await store.update(draft => {
    draft.counter = (draft.counter ?? 0) + 1;
    draft.marks = [...(draft.marks ?? []), mark];
    if (mode === 'stop' && !stopped) {
      stopped = true;
      process.stdout.write('inside\n');
      process.kill(process.pid, 'SIGSTOP');
    }
    if (mode === 'spin' || mode === 'hang') {
      process.stdout.write('inside\n');
      const end = Date.now() + 8000;
      while (Date.now() < end);
    }
    return mark;
  });
  process.stdout.write(`ack ${text}\n`);
}
