#!/bin/sh
# fetch-sources.sh FOLDER PACKAGE...: unpacks each Debian source package as FOLDER/PACKAGE.
#
# Uses the machine's own mirrors and keys, but lists of its own, so it needs no root and changes nothing in /etc/apt.
# What is there already is kept; two runs at once wait for each other.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 FOLDER PACKAGE..." >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift

exec 9>"$folder/.lock"
flock 9

missing=""
for package in "$@"; do
  [ -d "$folder/$package" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

give_up() {
  cat >&2 <<MESSAGE
tools/fetch-sources.sh: $1
  needed: the source packages$missing
  mirrors asked: those of /etc/apt/sources.list and /etc/apt/sources.list.d, as deb-src
What to do: add a mirror that serves source packages (a line "deb-src ..."), or unpack the sources yourself, so that
each package's top folder is $folder/PACKAGE.
MESSAGE
  exit 1
}

for tool in apt-get dpkg-source; do
  command -v $tool >/dev/null || give_up "$tool is not installed (Debian packages: apt, dpkg-dev)"
done

work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/mirrors" "$work/sources"
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/mirrors/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -e "$file" ] && sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$file" >"$work/mirrors/$(basename "$file")"
done

# apt would switch to a user of its own, who may not be allowed to write here.
apt() {
  apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/mirrors" \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@"
}

apt update >"$work/log" 2>&1 || { cat "$work/log" >&2; give_up "apt-get update failed"; }
for package in $missing; do
  (cd "$work/sources" && apt source --only-source "$package") >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; give_up "no mirror gave the sources of $package"; }
  unpacked=$(find "$work/sources" -mindepth 1 -maxdepth 1 -type d)
  [ -n "$unpacked" ] || give_up "$package was fetched but not unpacked"
  mv "$unpacked" "$folder/$package"
  rm -f "$work"/sources/*
  echo "$package: $(basename "$unpacked")"
done
