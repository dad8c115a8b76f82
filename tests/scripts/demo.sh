#!/usr/bin/env bash
# The main job from end to end, with the real binaries and real JARs: what `make demo` shows.
# Everything happens on the loopback interface and in a temporary folder; nothing is left running.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/relctl
work=$(mktemp -d "${TMPDIR:-/tmp}/relctl-demo.XXXXXX")
started=()

# Ends what this script started, and only that.
end_started() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
    started=()
}
clean_up() {
    end_started
    cd "$root"
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

title() { printf '\n\033[1m%s\033[0m\n' "$*" | plain; }
plain() { if [ -t 1 ]; then cat; else sed $'s/\033\\[[0-9]*m//g'; fi; }
indented() { sed -u 's/^/    /'; }

# Shows a command as a reader would type it, and what it says.
show() {
    echo "  \$ $*"
    "$@" 2>&1 | indented
}

# Starts a command that stays, its output in FILE.log.
beside() {
    local log=$1
    shift
    echo "  \$ $* &"
    "$@" >"$log.log" 2>&1 &
    started+=($!)
}

# Waits until a file holds a line that matches.
wait_for() {
    local file=$1 pattern=$2
    for _ in $(seq 600); do
        grep -qE -- "$pattern" "$file" 2>/dev/null && return
        sleep 0.1
    done
    echo "Waited a minute for '$pattern' in $file, which says:" >&2
    cat "$file" >&2
    exit 1
}

start_daemon() {
    relctld serve --listen 127.0.0.1:0 --data-dir "$1/relctl-data" >"$1/daemon.out" 2>"$1/daemon.log" &
    started+=($!)
    wait_for "$1/daemon.out" '^listening on '
    RELCTL_URL=$(sed -n 's/^listening on //p' "$1/daemon.out")
    RELCTL_TOKEN=$(cat "$1/relctl-data/admin.token")
    export RELCTL_URL RELCTL_TOKEN
    sed 's/^/    /' "$1/daemon.out"
}

# The story of one update: OLD and NEW are the two JARs of versions FROM and TO.
tell() {
    local old=$1 from=$2 new=$3 to=$4
    title "A daemon starts, and $from is published"
    start_daemon "$PWD"
    show relctl publish "$old" --version "$from"

    title "Two desktops install it and stay connected; a publisher watches them"
    for desktop in desktop-1 desktop-2; do
        beside $desktop relctl client update --app-dir $desktop --client-id $desktop --channel stable
    done
    beside watch relctl watch
    wait_for desktop-1.log "$from"
    wait_for desktop-2.log "$from"

    title "$to is published, with a delta from $from"
    show relctl publish "$new" --version "$to"

    title "Both desktops heard of it, took the delta, rebuilt the JAR and verified it"
    for desktop in desktop-1 desktop-2; do
        wait_for $desktop.log "$to"
        sed "s/^/    $desktop: /" $desktop.log
    done

    title "What the publisher saw meanwhile"
    indented <watch.log

    title "The application on a desktop is now the new version"
    show java -jar "desktop-1/versions/$to/app.jar" --version
    end_started
}

# The checker of HTML that the npm package vnu-jar holds: a real product, 32 MB, of which the cache keeps two versions.
fetch() {
    local version=$1 jar=$cache/vnu-$1.jar
    [ -s "$jar" ] && return
    mkdir -p "$cache"
    npm pack --silent --fetch-retries=1 --fetch-timeout=60000 --pack-destination "$work" "vnu-jar@$version" >/dev/null 2>&1 || return
    tar -xzf "$work/vnu-jar-$version.tgz" -C "$work" package/build/dist/vnu.jar
    mv "$work/package/build/dist/vnu.jar" "$jar"
}

notes() {
    local sources=$root/fixtures/java/demo main=dev.relctl.demo.Main
    mkdir "$work/notes" && cd "$work/notes"
    title "Two versions of a small Java application are compiled and packed"
    javac --release 11 -d classes-1 -sourcepath "$sources/v1" "$sources/v1/dev/relctl/demo/Main.java"
    javac --release 11 -d classes-2 -sourcepath "$sources/v2:$sources/v1" "$sources/v1/dev/relctl/demo/Main.java"
    cp -r "$sources/v1/resources/." classes-1
    cp -r "$sources/v1/resources/." "$sources/v2/resources/." classes-2
    show relctl package classes-1 --version 1.0.0 --main-class $main -o notes-1.0.0.jar
    show relctl package classes-2 --version 1.1.0 --main-class $main -o notes-1.1.0.jar
    tell notes-1.0.0.jar 1.0.0 notes-1.1.0.jar 1.1.0
}

vnu() {
    local from=26.9.16 to=26.9.27
    mkdir "$work/vnu" && cd "$work/vnu"
    title "The same with a real product: vnu.jar $from and $to from the npm package vnu-jar"
    if ! fetch $from || ! fetch $to; then
        echo "    SKIPPED: the npm registry cannot be reached, and $cache does not hold the two JARs yet"
        return
    fi
    ln -s "$cache/vnu-$from.jar" "$cache/vnu-$to.jar" .
    ls -lL ./*.jar | awk '{ printf "    %s  %.1f MB\n", $NF, $5 / 1e6 }'
    tell vnu-$from.jar $from vnu-$to.jar $to
}

export PATH="$root/target/debug:$PATH" NO_COLOR=1
unset RELCTL_URL RELCTL_TOKEN RELCTL_TOKEN_FILE
cd "$root"
title "Building relctl and relctld"
cargo build --quiet
notes
vnu
title "Done: everything that was started is ended, and the temporary folder is removed"
