import fs from 'node:fs';
import path from 'node:path';
import { realCatalogPath } from '../location.ts';
import { ignoring } from '../../errors.ts';
import { poll } from '../../process/sleep.ts';
import { judgeMarker } from './blockers.ts';
import { gateOf, isStaleGate, STALE_MS } from './gate.ts';
import { MarkerFolder, removeMarker } from './markers.ts';

export interface StaleMarker {
  readonly name: string;
  readonly remove: () => void;
}

/** Markers of processes that are dead. Each can be removed: its owner will not come back. */
export async function findStaleMarkers(catalog: string): Promise<StaleMarker[]> {
  const file = realCatalogPath(catalog);
  if (!fs.existsSync(path.dirname(file))) return [];
  const markers = new MarkerFolder(file, 'doctor');
  const { readers, writers, queue } = markers.look();
  const dead = [...readers, ...writers, ...queue]
    .filter(marker => judgeMarker(marker) === 'dead')
    .map(marker => ({
      name: marker.name,
      remove: () => {
        removeMarker(markers.pathOf(marker));
      },
    }));
  const gate = gateOf(file);
  const remove = (): void => {
    ignoring(
      ['ENOENT'],
      () => {
        fs.rmdirSync(gate);
      },
      undefined,
    );
  };
  return (await isGateLeft(file)) ? [{ name: path.basename(gate), remove }, ...dead] : dead;
}

/** Only its age tells a gate that was left from one in use: a young one is watched until it is gone or old. */
async function isGateLeft(file: string): Promise<boolean> {
  const judge = (): boolean | undefined =>
    ignoring(['ENOENT'], () => (isStaleGate(file) ? true : undefined), false);
  return (await poll(judge, { everyMs: 25, limitMs: STALE_MS + 50 })) ?? false;
}
