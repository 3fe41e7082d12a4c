/**
 * The launcher and the recording parents, as a shell script.
 *
 * It is kept in the program and written to the runtime directory at start, so that launcher and
 * agent are always of one version and no installation can lose it.
 *
 * `launcher.sh RUNTIME` reads container ids from standard input, one a line, and forks one
 * recording parent for each, as a grandchild: it waits for none and keeps no list. At the end of
 * the input (the agent is gone) it ends; recording parents and tasks stay.
 *
 * A recording parent owns `records/ID` as its standard error. Creating it is the claim: of two
 * that try, and of the agent that wants a container never to start, one wins. The record becomes
 *
 *     start PARENT PARENT_START CHILD CHILD_START     the task's own process exists
 *     Killed                                          what the shell says of a signal, if any
 *     exit STATUS [UPTIME]                            if it is a session, with the time from boot
 *
 * Before `exec` the child looks whether `launches/ID` is still there: an agent that gave a claimed
 * but silent container up has moved it away and then looked for `start`, so one of the two sees
 * the other. `launches/ID` is a list of assignments, the function `join` that enters the cgroups,
 * perhaps one `isolate` that makes its namespaces ready, and `set -- COMMAND`, all quoted; checks
 * read it, too, and have a command of their own. `isolate` may hide the runtime directory: it is
 * looked at from within.
 *
 * A disk that is full takes no \`start\`; then there is no task either, or it would run unknown.
 *
 * A container with namespaces of its own is entered before it is prepared (`enter`). In a pid
 * namespace the recording parent is its first process, and PARENT is unshare outside.
 * Only builtins are used up to the task itself: a fork costs more than all the rest.
 */
export const LAUNCHER_SCRIPT = String.raw`#!/bin/sh
runtime=$1

isolate() { :; }

identify() {
  read -r pid _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ ticks _ </proc/self/stat
}

claim() {
  set -C
  exec 2>"$runtime/records/$id"
  set +C
  identify
  parent="$pid $ticks"
  . "$runtime/launches/$id"
  if [ "$enter" ]; then
    exec $enter /bin/sh "$0" "$runtime" inside "$id" "$parent"
  fi
  record "$@"
}

record() {
  (
    join || exit
    cd "$sandbox" || exit
    exec >>stdout 3>>stderr
    cd "$runtime/launches" || exit
    isolate || exit
    child='0 0'
    if [ "$session" ]; then
      identify
      child="$pid $ticks"
    fi
    echo "start $parent $child" >&2 || exit
    [ -e "$id" ] || exit
    cd "$sandbox" || exit
    exec 2>&3 3>&-
    exec "$@"
  )
  status=$? up=
  if [ "$session" ]; then read -r up _ </proc/uptime; fi 2>/dev/null
  echo "exit $status" $up >&2
}

if [ "$2" = inside ]; then
  id=$3 parent=$4
  . "$runtime/launches/$id"
  record "$@"
else
  while read -r id; do
    ( claim & )
  done
fi
`
