#!/bin/sh
# Checks the overlays below a folder, and says what the change since a commit does.
#
# Usage: check.sh [FOLDER [BASE]]
set -eu
folder=${1:-deploy}
base=${2:-origin/main}

code=0
serin check "$folder" --base "$base" || code=$?
case $code in
0) ;;
1) echo "serin check found something: mend it, or ignore it with a reason (docs/check.md)" >&2 ;;
*) echo "serin check could not check everything" >&2 ;;
esac
exit "$code"
