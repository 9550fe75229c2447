import fs from 'node:fs';
import path from 'node:path';
import type { Making } from './making.ts';
import { readRegular } from '../../process/regular-file.ts';

/** The name that the CLI gives to the image of features' content, whatever it is: instances at once would overwrite each other's. */
export const FEATURE_CONTENT = 'dev_container_feature_content_temp';

/** The name for this instance alone. */
export function ownFeatureContent(text: string, { held }: Pick<Making, 'held'>): string {
  return text.replace(new RegExp(`${FEATURE_CONTENT}(?!-)`, 'g'), `${FEATURE_CONTENT}-${held.entry.id}`);
}

/** Gives the image its own name in all that the CLI has written for builds. */
export function renameFeatureContent(making: Making): void {
  for (const place of fs.readdirSync(making.scratch, { recursive: true, encoding: 'utf8' })) {
    if (!/(^|\/)(Dockerfile[^/]*|docker-compose[^/]*\.yml)$/.test(place)) continue;
    const file = path.join(making.scratch, place);
    const text = readRegular(file).toString('utf8');
    const renamed = ownFeatureContent(text, making);
    if (renamed !== text) fs.writeFileSync(file, renamed);
  }
}
