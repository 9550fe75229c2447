import fs from 'node:fs';
import type { InstanceEntry } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import { listFolder } from '../process/files.ts';
import { instanceFiles, sessionFiles } from '../session/files.ts';
import { loadJudged, loadRecord } from '../session/record.ts';
import { findSession, requireInstance, requireRepository, sessionNotFound } from './find-instance.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** A session's log: its files, oldest first, and whether more may come. */
export interface SessionLog {
  readonly files: readonly string[];
  /** Folder whose changes tell of the session's end. */
  readonly folder: string;
  readonly ended: () => Promise<boolean>;
}

/** Finds a log by the session's name (the newest) or id, also of a session that was killed and is off the list. */
export async function findLog(
  services: Services,
  target: { branch: string; session: string },
): Promise<SessionLog> {
  const repository = requireRepository(services);
  const entry = await services.catalog.read(catalog =>
    structuredClone(requireInstance(catalog, repository, target.branch)),
  );
  const places = placesOf(services);
  const listed = findSession(entry, target.session);
  const id = listed?.id ?? findRecord(services, entry, target.session);
  if (id === undefined) throw sessionNotFound(entry, target.session);
  const files = sessionFiles(places, entry.id, id);
  const muxId = listed?.mux_session_id ?? '';
  const ended = async (): Promise<boolean> => {
    const { record, carried } = loadJudged(files.record);
    if (record !== undefined) return !carried;
    return !fs.existsSync(files.log) || !(await services.defaultServer.clients()).has(muxId);
  };
  if (!fs.existsSync(files.log) && !fs.existsSync(`${files.log}.1`) && (await ended())) {
    throw new HeadjackError('log_not_found', `no log file found for session ${target.session}`, {
      hint: `hjk ps ${target.branch}`,
    });
  }
  return { files: [`${files.log}.1`, files.log], folder: instanceFiles(places, entry.id).folder, ended };
}

/** Id of the newest session of that name, or that id, among the records that stay until `rm`. */
function findRecord(services: Services, entry: InstanceEntry, wanted: string): string | undefined {
  const { folder } = instanceFiles(placesOf(services), entry.id);
  return listFolder(folder)
    .filter(name => name.endsWith('.json') && name !== 'spec.json')
    .flatMap(name => loadRecord(`${folder}/${name}`) ?? [])
    .filter(record => record.name === wanted || record.id === wanted)
    .sort((a, b) => (a.started_at < b.started_at ? 1 : -1))[0]?.id;
}
