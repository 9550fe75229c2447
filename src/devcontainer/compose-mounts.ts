import type { ComposeDocument } from './compose.ts';
import { isRecord, textOf } from './config.ts';
import { plainPath } from './run-options.ts';

/** What a service mounts. */
export interface ServiceMount {
  /** A folder of this machine, '' where it is none. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The mounts of a service, as compose resolves it: folders, volumes that are made of a folder, other volumes, tmpfs. */
export function serviceMounts(document: ComposeDocument, name: string): ServiceMount[] {
  const service = document.services[name] ?? {};
  const tmpfs = service['tmpfs'];
  return [
    ...listed(service['volumes']).map(item => mountOf(item, document)),
    ...(typeof tmpfs === 'string' ? [tmpfs] : listed(tmpfs)).map(item => ({
      source: '',
      target: plainPath(String(item).split(':')[0] ?? ''),
      readOnly: false,
    })),
  ].filter(mount => mount.target !== '');
}

function mountOf(item: unknown, document: ComposeDocument): ServiceMount {
  if (typeof item === 'string') {
    const [source = '', target, mode = ''] = item.split(':');
    return target === undefined
      ? { source: '', target: plainPath(source), readOnly: false }
      : {
          source: folderOf(source, document),
          target: plainPath(target),
          readOnly: mode.split(',').includes('ro'),
        };
  }
  const fields = isRecord(item) ? item : {};
  return {
    source: folderOf(textOf(fields['source']) ?? '', document),
    target: plainPath(textOf(fields['target']) ?? ''),
    readOnly: fields['read_only'] === true,
  };
}

function folderOf(source: string, { rest }: ComposeDocument): string {
  if (source.startsWith('/')) return plainPath(source);
  const volumes = isRecord(rest['volumes']) ? rest['volumes'] : {};
  const volume = isRecord(volumes[source]) ? volumes[source] : {};
  const options = isRecord(volume['driver_opts']) ? volume['driver_opts'] : {};
  const device = textOf(options['device']) ?? '';
  return device.startsWith('/') ? plainPath(device) : '';
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
