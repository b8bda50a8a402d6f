#!/bin/sh
# Ends the servers and removes the directories of a test run that died without doing so itself: it reads what
# there is from its standard input and acts at its end, which comes however the test run ends.
set -u
processes='' tokens=''
set --
while read -r verb value rest; do
  case $verb in
    process) processes="$processes $value:$rest" ;;
    token) tokens="$tokens$value
" ;;
    directory) set -- "$@" "$value${rest:+ $rest}" ;;
  esac
done
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
for entry in $processes; do
  pid=${entry%%:*}
  [ "$(start_time "$pid")" != "${entry#*:}" ] || kill -KILL "$pid" 2>/dev/null
done
# One pass over the processes for all tokens: a run may have had hundreds.
if [ -n "$tokens" ]; then
  for file in /proc/[0-9]*/cmdline; do
    pid=${file%/cmdline} pid=${pid#/proc/}
    tr '\0' '\n' 2>/dev/null <"$file" | grep -Fqx -- "${tokens%?}" && kill -KILL "$pid" 2>/dev/null
  done
fi
# Shims of surviving jobs have a place in one of the directories as their last argument.
for directory in "$@"; do
  for file in /proc/[0-9]*/cmdline; do
    pid=${file%/cmdline} pid=${pid#/proc/}
    tr '\0' '\n' 2>/dev/null <"$file" | grep -Fq -- "$directory/" && kill -KILL "$pid" 2>/dev/null
  done
done
# The watchdog of a killed server needs a moment before it lets go of the directory.
[ $# -eq 0 ] || sleep 1
rm -rf -- "$@"
