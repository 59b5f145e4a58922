#!/bin/sh
# Stands in for systemctl where no systemd runs: keeps the state of every unit in a file of $STATE,
# logs what it is asked, and answers `show` in systemctl's form. A unit named *broken* fails to start.
STATE=$(dirname "$0")/state
mkdir -p "$STATE"
while [ "${1#--no-}" != "$1" ]; do shift; done
verb=$1
shift
[ "$verb" = show ] || echo "$verb $*" >>"$STATE/../asked"
case $verb in
show)
  for unit; do
    case $unit in -*) continue ;; esac
    active=inactive sub=dead pid=0 restarts=0 code=0 status=0 result=success
    [ -f "$STATE/$unit" ] && . "$STATE/$unit"
    printf 'Id=%s\nActiveState=%s\nSubState=%s\nResult=%s\nMainPID=%s\nNRestarts=%s\n' \
      "$unit" "$active" "$sub" "$result" "$pid" "$restarts"
    printf 'ActiveEnterTimestampMonotonic=1\nExecMainCode=%s\nExecMainStatus=%s\nStatusText=\n\n' \
      "$code" "$status"
  done
  ;;
start | restart)
  for unit; do
    case $unit in
    -*) ;;
    *broken*) echo "active=failed sub=failed result=exit-code code=1 status=203" >"$STATE/$unit" ;;
    *) echo "active=active sub=running pid=$PPID" >"$STATE/$unit" ;;
    esac
  done
  ;;
stop)
  for unit; do
    case $unit in -*) ;; *) rm -f "$STATE/$unit" ;; esac
  done
  ;;
esac
