#!/usr/bin/env bash
# Whether every mutation still applies to the sources.
set -euo pipefail
exec python3 "$(dirname "$(readlink -f "$0")")/mutations.py" --check
