#!/usr/bin/env bash
# Installs what the build and the demo need beyond Rust, with the argument `tests` also what the tests need, with `nginx`
# or `fanout` what the downloads or the sessions are measured beside, and says nothing when all is there.
set -euo pipefail
also="${1:-}"

# Each pair: a command or a file, and the Debian package that has it.
commands() {
    cat <<'LIST'
cc               build-essential
javac            openjdk-17-jdk-headless
node             nodejs
npm              npm
python3          python3-minimal
zstd             zstd
LIST
    [ "$also" != nginx ] && [ "$also" != fanout ] || echo "nginx nginx-light"
    [ "$also" != fanout ] || echo "/usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
nats-server nats-server"
    [ "$also" = tests ] || return 0
    cat <<'LIST'
chromium         chromium
scalac           scala
pip3             python3-pip
zip              zip
7zz              7zip
libdeflate-gzip  libdeflate-tools
tmux             tmux
mkfs.ext4        e2fsprogs
mount            mount
strip-nondeterminism strip-nondeterminism
LIST
}

missing=()
while read -r command package; do
    [ -e "$command" ] || PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null || missing+=("$package")
done < <(commands)

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "These packages are missing: ${missing[*]}" >&2
        echo "Install them, on Debian with: sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]} …"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # Debian starts the services that it installs; a benchmark needs the program, and no web server on port 80.
    policy=/usr/sbin/policy-rc.d
    if { [ "$also" = nginx ] || [ "$also" = fanout ]; } && ! [ -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    if [[ " ${missing[*]} " == *" nginx-light "* ]] && command -v systemctl >/dev/null; then
        systemctl disable --quiet nginx 2>/dev/null || true # nor after the next start of the machine
    fi
fi

# Packages of Node.js, as the lock file of a folder has them. From there, because npm reads the .npmrc there.
install_npm() {
    cd "$(dirname "$0")/../$1"
    local installed=node_modules/.package-lock.json # written last
    [ "$installed" -nt package-lock.json ] && return
    echo "Installing the packages of tests/$1 …"
    npm ci --ignore-scripts --no-audit --no-fund --silent
}
case "$also" in
tests) install_npm browser ;;
fanout) install_npm benches/fanout/peers ;;
esac
