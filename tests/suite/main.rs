//! Whole-system tests: what a user does with the real binaries, and what the user sees.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;

use protocol::Checksum;
use protocol::api::paths;
use sha2::{Digest, Sha256};
use tests::{Api, Binaries};

mod bad_day;
mod browser;
mod cli;
mod deltas;
mod index;
mod jars;
mod journal;
mod kill;
mod launcher;
mod live;
mod main_job;
mod packaging;
mod power_cut;
mod publish;
mod restart;
mod screens;
mod scripts;
mod simulate;
mod spec;
mod specification;
mod tidy;
mod tokens;
mod update;
mod watch;

/// The binaries under test, built by Cargo for this very run.
const BINARIES: Binaries = Binaries {
    relctl: env!("CARGO_BIN_EXE_relctl"),
    relctld: env!("CARGO_BIN_EXE_relctld"),
};

/// The SHA-256 as the protocol writes it.
fn sha256(bytes: &[u8]) -> String {
    Checksum::from_bytes(Sha256::digest(bytes).into()).to_string()
}

/// Every release that a publisher sees, newest first.
async fn all_releases(api: &Api) -> Vec<Value> {
    all_pages(api, &format!("{}/versions", paths::ADMIN)).await
}

/// Everything in a list that comes in pages.
async fn all_pages(api: &Api, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 0.. {
        let page = format!("{path}?page={page}&size=100");
        let mut answer = api.get(&page).await.is(200).data();
        let Some(content) = answer["content"].as_array_mut() else {
            panic!("a page has no content: {answer:#}");
        };
        if content.is_empty() {
            break;
        }
        all.append(content);
    }
    all
}
