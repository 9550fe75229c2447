import fs from 'node:fs';
import path from 'node:path';
import { realCatalogPath } from '../location.ts';
import { judgeMarker } from './blockers.ts';
import { MarkerFolder, removeMarker } from './markers.ts';

/** Markers of processes that are dead. Each can be removed: its owner will not come back. */
export function findStaleMarkers(catalog: string): { name: string; remove: () => void }[] {
  const file = realCatalogPath(catalog);
  if (!fs.existsSync(path.dirname(file))) return [];
  const markers = new MarkerFolder(file, 'doctor');
  const { readers, writers, queue } = markers.look();
  return [...readers, ...writers, ...queue]
    .filter(marker => judgeMarker(marker) === 'dead')
    .map(marker => ({
      name: marker.name,
      remove: () => {
        removeMarker(markers.pathOf(marker));
      },
    }));
}
