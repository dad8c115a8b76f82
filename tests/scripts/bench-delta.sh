#!/usr/bin/env bash
# Compares our patches with those of the tools that Debian has, on real JARs: what `make bench-delta` runs.
# PAIRS=py4j,jdeploy picks pairs by the beginning of their names. The first run downloads about 700 MB.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
# Each pair: a command, and the Debian package that has it.
while read -r command package; do
    command -v "$command" >/dev/null || missing+=("$package")
done <<'LIST'
zstd           zstd
bsdiff         bsdiff
bspatch        bsdiff
xdelta3        xdelta3
/usr/bin/time  time
LIST
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
if [ ${#missing[@]} -ne 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "Install these packages first: sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]} …"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Niced, so that a machine that does other work stays usable; processor time is what is measured.
exec nice -n 10 "${CARGO:-cargo}" bench --package tests --bench delta --locked
