#!/bin/sh
# clang-format over the native code. Without the tool it says so; under REQUIRE_ALL=1 that is a failure.
if ! command -v clang-format >/dev/null 2>&1; then
  echo 'clang-format not found: the format of the native code was not checked (apt-get install clang-format)'
  [ "${REQUIRE_ALL:-}" = 1 ] && exit 1
  exit 0
fi
find native -path native/build -prune -o -path native/test/build -prune -o \
  \( -name '*.cc' -o -name '*.h' \) -print | xargs clang-format --dry-run --Werror
