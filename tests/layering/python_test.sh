#!/usr/bin/env bash
# Runs a Python file, named from the root of the sources, where the sources are:
# what a test sees of them in its runfiles is only what it lists.
set -euo pipefail
exec python3 -B "$(dirname "$(readlink -f "$0")")/../../$1"
