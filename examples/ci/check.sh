#!/bin/sh
# For any CI: put the bounds on record once, then fail when one has grown.
#   check.sh BASELINE SOURCE...
# Exit 0: as on record or better. 1: worse. 2: no answer.
set -eu

baseline=$1
shift
if [ -e "$baseline" ]; then
    exec rssbound check --baseline "$baseline" "$@"
fi
rssbound check --write-baseline "$baseline" "$@"
echo "Commit $baseline: from now on a bound that grows fails." >&2
