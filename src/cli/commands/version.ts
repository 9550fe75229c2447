import fs from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../headjack.ts';
import type { Handler } from '../context.ts';

export const version: Handler<object> = context => {
  const text = fs.readFileSync(path.join(packageRoot(), 'dist', 'version.json'), 'utf8');
  const built = JSON.parse(text) as { version: string; commit: string; built: string };
  if (context.json) context.output.json({ version: built.version, commit: built.commit, built: built.built });
  else context.output.answer(`hjk version ${built.version} (commit ${built.commit}, built ${built.built})`);
  return Promise.resolve(0);
};
