//! Tests of `delta` through its public face, against the tools whose formats it speaks.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; clippy.toml covers only the tests themselves"
)]

mod apply;
mod by_hand;
mod checksum;
mod compiled;
mod damage;
mod jar;
mod jar_delta;
mod package;
mod seeds;
mod tool;
mod zstd_tool;
