#!/usr/bin/env bash
# Builds and runs the separate workspace with its own Bazel server, which ends
# with the test.  One program links the whole library.  The other links the core
# alone, which must not need the libraries of the sources and of HTTP probes.
# Bazel 7 does so with WORKSPACE and with MODULE.bazel, and Bazel 4 with
# WORKSPACE.  A disk cache keeps the compiled files between runs.
set -euo pipefail

# Leave the runfiles for the sources, because the workspace refers to the files
# around it.
here=$(dirname "$(readlink -f "$0")")
cd "$here/workspace"

temporary=${TEST_TMPDIR:-$(mktemp -d)}
# Bazel does not set HOME for a test.
home=$(getent passwd "$(id -u)" | cut -d: -f6)
cache=${XDG_CACHE_HOME:-${home:-$temporary}/.cache}/multi_backend_consumer
# The nested Bazel must not see the variables that Bazel sets for a test.
nested_bazel() {
  env -u TEST_TMPDIR -u RUNFILES_DIR -u JAVA_RUNFILES \
    HOME="${home:-$temporary}" USER="$(id -un)" \
    bazel --nohome_rc --output_user_root="$temporary/bazel" \
    --host_jvm_args=-Xmx600m --max_idle_secs=10 "$@"
}
trap 'nested_bazel shutdown > /dev/null 2>&1 || true' EXIT

fail() {
  echo "$*" >&2
  exit 1
}

# Returns whether the program itself links the library.  ldd would also show
# libcares, because the distribution's libgrpc links it.
needs() {
  local libraries
  libraries=$(readelf -d "$bin/$1")
  grep -q "(NEEDED).*\[$2\.so" <<< "$libraries"
}

# Builds both programs with these options of Bazel, and runs them.
check() {
  echo "bazel build $*"
  nested_bazel build --disk_cache="$cache" --jobs=2 \
    --symlink_prefix=/ --noshow_progress --ui_event_filters=-info \
    "$@" //:consumer //:consumer_core
  bin=$(nested_bazel info "$@" bazel-bin)

  # Check the answer of the call, and the error of CreateChannel for a ZooKeeper
  # target.
  local target=zookeeper://127.0.0.1:1/users answer library
  answer=$("$bin/consumer" $target)
  [ "$answer" = "Hello, consumer" ] || fail "consumer: $answer"
  answer=$("$bin/consumer_core" $target)
  [ "$answer" = 'Hello, consumer
scheme "zookeeper" is not linked: add @multi_backend//sources:zookeeper to the deps (in CMake, multi_backend::zookeeper) and call multi_backend::RegisterZookeeper() first' ] ||
    fail "consumer_core: $answer"

  needs consumer_core libgrpc++ || fail "readelf shows no libraries"
  for library in libcares libcurl libzookeeper_mt; do
    needs consumer $library || fail "consumer does not link $library"
    ! needs consumer_core $library || fail "consumer_core links $library"
  done
}

diff <(grep ^local_path_override "$here/../../MODULE.bazel") \
  <(grep ^local_path_override third_party/offline/overrides.MODULE.bazel) ||
  fail "third_party/offline has other overrides than MODULE.bazel"

# Debian's Bazel does not know its own version.
with_workspace=()
options=$(nested_bazel help --short build)
if grep -q enable_bzlmod <<< "$options"; then
  check --enable_bzlmod
  with_workspace=(--noenable_bzlmod --enable_workspace)
fi
check "${with_workspace[@]}"

# Fails if a public target depends on a target that it does not need.
reaches_not() {
  local from=@multi_backend$1 to path
  shift
  for to; do
    path=$(nested_bazel query --noshow_progress --ui_event_filters=-info \
      "${with_workspace[@]}" "somepath($from, $to)")
    [ -z "$path" ] || fail "$from reaches $to:" $path
  done
}
cares=@cares//... curl=@curl//... zookeeper=@zookeeper//...
etcd=@multi_backend//resolver/grpc/etcd:etcd_proto
prometheus=@prometheus_cpp//... microhttpd=@microhttpd//...
opentelemetry=@opentelemetry_cpp//...
sources="$cares $curl $zookeeper $etcd"
observers="$prometheus $microhttpd $opentelemetry"
reaches_not //:core $sources $observers
reaches_not //:multi_backend $observers
reaches_not //sources:dns $curl $zookeeper $etcd
reaches_not //sources:zookeeper $cares $curl $etcd
reaches_not //sources:etcd $cares $curl $zookeeper
reaches_not //probes:http $cares $zookeeper $etcd
reaches_not //observability/metrics $sources $observers
reaches_not //observability/prometheus $sources $microhttpd $opentelemetry
reaches_not //observability/opentelemetry $sources $prometheus $microhttpd
reaches_not //observability/admin:monitor $sources $observers
reaches_not //observability/admin/grpc:admin_service $sources $observers
reaches_not //observability/admin/http:status_server $sources $prometheus \
  $opentelemetry
