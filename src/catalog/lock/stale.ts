import fs from 'node:fs';
import path from 'node:path';
import { realCatalogPath } from '../location.ts';
import { ignoring } from '../../errors.ts';
import { judgeMarker } from './blockers.ts';
import { gateOf, isStaleGate } from './gate.ts';
import { MarkerFolder, removeMarker } from './markers.ts';

/** Markers of processes that are dead. Each can be removed: its owner will not come back. */
export function findStaleMarkers(catalog: string): { name: string; remove: () => void }[] {
  const file = realCatalogPath(catalog);
  if (!fs.existsSync(path.dirname(file))) return [];
  const markers = new MarkerFolder(file, 'doctor');
  const { readers, writers, queue } = markers.look();
  const gate = gateOf(file);
  const stale = ignoring(['ENOENT'], () => isStaleGate(file), false);
  const gates = stale
    ? [
        {
          name: path.basename(gate),
          remove: () => {
            ignoring(
              ['ENOENT'],
              () => {
                fs.rmdirSync(gate);
              },
              undefined,
            );
          },
        },
      ]
    : [];
  const dead = [...readers, ...writers, ...queue]
    .filter(marker => judgeMarker(marker) === 'dead')
    .map(marker => ({
      name: marker.name,
      remove: () => {
        removeMarker(markers.pathOf(marker));
      },
    }));
  return [...gates, ...dead];
}
