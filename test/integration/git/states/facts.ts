import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { runGit, type World } from './world.ts';

/** What there is, told by a plain walk and by git's own plumbing, never by the code that is tested: name → what it is. */
export type Facts = Record<string, string>;

/** Every file, link and folder: mode, content, names of the same file. */
export function walk(root: string, leave: (file: string) => boolean): Facts {
  const facts: Facts = {};
  const inodes = new Map<string, string>();
  /** Whether anything in it stays, or nothing was in it. */
  const visit = (relative: string): boolean => {
    const folder = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(relative, 'latin1')]);
    const names = fs.readdirSync(folder, { encoding: 'latin1' }).sort();
    let kept = 0;
    for (const name of names) {
      const child = relative === '' ? name : `${relative}/${name}`;
      const file = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(child, 'latin1')]);
      if (leave(child)) continue;
      const stat = fs.lstatSync(file);
      const mode = (stat.mode & 0o777).toString(8);
      // git itself sets the modes in its own folders
      const inGit = /(^|\/)[^/]*[.-]git\//.test(child) || root.includes('/.git/');
      const shown = inGit ? '' : `${mode} `;
      // git itself rewrites it; what it says is asked of git
      if (inGit && name === 'index') continue;
      if (stat.isDirectory()) {
        // a folder of which nothing stays is no more than its content
        if (!visit(child)) continue;
        facts[`${child}/`] = shown;
      } else if (stat.isSymbolicLink()) facts[child] = `-> ${fs.readlinkSync(file, 'latin1')}`;
      else if (stat.isFile()) {
        const hash = createHash('sha1').update(fs.readFileSync(file)).digest('hex');
        const inode = `${stat.dev}:${stat.ino}`;
        const first = inodes.get(inode) ?? child;
        inodes.set(inode, first);
        facts[child] = `${shown}${stat.size} ${hash}${first === child || shown === '' ? '' : ` = ${first}`}`;
      }
      kept++;
    }
    return kept > 0 || names.length === 0;
  };
  visit('');
  return facts;
}

const say = (place: string, ...args: string[]): string => {
  try {
    return runGit(place, ...args);
  } catch (error) {
    return `failed ${String((error as { status?: unknown }).status)}`;
  }
};

const inProgress =
  /^(MERGE_\w+|AUTO_MERGE|CHERRY_PICK_HEAD|REVERT_HEAD|REBASE_HEAD|SQUASH_MSG|BISECT_\w+|rebase-merge|rebase-apply|sequencer)$/;

/** What git knows of a working tree and its git directory. */
function gitFacts(place: string, gitDir: string): Facts {
  const facts: Facts = {
    head: fs.readFileSync(path.join(gitDir, 'HEAD'), 'utf8'),
    commit: say(place, 'rev-parse', '--verify', '--quiet', 'HEAD'),
    refs: say(place, 'for-each-ref', '--format=%(objectname) %(refname)').replaceAll(
      /^.*refs\/headjack\/.*\n/gm,
      '',
    ),
    index: say(place, 'ls-files', '-s', '-v', '-z'),
    stashes: say(place, 'stash', 'list', '--format=%H %s'),
    status: say(place, 'status', '--porcelain=v2', '-z', '--untracked-files=all'),
    sparse: say(place, 'config', '--bool', 'core.sparseCheckout'),
  };
  for (const name of fs.readdirSync(gitDir).filter(n => inProgress.test(n))) {
    const file = path.join(gitDir, name);
    if (fs.statSync(file).isDirectory())
      for (const [child, what] of Object.entries(walk(file, () => false))) facts[`${name}/${child}`] = what;
    else facts[name] = fs.readFileSync(file, 'latin1');
  }
  return facts;
}

export interface Leave {
  /** Files that a removal may delete unstored, as it says. */
  (file: string): boolean;
}

/** All of a worktree: its files, its git, every repository inside, every submodule's repository. */
export function collectFacts(world: World, leave: Leave): Facts {
  const { tree, metadata } = world;
  const all: Facts = {};
  const add = (prefix: string, facts: Facts): void => {
    for (const [name, what] of Object.entries(facts)) all[`${prefix}${name}`] = what;
  };
  add('git ', gitFacts(tree, metadata));
  const files = walk(tree, file => file === '.git' || leave(file));
  for (const name of Object.keys(files)) {
    const inside = /^(.*)\/\.git\/?$/.exec(name)?.[1];
    if (inside === undefined) continue;
    const gitDir = say(path.join(tree, inside), 'rev-parse', '--absolute-git-dir').trim();
    if (!gitDir.startsWith('/') || gitDir === metadata) continue;
    add(`${inside} git `, gitFacts(path.join(tree, inside), gitDir));
    add(`${inside} git `, { fsck: say(path.join(tree, inside), 'fsck', '--no-dangling', '--no-progress') });
  }
  add(
    '',
    walk(tree, file => file === '.git' || leave(file)),
  );
  const modules = path.join(metadata, 'modules');
  if (fs.existsSync(modules))
    add(
      'modules ',
      walk(modules, file => leave(`.git/modules/${file}`)),
    );
  return all;
}

export function differences(before: Facts, after: Facts): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter(name => before[name] !== after[name])
    .map(name => `${JSON.stringify(name)}: ${JSON.stringify(before[name])} → ${JSON.stringify(after[name])}`);
}
