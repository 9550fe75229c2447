import fs from 'node:fs';
import { findNearest } from '../../core/nearest.ts';
import { HeadjackError } from '../../errors.ts';
import { pathNames } from '../../config/paths.ts';
import type { Handler } from '../context.ts';
import { formatTable } from '../table.ts';

export const paths: Handler<object> = async (context, words) => {
  const [wanted] = words;
  if (wanted !== undefined && !(pathNames as readonly string[]).includes(wanted)) {
    const nearest = findNearest(wanted, pathNames);
    throw new HeadjackError('usage', `unknown path "${wanted}"`, {
      hint: nearest === undefined ? `one of ${pathNames.join(', ')}` : `did you mean "${nearest}"?`,
    });
  }
  const headjack = await context.open('paths');
  const shown = headjack.paths
    .filter(entry => wanted === undefined || entry.name === wanted)
    .map(entry => ({
      name: entry.name,
      path: entry.path,
      source: entry.source,
      exists: fs.existsSync(entry.path),
    }));
  if (context.json) context.output.json({ paths: shown });
  else if (wanted !== undefined) context.output.answer(shown[0]?.path ?? '');
  else
    context.output.answer(
      formatTable(
        ['NAME', 'PATH', 'SOURCE', 'EXISTS'],
        shown.map(entry => [entry.name, entry.path, entry.source, entry.exists ? 'yes' : 'no']),
      ),
    );
  return 0;
};
