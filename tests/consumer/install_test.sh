#!/usr/bin/env bash
# Installs the library with tools/install, as Bazel has built it for this test,
# and builds and runs an application with it: with CMake and with pkg-config,
# with g++ and clang++, as C++17 and C++20, without assertions, as programs and
# inside a shared object.
#
#   install_test.sh PACKAGE
set -euo pipefail

package=$(readlink -e "$1") || { echo "there is no $1" >&2; exit 1; }
# The test needs the sources in place, because a runfile is only a link.
here=$(dirname "$(readlink -f "$0")")
root=$(cd "$here/../.." && pwd)
temporary=${TEST_TMPDIR:-$(mktemp -d)}

fail() {
  echo "$*" >&2
  exit 1
}

for tool in cmake pkg-config g++ clang++; do
  command -v $tool > /dev/null && continue
  [ -z "${MULTI_BACKEND_REQUIRE_SERVERS:-}" ] ||
    fail "$tool is not installed: run tools/setup --tests"
  echo "NOT TESTED: $tool is not installed: run tools/setup --tests" >&2
  exit 0
done

# --- Installing ---------------------------------------------------------------

# Stands in for Bazel, which has built the package already.
mkdir -p "$temporary/bin/tools/packaging"
ln -sf "$package" "$temporary/bin/tools/packaging/package.tar"
cat > "$temporary/bazel" << EOF
#!/bin/sh
echo "\$*" >> "$temporary/bazel_calls"
[ "\$1" = build ] || echo "$temporary/bin"
EOF
chmod +x "$temporary/bazel"
install() { BAZEL="$temporary/bazel" "$root/tools/install" "$@"; }

# The prefix does not exist, so what works below does not depend on it.
stage=$temporary/stage
prefix=$stage/opt/multi_backend
mkdir -p "$prefix/include/multi_backend" "$prefix/lib"
touch "$prefix/include/multi_backend/of_another_release.h" \
  "$prefix/lib/libother.a"
install --prefix=/opt/multi_backend --destdir "$stage" -- --disk_cache=/cache
grep -qx 'build -c opt --disk_cache=/cache -- //tools/packaging:package' \
  "$temporary/bazel_calls" || fail "Bazel was asked for $(cat "$temporary/bazel_calls")"
[ ! -e "$prefix/include/multi_backend/of_another_release.h" ] ||
  fail "a header of another release is still there"
[ -e "$prefix/lib/libother.a" ] || fail "a file of another library is gone"

refused() {
  local expected=$1 text
  shift
  if text=$(install "$@" 2>&1); then fail "install $* was not refused"; fi
  case "$text" in
    *"$expected"*) ;;
    *) fail "install $* says: $text" ;;
  esac
}
refused '--prefix is missing'
refused '--prefix needs an absolute path, not "opt"' --prefix opt
refused '--destdir needs a directory' --prefix /opt --destdir
refused 'unknown argument: --verbose' --prefix /opt --verbose
touch "$temporary/file"
refused "cannot write to $temporary/file/opt" --prefix /opt \
  --destdir "$temporary/file"

# --- What is installed --------------------------------------------------------

# Only what an application may include.
headers=$(cd "$prefix/include" && find . -name '*.h' | wc -l)
[ "$headers" -gt 50 ] || fail "only $headers headers are installed"
! grep -rl 'src/core/' "$prefix/include" || fail "headers show core's"

# No file names the place where it was built or staged.  The match must be a
# whole path, because paths of Bazel's own may end in the same words.
build=${TEST_SRCDIR:-$root}
for place in "$root" "${build%%/execroot/*}" "$stage"; do
  code=0
  LC_ALL=C grep -rlP -- "(?<![\w.-])\Q$place\E(?![\w.-])" "$prefix" || code=$?
  [ "$code" = 1 ] || fail "these files contain $place"
done

# --- Applications -------------------------------------------------------------

whole=$temporary/whole.txt
core_alone=$temporary/core_alone.txt
answer='status 0
failures of a backend 1'
printf '%s\n\n' "$answer" > "$whole"
cat > "$core_alone" << EOF
$answer
scheme "zookeeper" is not linked: add @multi_backend//sources:zookeeper to the deps (in CMake, multi_backend::zookeeper) and call multi_backend::RegisterZookeeper() first
EOF

# expect FILE COMMAND…: the command succeeds and prints what is in the file.
expect() {
  local file=$1
  shift
  timeout 120 "$@" | diff "$file" - || fail "$*: differs from $file"
}

