#!/usr/bin/env bash
# promtool checks the alert rules and runs their tests.
set -euo pipefail
rules=$1 tests=$2

if ! command -v promtool > /dev/null; then
  echo "NOT TESTED: promtool is not installed (package prometheus): run tools/setup --tests" >&2
  [ -z "${MULTI_BACKEND_REQUIRE_SERVERS:-}" ]
  exit
fi
promtool check rules "$rules"
promtool test rules "$tests"
for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
  # One test where it fires, one where it does not.
  [ "$(grep -c "alertname: $alert\b" "$tests")" -ge 2 ] || {
    echo "$alert has no test" >&2
    exit 1
  }
done
