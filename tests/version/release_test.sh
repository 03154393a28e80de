#!/usr/bin/env bash
# Makes releases of a small repository with tools/release, and checks what is
# refused.
#
#   release_test.sh SCRIPT
set -euo pipefail

script=$(readlink -f "$1")
temporary=$(mktemp -d "${TEST_TMPDIR:-/tmp}/release.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}
if ! command -v git > /dev/null; then
  [ -z "${MULTI_BACKEND_REQUIRE_SERVERS:-}" ] ||
    fail "git is not installed: run tools/setup --tests"
  echo "NOT TESTED: git is not installed: run tools/setup --tests" >&2
  exit 0
fi

# No configuration of the machine, and a commit of a fixed time.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_CEILING_DIRECTORIES=$temporary
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
export GIT_AUTHOR_DATE='2026-01-02T03:04:05Z'
export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE

# The header says 1.2.0, and so do the metrics.
make_repository() {
  mkdir -p "$1/tools" "$1/observability"
  cp "$script" "$1/tools/release"
  chmod 755 "$1/tools/release"
  echo 'constexpr absl::string_view Version() { return "1.2.0"; }' \
    > "$1/multi_backend.h"
  echo 'constexpr char kLibraryVersion[] = "1.2.0";' \
    > "$1/observability/build_info.h"
  echo dist/ > "$1/.gitignore"
  cat > "$1/CHANGELOG.md" << 'EOF'
# Changelog

## 1.2.0 (2026-01-02)

### Added

- The newest change.

## 1.1.0

- An older change.
EOF
  (cd "$1" && git init -q && git add . && git commit -qm first)
}
first=$temporary/first
second=$temporary/second
make_repository "$first"
make_repository "$second"

# --- A release ----------------------------------------------------------------

"$first/tools/release" 1.2.0
(cd "$first/dist" && sha256sum --quiet --check SHA256SUMS)
printf '### Added\n\n- The newest change.\n' |
  diff - "$first/dist/multi_backend-1.2.0.md" || fail "the release notes differ"
files=$(tar -tzf "$first/dist/multi_backend-1.2.0.tar.gz")
grep -qx multi_backend-1.2.0/observability/build_info.h <<< "$files" ||
  fail "the archive lacks a file"

# The same commit makes the same bytes, wherever and whenever.
"$second/tools/release" 1.2.0 --output "$temporary/elsewhere"
cmp "$first/dist/multi_backend-1.2.0.tar.gz" \
  "$temporary/elsewhere/multi_backend-1.2.0.tar.gz"
"$first/tools/release" 1.2.0 > /dev/null || fail "dist/ makes the tree dirty"

# --- What is refused ----------------------------------------------------------

# refused TEXT ARGUMENT…: the release is refused with the text.
refused() {
  local expected=$1 text
  shift
  rm -rf "$first/dist"
  if text=$("$first/tools/release" "$@" 2>&1); then
    fail "release $* was not refused"
  fi
  case "$text" in
    *"$expected"*) ;;
    *) fail "release $* says: $text" ;;
  esac
  [ ! -e "$first/dist" ] || fail "a refused release left files"
}
# change FILE EXPRESSION: edits a file with sed and commits that.
change() {
  (cd "$first" && sed -i "$2" "$1" && git commit -qam change)
}

refused 'the version is missing'
refused '"1.2" is no version' 1.2
refused 'unknown option: --force' 1.2.0 --force
refused 'more than one version: 1.2.0 and 1.3.0' 1.2.0 1.3.0
refused 'multi_backend.h says version "1.2.0", not 1.3.0' 1.3.0

echo new > "$first/new"
refused '?? new' 1.2.0
rm "$first/new"
echo changed >> "$first/multi_backend.h"
refused ' M multi_backend.h' 1.2.0
(cd "$first" && git checkout -q multi_backend.h)

change observability/build_info.h s/1.2.0/1.1.9/
refused 'observability/build_info.h says version "1.1.9", not 1.2.0' 1.2.0
change observability/build_info.h s/1.1.9/1.2.0/

change CHANGELOG.md 's/^## 1.2.0.*/## 1.2.0 (unreleased)/'
refused 'CHANGELOG.md says "## 1.2.0 (unreleased)": write the day' 1.2.0
change CHANGELOG.md 's/^## 1.2.0.*/## 11.2.0/'
refused 'CHANGELOG.md has no section "## 1.2.0"' 1.2.0
change CHANGELOG.md 's/^## 11.2.0.*/## 1.2.0\n\n## 1.1.9/'
refused 'the section of 1.2.0 in CHANGELOG.md is empty' 1.2.0

rm -rf "$first/.git"
refused 'is made from a clone' 1.2.0
