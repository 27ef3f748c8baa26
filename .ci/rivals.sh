#!/bin/sh
# Newer HAProxy, nginx and Go from the distribution's coming release, into a folder, without installing anything.
# Usage: rivals.sh FOLDER      Prints a line for each program: its name, its version and the path to start it by.
set -eu
folder=${1:?usage: rivals.sh FOLDER}

fail() { echo "rivals: $1" >&2; exit 1; }
for tool in apt-get dpkg dpkg-deb; do
  command -v $tool >/dev/null || fail "needs $tool: only Debian and Ubuntu are supported"
done
. "$(dirname "$0")/other-suite.sh"
case "$(system ID)" in
  debian) suite=testing component=main ;;
  ubuntu) suite=devel component='main universe' ;;
  *) fail "no newer release is known of '$(system ID)': only Debian and Ubuntu are supported" ;;
esac

mirror=$(mirror_of_system)
[ -n "$mirror" ] || fail "no mirror of '$(system VERSION_CODENAME)' in this system's sources of packages"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
other_suite "$folder/apt" "$mirror" "$suite" "$component"
apt update >"$state/log" 2>&1 ||
  fail "the mirror of this system does not answer (is this machine offline?): $(grep -m1 '^[EW]:' "$state/log")"
apt -y --download-only install haproxy nginx-core libnginx-mod-stream golang-go >>"$state/log" 2>&1 ||
  fail "packages of $suite could not be fetched: $(grep -m1 '^[EW]:' "$state/log")"

rm -rf "$folder/root.new"
mkdir "$folder/root.new"
# Links to folders that another package fills are there before it.
for package in base-files libc6; do
  for file in "$state/archives/$package"_*.deb; do [ -e "$file" ] && dpkg-deb -x "$file" "$folder/root.new"; done
done
for file in "$state"/archives/*.deb; do dpkg-deb -x "$file" "$folder/root.new"; done
rm -rf "$folder/root"
mv "$folder/root.new" "$folder/root"
# Those of an earlier time would be unpacked with those of the next.
rm -f "$state"/archives/*.deb

root=$folder/root
loader=$(find "$root/usr/lib64" "$root/usr/lib" -maxdepth 1 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
[ -n "$loader" ] || fail "no loader among the packages of $suite"
libraries=$(find "$root/usr/lib" -maxdepth 1 -type d -name '*-linux-gnu*' | head -n 1)

# A program with the C library of its own release, whatever is installed.
wrap() {
  cat >"$folder/$1" <<WRAPPER
#!/bin/sh
exec '$loader' --library-path '$libraries' '$root$2' "\$@"
WRAPPER
  chmod 755 "$folder/$1"
}
wrap haproxy /usr/sbin/haproxy
wrap nginx /usr/sbin/nginx
# It says where its modules are; they are elsewhere.
sed -i "2i [ \"\$1\" != -V ] || { '$loader' --library-path '$libraries' '$root/usr/sbin/nginx' -V 2>&1 | sed 's#--modules-path=#&$root#' >\&2; exit; }" "$folder/nginx"
go=$(find "$root/usr/lib" -maxdepth 1 -name 'go-*' | sort -V | tail -n 1)
cat >"$folder/go" <<WRAPPER
#!/bin/sh
GOROOT='$go' exec '$go/bin/go' "\$@"
WRAPPER
chmod 755 "$folder/go"

echo "haproxy $("$folder/haproxy" -v | sed -n 's/^HAProxy version \([^ ]*\).*/\1/p') $folder/haproxy"
echo "nginx $("$folder/nginx" -v 2>&1 | sed -n 's#.*nginx/\([^ ]*\).*#\1#p') $folder/nginx"
echo "go $("$folder/go" version | sed -n 's/^go version go\([^ ]*\).*/\1/p') $folder/go"
