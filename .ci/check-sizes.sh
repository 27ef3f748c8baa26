#!/bin/sh
# No file of the C++ sources is longer than what is read in one sitting; blank lines and comments do not count.
set -eu
cd "${1:-$(dirname "$0")/..}"
long=$(find native/src -name '*.cc' -o -name '*.h' | xargs awk '
  /^[ \t]*(\/\/.*)?$/ { next }
  { if (++lines[FILENAME] == 401) print FILENAME }')
[ -z "$long" ] || { printf 'longer than 400 lines, make two of it:\n%s\n' "$long" >&2; exit 1; }
