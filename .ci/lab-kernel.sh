#!/bin/sh
# Unpacks the distribution's kernel, its modules and headers below a folder, without installing them.
# Prints the image's path.
# Usage: lab-kernel.sh FOLDER [SUITE]   SUITE: another one of the distribution, such as backports or testing
set -eu
folder=${1:?usage: lab-kernel.sh FOLDER [SUITE]}
suite=${2:-}

fail() { echo "lab: $1" >&2; exit 1; }
image() { ls "$folder"/boot/vmlinuz-* "$folder"/usr/lib/modules/*/vmlinuz 2>/dev/null | tail -n 1 || true; }
found=$(image)
[ -z "$found" ] || { echo "$found"; exit; }

cache() { apt-cache "$@"; }
apt() { apt-get -qq "$@"; }
mkdir -p "$folder/packages"
folder=$(cd "$folder" && pwd)
if [ -n "$suite" ]; then
  . "$(dirname "$0")/other-suite.sh"
  [ "$suite" != backports ] || suite=$(system VERSION_CODENAME)-backports
  mirror=$(mirror_of_system)
  [ -n "$mirror" ] || fail "no mirror of '$(system VERSION_CODENAME)' in this system's sources of packages"
  other_suite "$folder/apt" "$mirror" "$suite" main
  apt update >"$state/log" 2>&1 || fail "no packages of $suite: $(grep -m1 '^[EW]:' "$state/log")"
fi
depends() { cache depends "$1" | sed -n "s/^ *[|]*Depends: \($2\)\$/\1/p"; }
unpack() {
  # shellcheck disable=SC2068
  (cd "$folder/packages" && apt download $@ >/dev/null 2>&1) || fail "packages cannot be downloaded: $*"
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$target"; done
  rm "$folder"/packages/*.deb
}

version=$(depends linux-image-amd64 'linux-image-.*' | sed -n '1s/linux-image-//p')
[ -n "$version" ] || fail "no package linux-image-amd64 (apt-get update)"
target=$folder
# Newer packages have the image and the modules apart from linux-image.
unpack "linux-image-$version" "linux-headers-$version" \
  $(depends "linux-headers-$version" 'linux-headers-.*-common\|linux-kbuild-.*') \
  $(depends "linux-image-$version" 'linux-base-.*\|linux-binary-.*\|linux-modules-.*')

# Programs of the build that need a newer C library than this system's get one.
newer=
for program in $(find "$folder"/usr/lib/linux-kbuild-* -type f -perm -100); do
  ldd "$program" 2>&1 | grep -q 'not found' || continue
  if [ -z "$newer" ]; then
    newer=$folder/libraries
    target=$newer
    unpack libc6 libelf1t64 zlib1g libzstd1
    loader=$(find "$newer/usr" -name 'ld-linux-x86-64.so.2' | head -n 1)
    libraries=$(dirname "$(find "$newer/usr" -name 'libc.so.6' | head -n 1)")
  fi
  mv "$program" "$program.newer"
  printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$program.newer" >"$program"
  chmod 755 "$program"
done
rmdir "$folder/packages"
rm -rf "$folder/apt"
image
