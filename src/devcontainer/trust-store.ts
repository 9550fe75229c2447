import fs from 'node:fs';
import path from 'node:path';
import { shortHash } from '../core/hash.ts';
import { listFolder, makePrivateFolder, replaceFile } from '../process/files.ts';
import { readIfThere } from '../process/regular-file.ts';
import type { BranchFile, DevcontainerContent } from './branch-files.ts';

/** What a user approved: these very files, and what they were seen to reach. One file each, so that nobody overwrites another's. */
interface Approval {
  readonly schema: 1;
  /** Path of the devcontainer.json in the branch. */
  readonly file: string;
  readonly digest: string;
  readonly reaches: readonly string[];
  /** Path → content, for the next diff; what is no text is there by its hash. */
  readonly files: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly approved_at: number;
}

/** Approvals of a repository's devcontainer.json files, under the state root. */
export interface TrustStore {
  find(digest: string): Approval | undefined;
  /** The newest approval of a file of that name: what the next one is compared with. */
  findLast(file: string): Approval | undefined;
  approve(content: DevcontainerContent, reaches: readonly string[], now: number): void;
  /** Takes all approvals back. Gives how many there were. */
  revoke(): number;
  /** What making a container was seen to reach besides what the files say: an image or a feature from a registry brought it. */
  noteSeen(digest: string, reaches: readonly string[]): void;
  seen(digest: string): string[];
}

export function createTrustStore(stateRoot: string, commonDir: string): TrustStore {
  const folder = path.join(stateRoot, 'trust', shortHash(commonDir, 12));
  const place = (digest: string, kind: 'approval' | 'seen'): string =>
    path.join(folder, `${digest.slice(0, 32)}.${kind}.json`);
  const load = (file: string): unknown => {
    try {
      return JSON.parse(readIfThere(file) ?? 'null');
    } catch {
      return null; // not whole: it counts as not given
    }
  };
  const loadApproval = (file: string): Approval | undefined => (load(file) as Approval | null) ?? undefined;
  const save = (file: string, content: unknown): void => {
    makePrivateFolder(folder);
    replaceFile(file, `${JSON.stringify(content, null, 2)}\n`);
  };
  const seen = (digest: string): string[] => (load(place(digest, 'seen')) as string[] | null) ?? [];
  return {
    find(digest) {
      const found = loadApproval(place(digest, 'approval'));
      return found?.digest === digest ? found : undefined;
    },
    findLast: file =>
      listFolder(folder)
        .filter(name => name.endsWith('.approval.json'))
        .map(name => loadApproval(path.join(folder, name)))
        .filter(approval => approval?.file === file)
        .sort((a, b) => (b?.approved_at ?? 0) - (a?.approved_at ?? 0))[0],
    approve(content, reaches, now) {
      const { file, digest, files } = content;
      const approval: Approval = {
        schema: 1,
        file,
        digest,
        reaches,
        files: Object.fromEntries(files.map(f => [f.path, shownContent(f)])),
        approved_at: now,
      };
      save(place(digest, 'approval'), approval);
    },
    revoke() {
      const names = listFolder(folder);
      fs.rmSync(folder, { recursive: true, force: true });
      return names.filter(name => name.endsWith('.approval.json')).length;
    },
    noteSeen(digest, reaches) {
      save(place(digest, 'seen'), [...new Set([...seen(digest), ...reaches])]);
    },
    seen,
  };
}

const MOST_BYTES = 256 * 1024;

/** A file as a person can read it. */
export function shownContent(file: BranchFile): string {
  if (file.link) return `→ ${file.content.toString('utf8')}\n`;
  const text = file.content.toString('utf8');
  return file.content.length > MOST_BYTES || text.includes('\0') || text.includes('\ufffd')
    ? `(${String(file.content.length)} bytes, ${shortHash(file.content.toString('latin1'), 12)})\n`
    : text;
}
