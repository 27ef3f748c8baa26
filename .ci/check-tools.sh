#!/bin/sh
# Says clearly which of the few things that a build needs is absent.
missing=''
for tool in node npm g++ python3; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  echo "splicebench: not found:$missing. On Debian or Ubuntu: apt-get install nodejs npm g++ python3" >&2
  exit 1
fi
major=$(node -p 'process.versions.node.split(".")[0]')
if [ "$major" -lt 20 ]; then
  echo "splicebench: node $(node --version) is too old, 20 or newer is needed" >&2
  exit 1
fi
