import { printable } from '../core/printable.ts';
import { messageOf } from '../errors.ts';
import { takeOrder } from './order.ts';
import { pump } from './pump.ts';
import { openProcessScreen } from './screen.ts';

/** The program in the pane: `node pump.cjs <file with the order>`. One file, loaded whole: an upgrade cannot pull it away. */
async function run(): Promise<void> {
  const file = process.argv[2];
  if (file === undefined) throw new Error('usage: pump <order file>');
  const screen = openProcessScreen();
  await pump(takeOrder(file), { screen, env: process.env });
}

run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`hjk: ${printable(messageOf(error))}\r\n`);
    process.exit(1);
  },
);
