#!/bin/sh
# For any CI: write a baseline once, and then fail if a bound has grown.
#   check.sh BASELINE SOURCE...
# Exit 0: as in the baseline, or better. 1: worse. 2: no answer.
set -eu

baseline=$1
shift
if [ -e "$baseline" ]; then
    exec rssbound check --baseline "$baseline" "$@"
fi
rssbound check --write-baseline "$baseline" "$@"
echo "Commit $baseline. From now on, the check fails if a bound grows." >&2
