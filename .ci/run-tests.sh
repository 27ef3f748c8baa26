#!/bin/sh
# run-tests.sh CONCURRENCY FILE...: test files of node's runner. Those in which a test failed are run once more, alone.
# Files run beside each other, and beside whatever else wants this machine's CPUs. What fails so and passes alone is
# printed, with the name, and has to be mended, but says nothing against the code. What fails twice does, and so do
# more than three files.
set -u
here=$(cd "$(dirname "$0")" && pwd)
failed=$(mktemp)
trap 'rm -f "$failed"' EXIT

run() {
  concurrency=$1
  shift
  "${NODE:-node}" --test --test-concurrency="$concurrency" \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter="$here/failed-files.cjs" --test-reporter-destination="$failed" "$@"
}

run "$@" && exit 0
set --
while read -r file; do
  set -- "$@" "$file"
done <"$failed"
[ $# -gt 0 ] && [ $# -le 3 ] || exit 1
names=$(cat "$failed")
printf '\nonce more, alone, since a test failed beside others:\n%s\n' "$names"
run 1 "$@" || exit 1
printf '\nFAILED ONCE, and passed alone; to be mended:\n%s\n' "$names"
