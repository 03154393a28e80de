#!/usr/bin/env bash
# Builds and runs the outside workspace with a Bazel server of its own, which
# ends with the test.  What it compiles is kept between runs in a disk cache.
set -euo pipefail

# From the runfiles to the sources: the workspace refers to its surroundings.
here=$(dirname "$(readlink -f "$0")")
cd "$here/workspace"

temporary=${TEST_TMPDIR:-$(mktemp -d)}
# Bazel gives a test no HOME.
home=$(getent passwd "$(id -u)" | cut -d: -f6)
cache=${XDG_CACHE_HOME:-${home:-$temporary}/.cache}/multi_backend_consumer
# Bazel takes its own test variables amiss.
nested_bazel() {
  env -u TEST_TMPDIR -u RUNFILES_DIR -u JAVA_RUNFILES \
    HOME="${home:-$temporary}" USER="$(id -un)" \
    bazel --nohome_rc --output_user_root="$temporary/bazel" \
    --host_jvm_args=-Xmx600m --max_idle_secs=10 "$@"
}
trap 'nested_bazel shutdown > /dev/null 2>&1 || true' EXIT

output=$(nested_bazel run --disk_cache="$cache" --jobs=2 \
  --symlink_prefix=/ --noshow_progress --ui_event_filters=-info \
  //:consumer)
printf '%s\n' "$output"
[ "${output##*$'\n'}" = "Hello, consumer" ]
