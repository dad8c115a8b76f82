#!/usr/bin/env bash
# Installs what the build, the tests and the demo need beyond Rust, and says nothing when all is there.
set -euo pipefail

missing=()
# Each pair: a command, and the Debian package that has it.
while read -r command package; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null || missing+=("$package")
done <<'LIST'
cc               build-essential
javac            openjdk-17-jdk-headless
scalac           scala
node             nodejs
npm              npm
python3          python3-minimal
pip3             python3-pip
zstd             zstd
zip              zip
7zz              7zip
libdeflate-gzip  libdeflate-tools
mkfs.ext4        e2fsprogs
mount            mount
LIST
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "These packages are missing: ${missing[*]}" >&2
    echo "Install them, on Debian with: sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "Installing ${missing[*]} …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
