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
    beside daemon relctld serve --listen 127.0.0.1:0
    wait_for daemon.log '^listening on '
    RELCTL_URL=$(sed -n 's/^listening on //p' daemon.log)
    RELCTL_TOKEN=$(cat relctl-data/admin.token)
    export RELCTL_URL RELCTL_TOKEN
    echo "    listening on $RELCTL_URL"
}

# A daemon with one release, two desktops that installed it, and a publisher who watches.
begin() {
    local jar=$1 version=$2
    title "A daemon starts; two desktops install $version and stay connected; a publisher watches"
    start_daemon
    show relctl -q publish "$jar" --version "$version"
    for desktop in desktop-1 desktop-2; do
        beside $desktop relctl -q client update --app-dir $desktop --client-id $desktop --channel stable
    done
    for desktop in desktop-1 desktop-2; do
        wait_for $desktop.log "→ $version by"
        sed "s/^/    $desktop: /" $desktop.log
    done
    beside watch relctl watch
    wait_for watch.log 'Ctrl-C ends it'
}

# The next release, and how it arrives. What comes after TO are flags for relctl.
update() {
    local jar=$1 from=$2 to=$3
    shift 3
    title "$to is published, with a delta from $from"
    show relctl "$@" publish "$jar" --version "$to"

    title "Both desktops heard of it, took the delta, rebuilt the JAR and verified it"
    for desktop in desktop-1 desktop-2; do
        wait_for $desktop.log "→ $to by"
        wait_for watch.log "$desktop completed"
        tail -n 1 $desktop.log | sed "s/^/    $desktop: /"
    done
}

# A release for those who follow beta, which does not even start.
crash() {
    local from=$1 to=$2
    title "$to crashes at start: the launcher returns to $from by itself, and the publisher hears why"
    mkdir -p broken
    cat >broken/Main.java <<'JAVA'
public class Main {
    public static void main(String[] args) {
        System.err.println("cannot open the window");
        System.exit(1);
    }
}
JAVA
    javac --release 11 -d broken broken/Main.java
    rm broken/Main.java
    relctl -q package broken --version "$to" --main-class Main -o broken.jar >/dev/null
    relctl -q client update --app-dir desktop-3 --client-id desktop-3 --once >/dev/null
    show relctl -q publish broken.jar --version "$to" --channel beta
    show relctl -q client install --app-dir desktop-3 --client-id desktop-3 --channel beta
    show relctl client run --app-dir desktop-3 --client-id desktop-3 --channel beta -- -- --version
    wait_for watch.log "desktop-3 failed"
    grep 'desktop-3 failed' watch.log | sed 's/^/    publisher: /'
}

run_installed() {
    title "The application on a desktop is the new version now"
    show java -jar "desktop-1/versions/$1/app.jar" --version
    end_started
}

# The checker of HTML that the npm package vnu-jar holds: a real product, 32 MB, of which the cache keeps two versions.
fetch() {
    local version=$1 jar=$cache/vnu-$1.jar
    [ -s "$jar" ] && return
    mkdir -p "$cache"
    npm pack --silent --fetch-retries=1 --fetch-timeout=60000 --pack-destination "$work" "vnu-jar@$version" >/dev/null 2>&1 || return
    tar -xzf "$work/vnu-jar-$version.tgz" -C "$work" package/build/dist/vnu.jar
    # Under its name only when it is whole.
    mv "$work/package/build/dist/vnu.jar" "$jar.part" && mv "$jar.part" "$jar"
}

notes() {
    local sources=$root/fixtures/java/demo main=dev.relctl.demo.Main
    mkdir "$work/notes" && cd "$work/notes"
    title "Two versions of a small Java application are compiled and packed"
    javac --release 11 -d classes-1 -sourcepath "$sources/v1" "$sources/v1/dev/relctl/demo/Main.java"
    javac --release 11 -d classes-2 -sourcepath "$sources/v2:$sources/v1" "$sources/v1/dev/relctl/demo/Main.java"
    cp -r "$sources/v1/resources/." classes-1
    cp -r "$sources/v1/resources/." "$sources/v2/resources/." classes-2
    show relctl -q package classes-1 --version 1.0.0 --main-class $main -o notes-1.0.0.jar
    show relctl -q package classes-2 --version 1.1.0 --main-class $main -o notes-1.1.0.jar
    begin notes-1.0.0.jar 1.0.0
    update notes-1.1.0.jar 1.0.0 1.1.0
    title "What the publisher saw of it"
    grep -v ' 0 %' watch.log | indented
    crash 1.1.0 1.2.0
    run_installed 1.1.0
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
    begin vnu-$from.jar $from >/dev/null
    echo "    As before there is a daemon, $from is published, two desktops run it, and a publisher watches."
    update vnu-$to.jar $from $to -q
    run_installed $to
}

export PATH="$root/target/debug:$PATH" NO_COLOR=1
unset RELCTL_URL RELCTL_TOKEN RELCTL_TOKEN_FILE
cd "$root"
title "Building relctl and relctld"
cargo build
notes
vnu
title "Done. Everything that was started has ended, and the temporary folder is gone."
