#!/usr/bin/env bash
# Runs page_test.py with the system's Python, which has Selenium.
#
#   page_test.sh PAGE_TEST_PY PAGE_SERVER
set -euo pipefail
export HOME="${TEST_TMPDIR:-/tmp}"
exec /usr/bin/python3 "$1" "$2"
