#!/usr/bin/env bash
# The version that the header says is the one whose changes stand first in the
# changelog, and the one that the metrics say.
set -euo pipefail
header=$1 changelog=$2 build_info=$3

said=$(sed -n 's/.* Version() { return "\([0-9.]*\)"; }$/\1/p' "$header")
listed=$(sed -n '/^## [0-9]/ {s/^## \([0-9.]*\).*/\1/p; q}' "$changelog")
if [ -z "$said" ] || [ "$said" != "$listed" ]; then
  echo "Version() is \"$said\", the changelog begins with \"$listed\"" >&2
  exit 1
fi

shown=$(sed -n 's/.* kLibraryVersion\[\] = "\([0-9.]*\)";$/\1/p' "$build_info")
if [ "$said" != "$shown" ]; then
  echo "Version() is \"$said\", the metrics say \"$shown\"" >&2
  exit 1
fi
