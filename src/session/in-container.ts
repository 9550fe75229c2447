/**
 * The programs that run inside the container: POSIX sh and /proc alone, so any image with a shell will do. They are handed over
 * as `sh -c <text> hjk <arguments>`.
 */

/** Notes pid and start time of this process, so that a pid that was given away again is told apart. */
const notePid = `dir=/run/headjack; id=$1; shift
note() { l=; st=; while IFS= read -r l || [ -n "$l" ]; do st="$st $l"; done </proc/$$/stat; set -- \${st##*) }; shift 19; echo "$$ $1" >$dir/$id.pid; }
note 2>/dev/null
`;

/** Picks what the terminal can do, then the user's shell where no command is given. */
const pickShell = `if [ $# -eq 0 ]; then
  if [ -n "$SHELL" ] && [ -x "$SHELL" ]; then set -- "$SHELL"; elif command -v bash >/dev/null 2>&1; then set -- bash; else set -- sh; fi
fi
`;

/**
 * The leader of a session with a terminal. Waits for the first resize, as half of all programs would see a 0×0 terminal at their
 * first look: on a busy machine it comes late, so for ten seconds or so; for one where there is no `stty`, as it may have come before.
 * Stays to record the exit code.
 */
export const sessionScript = `${notePid}winch=; trap 'winch=1' WINCH; n=0; most=100
command -v stty >/dev/null 2>&1 && most=1000
while [ -z "$winch" ] && [ $n -lt $most ]; do
  case $(stty size 2>/dev/null) in ''|'0 0') ;; *) break;; esac
  sleep 0.01 2>/dev/null || break; n=$((n+1))
done
trap - WINCH
TERM=xterm-256color
for d in /usr/share/terminfo /lib/terminfo /etc/terminfo; do [ -e $d/t/tmux-256color ] && TERM=tmux-256color; done
export TERM
${pickShell}trap : INT QUIT TERM HUP
exec 3>&2 2>/dev/null # the shell's own word on how the program ended is not the program's
(exec 2>&3 3>&-; exec "$@")
code=$?
echo $code >$dir/$id.exit
exit $code
`;

/** A program without tmux: the leader becomes it. 127 not found, 126 not executable, on every engine. */
export const plainScript = `${notePid}${pickShell}exec "$@"
`;

/**
 * Ends processes and says what is left: \`hjk <mode> <session id> <grace in tenths of a second>\`.
 * Modes: \`kill\` the session's tree · \`scan\` for it · \`all\` but init and the keep-alive.
 * A process belongs to a session that has its cookie as a whole entry of the environment, or its process session, or an ancestor
 * that does. Prints \`none\`, \`ended\` or \`left <pid (name)>…\`.
 */
export const killScript = `mode=$1; id=$2; grace=$3; dir=/run/headjack; nl='
'
lead=; born=; keep=; idle=
{ read -r lead born <$dir/$id.pid; } 2>/dev/null
{ read -r keep idle <$dir/keep-alive; } 2>/dev/null
stat() { l=; st=; { while IFS= read -r l || [ -n "$l" ]; do st="$st $l"; done </proc/$1/stat; } 2>/dev/null; [ -n "$st" ]; }
if [ -n "$lead" ] && stat $lead; then set -- \${st##*) }; shift 19; [ "$1" = "$born" ] || lead=; fi
cookie() {
  if [ -n "$tr" ]; then e=$nl$({ tr '\\0' '\\n' </proc/$1/environ; } 2>/dev/null)$nl
    case $e in *"\${nl}HEADJACK_SESSION_ID=$id$nl"*) return 0;; esac
  else { while IFS= read -r l || [ -n "$l" ]; do case $l in *HEADJACK_SESSION_ID=$id*) return 0;; esac; done </proc/$1/environ; } 2>/dev/null
  fi
  return 1
}
tr=; command -v tr >/dev/null 2>&1 && tr=1
scan() {
  found=' '; others=
  for p in /proc/[0-9]*; do
    pid=\${p#/proc/}
    [ $pid = $$ ] && continue
    stat $pid || continue
    set -- \${st##*) }
    [ "$1" = Z ] && continue
    [ "$1" = X ] && continue
    if [ $mode = all ]; then
      [ $pid = 1 ] && continue; [ "$pid" = "$keep" ] && continue; [ "$pid" = "$idle" ] && continue; [ "$2" = $$ ] && continue
      found="$found$pid "; continue
    fi
    if [ -n "$lead" ] && { [ "$4" = "$lead" ] || [ $pid = "$lead" ]; }; then found="$found$pid "
    elif cookie $pid; then found="$found$pid "
    else others="$others $pid:$2"
    fi
  done
  more=1
  while [ $more = 1 ]; do
    more=0
    for e in $others; do
      case $found in *" \${e%:*} "*) continue;; esac
      case $found in *" \${e#*:} "*) found="$found\${e%:*} "; more=1;; esac
    done
  done
}
nap() { sleep $1 2>/dev/null || sleep 1; }
left() {
  text=
  for pid in $found; do n=; { read -r n </proc/$pid/comm; } 2>/dev/null; text="$text $pid ($n)"; done
  echo "left$text"; exit 1
}
# HUP to those found whose mask (Ign or Cgt) has the bit: a shell that ignores TERM, one that catches HUP. Sent to all at once
# HUP would kill, before they see TERM, programs that save their work at TERM.
hangup() {
  for pid in $found; do
    { while read -r name mask; do [ $name = Sig$1: ] && [ $((0x\${mask#????????????} & $2)) != 0 ] && kill -HUP $pid; done </proc/$pid/status; } 2>/dev/null
  done
}
scan
[ "$found" = ' ' ] && { echo none; exit 0; }
[ $mode = scan ] && left
kill -TERM $found 2>/dev/null; hangup Ign 16384; kill -CONT $found 2>/dev/null
n=0
while [ $n -lt $grace ]; do
  [ $n = 5 ] && hangup Cgt 1
  nap 0.05; scan; [ "$found" = ' ' ] && { echo ended; exit 0; }
  nap 0.05; n=$((n+1))
done
n=0
while [ $n -lt 40 ]; do
  scan; [ "$found" = ' ' ] && { echo ended; exit 0; }
  kill -KILL $found 2>/dev/null; nap 0.05; n=$((n+1))
done
left
`;

/** Lists the processes that have a session's cookie: `<session id> <pid> <name>` a line. Those without read access are left out. */
export const cookieScript = `for p in /proc/[0-9]*; do
  id=
  if command -v tr >/dev/null 2>&1; then
    id=$({ tr '\\0' '\\n' <$p/environ; } 2>/dev/null | { while IFS= read -r l; do case $l in HEADJACK_SESSION_ID=*) echo "\${l#*=}"; break;; esac; done; })
  fi
  [ -n "$id" ] || continue
  n=; { read -r n <$p/comm; } 2>/dev/null
  echo "$id \${p#/proc/} $n"
done
`;
