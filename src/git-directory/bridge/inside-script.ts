/**
 * The bridge's program inside the container: POSIX sh and the container's own git, on the container's own git directory, as the
 * instance's user. `sh -c <text> hjk-bridge <mode> <git directory> <branch> …`. Whatever it does, it can only cost that instance's
 * own work; what it prints is taken for a stranger's word.
 */
export const insideScript = `mode=$1 d=$2 b=$3; shift 3
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE GIT_COMMON_DIR
export GIT_OPTIONAL_LOCKS=0 GIT_NO_REPLACE_OBJECTS=1 GIT_NO_LAZY_FETCH=1 LC_ALL=C
g() { git --git-dir="$d" -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.splitIndex=false -c gc.auto=0 -c maintenance.auto=false -c pack.threads=1 "$@"; }
tip() { g rev-parse -q --verify "refs/heads/$b^{commit}" || echo -; }
busy() { for f in MERGE_HEAD rebase-merge rebase-apply CHERRY_PICK_HEAD REVERT_HEAD; do [ -e "$d/$f" ] && return 0; done; return 1; }
# The lock of the index, ours: what it says is who has it. One of a bridge that is dead is taken over without being released.
lock() {
  n=$d/hjk.$$; echo "hjk-bridge $$" >"$n" || return 1; i=0
  until ln "$n" "$d/index.lock" 2>/dev/null; do
    w= p=; read -r w p <"$d/index.lock" 2>/dev/null
    if [ "$w" = hjk-bridge ] && ! grep -q hjk-bridge "/proc/$p/cmdline" 2>/dev/null; then mv -f "$n" "$d/index.lock"; return; fi
    i=$((i+1)); [ $i -lt 20 ] || { rm -f "$n"; return 1; }
    sleep 0.05 2>/dev/null || sleep 1
  done
  rm -f "$n"
}
unlock() { rm -f "$d/index.hjk" "$d/index.lock"; }
# what differs between two commits, and nothing else, changes in the new index
next() {
  rm -f "$d/index.hjk" "$d/index.hjk.lock"
  [ -e "$d/index" ] || return 0
  cp "$d/index" "$d/index.hjk" || return 1
  export GIT_INDEX_FILE="$d/index.hjk"
  g read-tree -i -m "$1" "$2" 2>/dev/null ||
    g diff-tree -r -z --no-renames --name-only "$1" "$2" | g --literal-pathspecs reset -q "$2" --pathspec-from-file=- --pathspec-file-nul >/dev/null 2>&1 ||
    g read-tree "$2"
  r=$?; unset GIT_INDEX_FILE; return $r
}
# repositories of submodules that have what none of their remotes has
modules() {
  for m in "$1"/*; do
    [ -d "$m" ] || continue
    if [ -f "$m/HEAD" ] && [ -d "$m/objects" ]; then
      h=$(git --git-dir="$m" rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null)
      if [ -n "$h$(git --git-dir="$m" for-each-ref --count=1 2>/dev/null)" ]; then
        x=$(git --git-dir="$m" -c core.hooksPath=/dev/null rev-list --max-count=1 --all $h --not --remotes 2>&1) && [ -z "$x" ] ||
          echo "module \${m#"$d/modules/"}"
      fi
      modules "$m/modules"
    else modules "$m"; fi
  done
}
put() { [ ! -e "$d/index.hjk" ] || mv -f "$d/index.hjk" "$d/index"; rm -f "$d/index.lock"; }
case $mode in
look) # <carried or -> <list of refs: some or all> <the host's tip or -> : tip and HEAD, refs, a pack of what the host lacks
  t=$(tip); h=$(g symbolic-ref -q HEAD) || h=$(g rev-parse -q --verify 'HEAD^{commit}') || h=-
  printf 'hjk1 %s %s\\n' "$t" "$h"
  [ "$3" = - ] || g update-ref "refs/remotes/host/$b" "$3" 2>/dev/null
  if [ "$2" = all ]; then set -- "$1" refs/heads refs/tags refs/remotes; else set -- "$1" refs/heads refs/tags; fi
  c=$1; shift
  g for-each-ref --format='%(objectname) %(refname)' "$@" | head -c 16000000
  echo .
  [ "$t" = - ] || [ "$t" = "$c" ] || {
    echo "$t"; [ "$c" = - ] || ! g cat-file -e "$c^{commit}" 2>/dev/null || echo "^$c"
  } | g pack-objects -q --revs --thin --local --stdout --delta-base-offset ;;
give) # <carried or -> <object>… : a pack of those
  c=$1; shift
  { for o; do echo "$o"; done; [ "$c" = - ] || ! g cat-file -e "$c^{commit}" 2>/dev/null || echo "^$c"; } |
    g pack-objects -q --revs --thin --local --stdout --delta-base-offset ;;
tips) # what else is here: other branches, stashes, HEAD, what is in progress, commits that reflogs alone hold, the index
  g for-each-ref --format='heads/%(refname:lstrip=2) %(objectname)' refs/heads | head -c 8000000
  g rev-parse -q --verify 'HEAD^{commit}' | { read -r o && echo "head $o"; }
  n=0; g rev-list -g refs/stash -- 2>/dev/null | head -n 500 | while read -r o; do echo "stash/$n $o"; n=$((n+1)); done
  for f in MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD REBASE_HEAD MERGE_AUTOSTASH AUTO_MERGE rebase-merge/orig-head rebase-merge/onto rebase-merge/autostash rebase-merge/stopped-sha rebase-apply/orig-head rebase-apply/autostash; do
    [ -f "$d/$f" ] && head -c 8000 "$d/$f" | { n=0; while read -r o x && [ $n -lt 20 ]; do g cat-file -e "$o" 2>/dev/null && echo "progress/$f-$n $(g rev-parse -q --verify "$o")"; n=$((n+1)); done; }
  done
  g rev-list --reflog --not --all --parents 2>/dev/null | head -n 2000 | while read -r o x; do echo "reflog $o $x"; done
  x=/tmp/hjk.index.$$; if [ -e "$d/index" ] && cp "$d/index" "$x" 2>/dev/null; then o=$(GIT_INDEX_FILE=$x g write-tree 2>/dev/null) && echo "index $o"; rm -f "$x"; fi
  modules "$d/modules" | head -c 100000
  echo . ;;
move) # <from> <to> <mark> : the branch, with its index where it is checked out
  if busy; then echo unfinished; exit; fi
  checked=; [ "$(g symbolic-ref -q HEAD)" != "refs/heads/$b" ] || checked=1
  lock || { echo locked; exit; }
  if [ -n "$checked" ]; then next "$1" "$2" || { unlock; echo failed; exit; }; else rm -f "$d/index.hjk"; fi
  if { echo start; echo "update refs/heads/$b $2 $1"; echo "create refs/headjack/moved/$3 $2"
    g for-each-ref --format='delete %(refname)' refs/headjack/moved; echo prepare; echo commit; } |
    g update-ref --create-reflog -m 'headjack: from the host' --stdin >/dev/null 2>&1; then put; echo moved; else unlock; echo raced; fi ;;
revoke) # <from> <mark> : whether that move was made; if not, it cannot be any more
  g update-ref "refs/headjack/moved/$2" "$1" "$(echo "$1" | tr 0-9a-f 0)" 2>/dev/null
  g rev-parse -q --verify "refs/headjack/moved/$2" || echo - ;;
repair) # <from> : the index of a branch that was moved without it
  [ "$(g symbolic-ref -q HEAD)" = "refs/heads/$b" ] || { rm -f "$d/index.hjk"; lock && unlock; echo repaired; exit; }
  lock || { echo locked; exit; }
  t=$(tip)
  if [ "$t" = - ] || next "$1" "$t"; then put; echo repaired; else unlock; echo failed; fi ;;
refs) # lines of update-ref on stdin; those that are refused are printed
  f=$d/hjk.refs.$$; cat >"$f" || exit
  if ! g update-ref --stdin <"$f" >/dev/null 2>&1; then
    while IFS= read -r l; do printf '%s\\n' "$l" | g update-ref --stdin >/dev/null 2>&1 || printf '%s\\n' "$l"; done <"$f" | head -n 1000
  fi
  rm -f "$f"; echo . ;;
rename) # <new name> : the branch has another name on the host. A commit waits for HEAD's lock, so none goes to the old name meanwhile
  i=0
  until (set -C; echo "ref: refs/heads/$1" >"$d/HEAD.lock") 2>/dev/null; do
    i=$((i+1)); [ $i -lt 40 ] || { echo locked; exit; }
    sleep 0.05 2>/dev/null || sleep 1
  done
  t=$(tip); [ "$t" != - ] || { rm -f "$d/HEAD.lock"; echo gone; exit; }
  # one that the host's name was given to already is behind
  n=$(g rev-parse -q --verify "refs/heads/$1") || n=$(echo "$t" | tr 0-9a-f 0)
  if [ "$n" != "$t" ] && { case $n in *[!0]*) g merge-base --is-ancestor "$n" "$t";; esac; } ; then
    g update-ref --create-reflog -m 'headjack: renamed on the host' "refs/heads/$1" "$t" "$n" 2>/dev/null
  fi
  [ "$(g rev-parse -q --verify "refs/heads/$1")" = "$t" ] || { rm -f "$d/HEAD.lock"; echo exists; exit; }
  if [ "$(g symbolic-ref -q HEAD)" = "refs/heads/$b" ]; then mv -f "$d/HEAD.lock" "$d/HEAD"; else rm -f "$d/HEAD.lock"; fi
  g update-ref -d "refs/heads/$b" "$t"; echo renamed ;;
esac
`;
