import type { World } from './world.ts';

/** The instance in which hostile programs run. */
export interface Place {
  readonly world: World;
  readonly branch: string;
  readonly id: string;
  readonly worktree: string;
}

/**
 * One thing that a hostile program does. Scripts are for `sh` and find in their environment:
 *
 * N this attack's name as a word · W worktree · R repository · G its .git · H home of the victim · F folder of all of it ·
 * P another repository · M the remote, a folder · B branch · D, C the git directory and the common one, as git inside names them ·
 * DIRS every git directory that could be reached · K a file and KD a folder of the victim's that this attack must not change ·
 * X a program that tells when it runs on the host · FAKE a folder with configuration that runs X
 */
export interface Attack {
  readonly name: string;
  /** Runs inside, to its end. */
  readonly inside?: string;
  /** Goes on inside while the victim works. */
  readonly running?: string;
  /** On the host: what a branch's author or another user does. Gives what went wrong at once. */
  readonly outside?: (world: World, word: string) => Promise<string[]>;
  /** What else must hold afterwards, while the instance is still there. */
  readonly check?: (place: Place, word: string) => Promise<string[]>;
  /** Nothing else can be tried in the same instance. */
  readonly alone?: boolean;
  /** What docs/security.md says of it, word for word: it is known, and not closed. */
  readonly open?: string;
  /** Among the few that run with every test. */
  readonly short?: boolean;
}

export interface Kind {
  readonly kind: string;
  readonly attacks: readonly Attack[];
}

/** The attack's name in files, variables and branches. */
export const wordOf = (attack: Attack): string =>
  attack.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** The same for each of several names. */
export const forEach = <T>(items: readonly T[], make: (item: T) => Attack): Attack[] => items.map(make);

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A script that puts the attacks' scripts into a folder, and runs those that are to run at once. */
export function attackScript(place: Place, attacks: readonly Attack[]): string {
  const { world } = place;
  const common = {
    W: place.worktree,
    R: world.repository,
    G: `${world.repository}/.git`,
    H: world.home,
    F: world.folder,
    P: world.other,
    M: world.remote,
    B: place.branch,
  };
  const prelude = `${Object.entries(common)
    .map(([name, value]) => `export ${name}=${quote(value)}`)
    .join('\n')}
cd "$W"
export D=$(git rev-parse --absolute-git-dir) C=$(cd "$(git rev-parse --git-common-dir)" && pwd)
DIRS="$D"; [ "$C" = "$D" ] || DIRS="$DIRS $C"; for d in "$G" "$G"/worktrees/*; do [ -d "$d" ] && DIRS="$DIRS $d"; done; export DIRS
mkdir -p /tmp/attacks .traps`;
  const files = attacks.map(attack => {
    const word = wordOf(attack);
    const script = [attack.inside, attack.running].map(part => (part === undefined ? '' : part));
    return `
cat >/tmp/attacks/${word}.head <<'END-OF-HEAD'
N=${word}; K="$H/canaries/$N"; KD="$H/canaries/$N.d"; X="$W/.traps/$N"; FAKE="$W/.traps/$N.git"
END-OF-HEAD
cat >/tmp/attacks/${word} <<'END-OF-ATTACK'
. /tmp/attacks/${word}.head
${script[0]}
END-OF-ATTACK
cat >/tmp/attacks/${word}.running <<'END-OF-ATTACK'
. /tmp/attacks/${word}.head
${script[1]}
END-OF-ATTACK
printf '#!/bin/sh\\necho "$0 $*" >>%s/ran/%s\\ncat 2>/dev/null\\nexit 0\\n' "$F" ${word} >.traps/${word}; chmod 755 .traps/${word}
${attack.inside === undefined ? '' : `timeout 30 sh /tmp/attacks/${word} </dev/null >/dev/null 2>&1`}
${attack.running === undefined ? '' : `env >/tmp/attacks/${word}.env; export -p >/tmp/attacks/${word}.vars`}`;
  });
  return `${prelude}\n${files.join('\n')}\nexit 0\n`;
}

/** What a session runs for an attack that goes on. */
export const runningScript = (attack: Attack): string =>
  `. /tmp/attacks/${wordOf(attack)}.vars; cd "$W"; . /tmp/attacks/${wordOf(attack)}.running`;

/** A folder that looks like a git directory, and runs X for whatever git does with it. */
export const makeFake = `mkdir -p "$FAKE/objects" "$FAKE/refs/heads" "$FAKE/hooks"; echo ref: refs/heads/x >"$FAKE/HEAD"
evil() { printf '[core]\\n\\trepositoryformatversion = 0\\n\\tfsmonitor = %s\\n\\thooksPath = %s/hooks\\n\\tsshCommand = %s\\n\\tpager = %s\\n\\teditor = %s\\n\\talternateRefsCommand = %s\\n[diff]\\n\\texternal = %s\\n[filter "x"]\\n\\tclean = %s\\n\\tsmudge = %s\\n[uploadpack]\\n\\tpackObjectsHook = %s\\n' "$X" "$FAKE" "$X" "$X" "$X" "$X" "$X" "$X" "$X" "$X"; }
evil >"$FAKE/config"
for h in pre-commit post-commit post-checkout post-merge post-index-change reference-transaction pre-auto-gc post-rewrite prepare-commit-msg commit-msg applypatch-msg pre-push fsmonitor-watchman update post-update pre-receive post-receive proc-receive; do ln -sf "$X" "$FAKE/hooks/$h"; done
`;
