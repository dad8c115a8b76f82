#!/usr/bin/env bash
# Compares how relctld and other servers tell thousands of sessions something: what `make bench-fanout` runs.
# FANOUT_CLIENTS=10000, FANOUT_ROUNDS=3 and FANOUT_SERVERS=relctld,nchan,nats,uws,ws are what it takes.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
PATH="$PATH:/usr/sbin:/sbin"
command -v nats-server >/dev/null || missing+=(nats-server)
[ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || missing+=(nginx-light libnginx-mod-nchan)
if [ ${#missing[@]} -ne 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "Install these packages first: sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]} …"
    apt-get update -qq
    # Their services stay off: the benchmark starts its own.
    printf '#!/bin/sh\nexit 101\n' | install -m 755 /dev/stdin /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
(
    cd tests/benches/fanout/peers
    installed=node_modules/.package-lock.json
    [ "$installed" -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund --silent
)
"${CARGO:-cargo}" bench --package tests --bench fanout --locked
