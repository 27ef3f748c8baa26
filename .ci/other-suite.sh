# Packages of another suite of the distribution, fetched without touching the system's apt; for `. other-suite.sh`.
# The system's apt configuration, lists and packages are neither changed nor used, but for the mirror and its keys.

system() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "${OS_RELEASE:-/etc/os-release}"; }

# The mirror that this system has its own release from; nothing where it has none.
mirror_of_system() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v release="$(system VERSION_CODENAME)" '$1 == release { print $2; exit }'
}

# other_suite STATE MIRROR SUITE COMPONENTS: from here on `apt` and `cache` are of that suite.
other_suite() {
  state=$1
  keys=/usr/share/keyrings/$(system ID)-archive-keyring.gpg
  [ -e "$keys" ] || keys=
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  : >"$state/status"
  echo "deb ${keys:+[signed-by=$keys] }$2 $3 $4" >"$state/sources.list"
}

of_suite() {
  program=$1
  shift
  "$program" -qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
    -o Dir::Cache="$state" -o Dir::Cache::Archives="$state/archives" -o Dir::Log="$state" \
    -o Acquire::Languages=none -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
    -o APT::Update::Error-Mode=any "$@"
}
apt() { of_suite apt-get "$@"; }
cache() { of_suite apt-cache "$@"; }
