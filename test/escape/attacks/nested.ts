import { forEach, makeFake, type Kind } from '../attack.ts';

/** A repository of the attacker's in the worktree, in $W/$N. */
const nest = `${makeFake}mkdir -p "$W/$N" && cd "$W/$N" && git init -q . && git config user.name a && git config user.email a@a && echo x >file && git add . && git commit -qm x; `;

/** Every key by which git starts a program, and the attribute that asks for it. */
const drivers: readonly (readonly [string, string, string])[] = [
  ['clean and smudge filters', '* filter=x', 'filter.x.clean filter.x.smudge filter.x.process'],
  [
    'a filter whose name has an equals sign',
    '* filter=a=b',
    'filter.a=b.clean filter.a=b.smudge filter.a=b.process',
  ],
  ['a filter whose name has a dot and a newline', '* filter=a.b', 'filter.a.b.clean filter.a.b.process'],
  ['textconv and diff commands', '* diff=x', 'diff.x.textconv diff.x.command diff.external'],
  ['merge drivers', '* merge=x', 'merge.x.driver merge.default'],
  ['fsmonitor', '', 'core.fsmonitor'],
  ['hooks elsewhere', '', 'core.hooksPath'],
  ['alternateRefsCommand and packObjectsHook', '', 'core.alternateRefsCommand uploadpack.packObjectsHook'],
  ['signing programs', '', 'gpg.program gpg.ssh.program gpg.ssh.defaultKeyCommand gpg.x509.program'],
  [
    'ssh, askpass, proxy and credential programs',
    '',
    'core.sshCommand core.askPass core.gitProxy credential.helper',
  ],
  [
    'pagers, editors and aliases',
    '',
    'core.pager core.editor sequence.editor pager.log alias.status alias.rev-list',
  ],
];