# Runs what is in a folder.
run_all() {
  local target=zookeeper://127.0.0.1:1/users
  expect "$whole" "$1/whole" "$target"
  expect "$core_alone" "$1/core_alone" "$target"
  expect "$whole" "$1/loader" "$1/libloaded.so" "$target"
  expect /dev/null "$1/every_component"
  ! readelf -d "$1/core_alone" | grep -E 'NEEDED.*lib(curl|zookeeper|microhttpd)' ||
    fail "the core alone links more than it needs"
}

# step TEXT: says how long it has taken so far.
step() { echo "$SECONDS s: $*"; }

# with_cmake COMPILER STANDARD
with_cmake() {
  local build=$temporary/cmake_$1_$2
  cmake -S "$here/installed" -B "$build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_COMPILER="$1" -DCMAKE_CXX_STANDARD="$2" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE='-O2 -DNDEBUG' \
    -DCMAKE_CXX_FLAGS='-Wall -Wextra -Werror'
  step cmake "$@" configured
  cmake --build "$build"
  step cmake "$@" built
  run_all "$build"
}

# with_pkg_config COMPILER STANDARD
with_pkg_config() {
  local build=$temporary/pkg_config_$1_$2
  local compile="$1 -std=c++$2 -O2 -DNDEBUG -Wall -Wextra -Werror -fPIC -c"
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  local cflags libs
  cflags=$(pkg-config --cflags multi_backend)
  libs=$(pkg-config --libs multi_backend)
  mkdir "$build"
  cd "$build"
  for file in application main loader every_component; do
    $compile $cflags "$here/installed/$file.cc"
  done
  $1 application.o main.o -o whole $libs
  $1 application.o main.o -o core_alone $(pkg-config --libs multi_backend_core)
  $1 -shared -Wl,-z,defs application.o -o libloaded.so $libs
  $1 loader.o -o loader -ldl
  $1 every_component.o -o every_component \
    $(pkg-config --libs multi_backend multi_backend_prometheus \
      multi_backend_admin_service multi_backend_status_server)
  step pkg-config "$@" built
  # A program that links the shared object.
  $1 main.o -o linked -L. -lloaded "-Wl,-rpath,$build"
  expect "$whole" ./linked zookeeper://127.0.0.1:1/users
  run_all "$build"
}

# refused_by_cmake TEXT COMPONENT [EXPRESSION]: CMake does not find the component
# and says why, when sed has changed the package by the expression.
refused_by_cmake() {
  local folder
  folder=$(mktemp -d "$temporary/refused.XXXXXX")
  cp -R "$prefix/lib/cmake/multi_backend" "$folder/package"
  sed -i "${3:-}" "$folder/package/multi_backend-config.cmake"
  cat > "$folder/CMakeLists.txt" << EOF
cmake_minimum_required(VERSION 3.18)
project(refused LANGUAGES CXX)
find_package(multi_backend REQUIRED COMPONENTS core $2)
EOF
  if cmake -S "$folder" -B "$folder/build" -Dmulti_backend_DIR="$folder/package" \
    > "$folder/output" 2>&1; then
    fail "CMake finds the component $2"
  fi
  # CMake breaks the lines of its messages.
  grep -qF "$1" <<< "$(tr -s ' \n' ' ' < "$folder/output")" || fail "$(cat "$folder/output")"
}

# Two at a time.  A log is shown when its applications fail.
both() {
  ("$1" $2) > "$temporary/first.log" 2>&1 &
  local first=$! code=0
  ("$3" $4) > "$temporary/second.log" 2>&1 &
  local second=$!
  wait $first || { code=1; tail -n 60 "$temporary/first.log"; }
  wait $second || { code=1; tail -n 60 "$temporary/second.log"; }
  [ $code = 0 ] || fail "$*: see above"
}
both with_cmake "g++ 17" with_cmake "clang++ 20"
both with_pkg_config "g++ 20" with_pkg_config "clang++ 17"

refused_by_cmake 'it has no component nomad; its components are core, dns,' nomad
refused_by_cmake 'its component multi_backend needs libnosuchcares, which is not' \
  multi_backend 's/LIBRARIES cares/LIBRARIES nosuchcares/'
refused_by_cmake "it was built with gRPC 0.1, but gRPC" core \
  's/gRPC_VERSION VERSION_LESS "[0-9.]*")/gRPC_VERSION VERSION_LESS "0.2")/
   s/built with gRPC [0-9.]*, but/built with gRPC 0.1, but/'
