import { pathText, lstatIn } from './byte-path.ts';

/** Ignored files that a snapshot leaves out: a file, or what of a folder is not stored. */
export interface IgnoredPlace {
  /** Relative to the worktree; a folder ends with a slash. */
  readonly path: string;
  /** At least so many, where `complete` is false: a huge folder is not measured to its end. */
  readonly bytes: number;
  readonly files: number;
  readonly complete: boolean;
}

export interface IgnoredFiles {
  /** Latin1 paths of those that are stored. */
  readonly stored: readonly string[];
  readonly notStored: readonly IgnoredPlace[];
}

/** Folders that tools fill and can fill again. */
const filledByTools = new Set(
  (
    'node_modules bower_components .pnpm-store .yarn .npm .next .nuxt .svelte-kit .turbo .parcel-cache .angular .vite ' +
    'target .venv venv __pycache__ .tox .nox .eggs .mypy_cache .pytest_cache .ruff_cache .ipynb_checkpoints ' +
    'dist build out obj _build cmake-build-debug cmake-build-release .cache .ccache coverage .nyc_output .gradle .m2 ' +
    '.terraform .dart_tool .bundle vendor Pods DerivedData elm-stuff .stack-work dist-newstyle zig-cache .zig-cache'
  ).split(' '),
);

const LARGEST_FILE = 1024 ** 2;
const LARGEST_ALL = 32 * 1024 ** 2;
const MOST_FILES = 5000;
/** A place of more candidates is a cache of some kind. */
const MOST_CANDIDATES = 20_000;
const MEASURE_MS = 150;

/**
 * Which of the ignored files are stored: all where they are asked for, else small ones (`.env`, local settings) outside of
 * folders that tools fill, the smallest first.
 * @param ignored latin1 path → the ignored place that it is or is in
 */
export function chooseIgnored(
  at: string,
  ignored: ReadonlyMap<string, string>,
  options: { readonly all: boolean; readonly now: () => number },
): IgnoredFiles {
  if (options.all) return { stored: [...ignored.keys()], notStored: [] };
  const candidates = [...ignored.keys()].filter(file => !isFilledByTool(file));
  const small = candidates
    .slice(0, MOST_CANDIDATES)
    .map(file => ({ file, size: lstatIn(at, file)?.size ?? 0 }))
    .filter(({ size }) => size < LARGEST_FILE)
    .sort((a, b) => a.size - b.size);
  const stored = new Set<string>();
  let bytes = 0;
  for (const { file, size } of small) {
    bytes += size;
    if (bytes > LARGEST_ALL || stored.size >= MOST_FILES) break;
    stored.add(file);
  }
  return {
    stored: [...stored],
    notStored: measure(at, ignored, { stored, until: options.now() + MEASURE_MS, now: options.now }),
  };
}

/** Whether a file is in a folder that a tool fills. */
export function isFilledByTool(file: string): boolean {
  return file.split('/').some((part, i, parts) => i < parts.length - 1 && filledByTools.has(part));
}

function measure(
  at: string,
  ignored: ReadonlyMap<string, string>,
  of: { readonly stored: ReadonlySet<string>; readonly until: number; readonly now: () => number },
): IgnoredPlace[] {
  const places = new Map<string, { bytes: number; files: number; complete: boolean }>();
  let inTime = true;
  let count = 0;
  for (const [file, place] of ignored) {
    if (of.stored.has(file)) continue;
    const sum = places.get(place) ?? { bytes: 0, files: 0, complete: true };
    places.set(place, sum);
    sum.files++;
    if (++count % 256 === 0) inTime &&= of.now() < of.until;
    if (inTime) sum.bytes += lstatIn(at, file)?.size ?? 0;
    else sum.complete = false;
  }
  return [...places].map(([place, sum]) => ({ path: pathText(place), ...sum }));
}
