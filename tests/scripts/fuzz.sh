#!/usr/bin/env bash
# Runs each fuzz target of `delta` and `protocol` for FUZZ_SECONDS (60): what `make fuzz` runs. FUZZ_TARGETS="apply_jar apply_zstd"
# picks some. New inputs are kept in target/fuzz-corpus for the next run; the seeds in CRATE/fuzz/corpus stay as they are.
set -euo pipefail
cd "$(dirname "$0")/../.."

root="$(pwd)"
cargo="${CARGO:-cargo}"
"$cargo" fuzz --version >/dev/null 2>&1 || "$cargo" install --locked cargo-fuzz
# Without a sanitizer, which the stable toolchain does not have: our code is safe Rust, so panics, hangs and memory
# without bound are what there is to find.
options=(--fuzz-dir . --target-dir "$root/target/fuzz" --sanitizer none)

for crate in delta protocol; do
    cd "$root/$crate/fuzz"
    targets=()
    for target in $("$cargo" fuzz list --fuzz-dir .); do
        [[ " ${FUZZ_TARGETS:-$target} " == *" $target "* ]] && targets+=("$target")
    done
    [[ ${#targets[@]} -gt 0 ]] || continue
    "$cargo" fuzz build "${options[@]}"
    for target in "${targets[@]}"; do
        found="$root/target/fuzz-corpus/$target"
        mkdir -p "$found" "$root/target/fuzz-crashes"
        echo "Fuzzing $target for ${FUZZ_SECONDS:-60} s …"
        nice -n 15 "$cargo" fuzz run "${options[@]}" "$target" "$found" "corpus/$target" -- \
            -max_total_time="${FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=1024 -max_len=16384 \
            -artifact_prefix="$root/target/fuzz-crashes/$target-" -print_final_stats=1
    done
done
