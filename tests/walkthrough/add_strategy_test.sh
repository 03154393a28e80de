#!/usr/bin/env bash
# Follows "To add a strategy" of docs/layout.md: toy_strategy.patch adds the
# strategy LAST to a copy of the sources.  The patch may change what the page
# says and nothing else, and the tests that go through all strategies must then
# know LAST.  The page says how to renew a patch that no longer applies.
set -euo pipefail

# From the runfiles to the sources, all of which are copied.
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")
patch=$here/toy_strategy.patch
folder=lb_policy/strategies/last

temporary=${TEST_TMPDIR:-$(mktemp -d)}
copy=$temporary/copy
# Bazel gives a test no HOME.
home=$(getent passwd "$(id -u)" | cut -d: -f6)
# What most of the copy needs has been compiled for the sources themselves.
cache=${XDG_CACHE_HOME:-${home:-$temporary}/.cache}/multi_backend_ci

fail() {
  echo "$*" >&2
  exit 1
}

mkdir "$copy"
cd "$copy"
# The copy is no part of a repository that happens to surround it.
export GIT_CEILING_DIRECTORIES=$temporary

# The price: a folder, a row, and a case with what it includes and depends on.
[ ! -e "$root/$folder" ] || fail "$folder is there already"
price=$(git apply --numstat "$patch" | LC_ALL=C sort -k3 |
  awk -v new="$folder/" \
    '{ print index($3, new) == 1 ? "new" : "+" $1 " -" $2, $3 }')
[ "$price" = "+1 -0 lb_policy/strategies/BUILD.bazel
new $folder/BUILD.bazel
new $folder/last.cc
new $folder/last.h
new $folder/last_test.cc
+3 -0 lb_policy/strategies/make_strategy.cc
+1 -0 proto/config/strategy_kind.h" ] || fail "the patch changes
$price"
for added in '  ROW(k[A-Za-z]*, "[A-Z_]*", "[A-Za-z]*") \\' \
  '    case StrategyKind::k[A-Za-z]*:'; do
  [ "$(grep -c "^+$added$" "$patch")" = 1 ] ||
    fail "the patch does not add one line like $added"
done

tar -C "$root" --exclude=./.git --exclude='./bazel-*' -cf - . |
  tar -xf -
git apply "$patch"
python3 tests/layering/layering.py "$copy"

# Bazel takes its own test variables amiss.
nested_bazel() {
  env -u TEST_TMPDIR -u RUNFILES_DIR -u JAVA_RUNFILES \
    HOME="${home:-$temporary}" USER="$(id -un)" \
    bazel --nohome_rc --output_user_root="$temporary/bazel" \
    --host_jvm_args=-Xmx600m --max_idle_secs=10 "$@"
}
trap 'nested_bazel shutdown > /dev/null 2>&1 || true' EXIT

nested_bazel test --disk_cache="$cache" --jobs=2 --test_output=errors \
  --symlink_prefix=/ --noshow_progress --ui_event_filters=-info \
  "//$folder/..." //lb_policy/strategies:make_strategy_test \
  //proto/config:strategy_kind_test //tests/walkthrough:strategy_from_json_test

logs=$(nested_bazel info bazel-testlogs)
for test in lb_policy/strategies/make_strategy_test \
  tests/walkthrough/strategy_from_json_test; do
  grep -q "OK.*/LAST" "$logs/$test/test.log" || fail "$test knows no LAST"
done
