#!/usr/bin/env bash
# Starts a daemon to play with, in the foreground: Ctrl-C ends it. What it keeps is in ./relctl-data.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build
cat <<'TEXT'

A daemon starts on http://127.0.0.1:8081 and keeps what it is told in ./relctl-data. Try in another terminal:

  export RELCTL_TOKEN=$(cat relctl-data/admin.token) PATH="$PWD/target/debug:$PATH"

  relctl publish YOUR.jar --version 1.0.0
  relctl client update --app-dir /tmp/my-app --client-id my-desktop --channel stable
  relctl watch

Ctrl-C ends it.

TEXT
exec target/debug/relctld serve