export const nestedRepositories: Kind = {
  kind: 'nested repositories',
  attacks: [
    ...forEach(drivers, ([name, attributes, keys]) => ({
      name: `a nested repository with ${name}`,
      short: name.includes('equals') || name === 'fsmonitor',
      inside: `${nest}echo '${attributes}' >.gitattributes; for k in ${keys}; do git config "$k" "$X"; done; case '${keys}' in *hooksPath*) git config core.hooksPath "$FAKE/hooks";; esac; git config filter.x.required true; git config commit.gpgSign true; echo y >>file; echo z >new`,
    })),
    {
      name: 'a nested repository that poses as a partial clone',
      short: true,
      inside: `${nest}git config remote.origin.promisor true; git config extensions.partialClone origin; git config core.repositoryFormatVersion 1; git config remote.origin.url "$M"; git config remote.origin.uploadpack "$X"; git config remote.origin.partialclonefilter blob:none; git config remote.origin.fetch '+refs/*:refs/*'; t=$(git rev-parse HEAD^{tree}); rm -f .git/objects/$(echo $t | cut -c1-2)/$(echo $t | cut -c3-)`,
    },
    {
      name: 'a nested repository whose remote is an ext:: program',
      inside: `${nest}git config remote.origin.url "ext::sh -c $X"; git config protocol.ext.allow always; git config remote.origin.promisor true; git config extensions.partialClone origin; rm -rf .git/objects/??`,
    },
    {
      name: 'a nested repository committed as a gitlink',
      short: true,
      inside: `${nest}evil >>.git/config; cp -L "$FAKE"/hooks/* .git/hooks/; cd "$W"; git add "$N"; git commit -qm gitlink -- "$N"; cd "$N"; echo y >file; git commit -qam y`,
    },
    {
      name: 'a gitlink staged only, in the index of the worktree',
      inside: `${nest}evil >>.git/config; cd "$W"; git update-index --add --cacheinfo "160000,$(git -C "$N" rev-parse HEAD),$N"`,
    },
    {
      name: 'the place of a real submodule taken by a repository with a program',
      short: true,
      inside: `${makeFake}cd "$W/sub" || mkdir -p "$W/sub"; cd "$W/sub"; rm -rf .git; git init -q .; git config user.email a@a; git config user.name a; git commit -q --allow-empty -m x; evil >>.git/config; cp -L "$FAKE"/hooks/* .git/hooks/; echo x >x`,
    },
    {
      name: 'a submodule whose name and commands lead elsewhere',
      inside: `cd "$W"; printf '[submodule "../../x"]\\n\\tpath = sub\\n\\turl = ext::sh -c %s\\n\\tupdate = !%s\\n[submodule "sub"]\\n\\tpath = sub\\n\\turl = -u./%s\\n\\tupdate = !%s\\n\\tbranch = --upload-pack=%s\\n\\tignore = none\\n\\tfetchRecurseSubmodules = true\\n' "$X" "$X" "$N" "$X" "$X" >.gitmodules; git commit -qam modules; git config submodule.sub.update "!$X"`,
    },
    {
      name: 'a .git file that names the main checkout',
      alone: true,
      inside: `mkdir -p "$W/$N"; echo "gitdir: $G" >"$W/$N/.git"; echo x >"$W/$N/x"; mkdir -p "$W/$N-2"; echo "gitdir: ../../../../../../../project/.git" >"$W/$N-2/.git"`,
    },
    {
      name: "a .git file that names another repository of the user's",
      short: true,
      inside: `mkdir -p "$W/$N"; echo "gitdir: $P/.git" >"$W/$N/.git"; echo x >"$W/$N/x"`,
    },
    {
      name: 'a .git link to another repository',
      inside: `mkdir -p "$W/$N"; ln -s "$P/.git" "$W/$N/.git"; ln -s "$P" "$W/$N-whole"; echo x >"$W/$N/x"`,
    },
    ...forEach(['objects', 'refs', 'refs/heads', 'HEAD', 'config', 'index', 'packed-refs', 'logs'], part => ({
      name: `a nested repository whose ${part} is a link to another repository's`,
      inside: `${nest}rm -rf ".git/${part}"; ln -s "$P/.git/${part}" ".git/${part}"`,
    })),
    {
      name: 'a nested repository with alternates of another repository',
      inside: `${nest}mkdir -p .git/objects/info; printf '%s\\n' "$P/.git/objects" '../../../../../../../../../other/.git/objects' >.git/objects/info/alternates`,
    },
    {
      name: 'a nested repository whose commondir or worktree leads elsewhere',
      inside: `${nest}echo "$P/.git" >.git/commondir; mkdir -p "$W/$N-2"; cd "$W/$N-2"; git init -q .; git config core.worktree "$H"; mkdir -p "$W/$N-3"; cd "$W/$N-3"; git init -q .; mkdir -p .git/worktrees/x; echo "$P/.git" >.git/worktrees/x/gitdir; echo ../.. >.git/worktrees/x/commondir; cat .git/HEAD >.git/worktrees/x/HEAD`,
    },
    {
      name: 'a bare repository in an ordinary folder',
      inside: `${makeFake}git init -q --bare "$W/$N"; evil >>"$W/$N/config"; cp -L "$FAKE"/hooks/* "$W/$N/hooks/"; git init -q --bare "$W/$N-2/.git"; evil >>"$W/$N-2/.git/config"; cp -r "$FAKE"/. "$W/"; mkdir -p "$W/objects" "$W/refs"`,
    },
    {
      name: 'a nested repository with include paths',
      inside: `${nest}git config include.path "$FAKE/config"; git config includeIf.gitdir:/.path "$FAKE/config"; git config extensions.worktreeConfig true; cp "$FAKE/config" .git/config.worktree; echo "[core] fsmonitor=$X" >>.git/config`,
    },
    {
      name: 'case twins and other spellings of .git',
      inside: `${makeFake}cd "$W"; for n in .GIT .Git 'git~1' '.git ' '.git.' "$(printf '.g\\342\\200\\214it')" '.git::$INDEX_ALLOCATION' 'GIT~1'; do mkdir -p "$n"; cp -r "$FAKE"/. "$n/"; done; git add -f .GIT .Git; mkdir -p "$N"; cp -r "$FAKE" "$N/.GIT"`,
    },
    {
      name: 'trees with .git, .. and absolute names',
      inside: `cd "$W"; b=$(printf '[core]\\n\\tfsmonitor = %s\\n' "$X" | git hash-object -w --stdin); tree() { printf '%s\\n' "$@" | git mktree --missing; }
c=$(printf '100644 blob %s\\tconfig\\n' $b | git mktree); for n in .git .. . .GIT 'git~1' '.gitmodules'; do t=$(printf '040000 tree %s\\t%s\\n' $c "$n" | git mktree); git update-ref "refs/heads/$N-$(echo $n | tr -dc a-z0-9)x" $(git commit-tree -p HEAD -m "$n" $t); done
t=$(printf '120000 blob %s\\tx\\n' $(printf '%s' "$H" | git hash-object -w --stdin) | git mktree); git update-ref refs/heads/$N-l $(git commit-tree -p HEAD -m l $t)
git ls-tree HEAD >/tmp/t; printf '040000 tree %s\\t.git\\n' $c >>/tmp/t; git mktree </tmp/t >/tmp/o && git update-ref HEAD $(git commit-tree -p HEAD -m evil $(cat /tmp/o))`,
    },
    {
      name: 'nested repositories a thousand deep',
      inside: `cd "$W"; mkdir -p "$N"; cd "$N"; i=0; while [ $i -lt 300 ]; do mkdir -p d/.git/objects d/.git/refs; echo ref: refs/heads/x >d/.git/HEAD; cd d; i=$((i+1)); done`,
    },
    {
      name: 'nested repositories made of FIFOs',
      alone: true,
      short: true,
      inside: `cd "$W"; for f in HEAD config index packed-refs commondir objects/info/alternates shallow refs/heads/main info/attributes info/exclude logs/HEAD refs/stash; do n="$N-$(echo $f | tr / -)"; git init -q "$n"; ( cd "$n"; git config user.email a@a; git config user.name a; echo x >x; git add .; git commit -qm x; echo y >y; mkdir -p ".git/$(dirname $f)"; rm -rf ".git/$f"; mkfifo ".git/$f" ); done; mkdir "$N-file"; mkfifo "$N-file/.git"`,
    },
    {
      name: 'nested repositories made of endless files',
      alone: true,
      inside: `cd "$W"; for f in HEAD config index packed-refs objects/info/alternates shallow refs/heads/main commondir logs/HEAD; do for t in zero sparse; do n="$N-$t-$(echo $f | tr / -)"; git init -q -b main "$n"; ( cd "$n"; mkdir -p ".git/$(dirname $f)"; rm -rf ".git/$f"; if [ $t = zero ]; then ln -s /dev/zero ".git/$f"; else truncate -s 20G ".git/$f"; fi ); done; done; mkdir "$N-file" "$N-big"; ln -s /dev/zero "$N-file/.git"; truncate -s 20G "$N-big/.git"`,
    },
  ],
};
