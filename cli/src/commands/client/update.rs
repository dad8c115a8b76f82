//! `relctl client update`: keeps an application up to date, and says so in plain lines.

use client::download::Progress;
use client::follow::{Happening, Hearing, Until, follow};
use client::install::HeldBack;
use client::state::{Attempt, State};
use client::update::{Offer, Staged, Updated, Way};
use client::{AppFolder, Daemon, Updater};
use indicatif::ProgressBar;
use protocol::Version;
use schemars::JsonSchema;
use serde::Serialize;

use super::{cannot_install, held_back};
use crate::args::UpdateArgs;
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, harmless_word};
use crate::units::{format_duration, format_share, format_size};

/// What became of one update, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Document<'a> {
    updated: bool,
    from_version: &'a Version,
    to_version: &'a Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<&'static str>,
    /// Of the delta, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta_format: Option<&'a str>,
    fetched_bytes: u64,
    full_bytes: u64,
    is_rollback: bool,
    elapsed_ms: u64,
    file: String,
}

pub(crate) async fn run(
    daemon: Daemon,
    args: UpdateArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let app = AppFolder::open(&args.app_dir)?;
    let client_id = match args.followed.client_id {
        Some(client_id) => client_id,
        None => app.client_id()?,
    };
    let mut updater = Updater::new(daemon, app, client_id, args.followed.channel);
    updater.public_key = config::public_key(args.pinned.public_key.as_deref())?;
    let until = match args.once {
        true => Until::Once,
        false => Until::Forever,
    };
    let hearing = match args.poll {
        Some(interval) => Hearing::Polling(interval),
        None => Hearing::Session,
    };
    output.say(&format!(
        "{} runs {}, follows {} at {}",
        updater.client_id,
        shown(&updater.version()?),
        updater.channel,
        updater.daemon.url()
    ));
    let mut teller = Teller {
        output,
        until,
        bar: None,
        quarter: None,
        closed: None,
        is_waiting: false,
        said_up_to_date: None,
        said_held_back: None,
    };
    let updated = {
        let mut tell = |happening: Happening| teller.tell(happening, &updater);
        follow(&updater, until, hearing, &mut tell).await
    };
    teller.end_bar();
    if let Some(failure) = teller.closed.take() {
        return Err(failure);
    }
    updated.map_err(Failure::from)?;
    Ok(Exit::Ok)
}

/// Turns what happens into lines. The result of each update goes to standard output, all else is talk.
struct Teller<'a> {
    output: &'a Output,
    until: Until,
    bar: Option<ProgressBar>,
    quarter: Option<u64>,
    /// Standard output could not be written to.
    closed: Option<Failure>,
    is_waiting: bool,
    said_up_to_date: Option<Version>,
    said_held_back: Option<Version>,
}

impl Teller<'_> {
    fn tell(&mut self, happening: Happening, updater: &Updater) {
        match happening {
            Happening::Connected => {
                if std::mem::take(&mut self.is_waiting) {
                    self.output.say("connected again");
                }
            }
            Happening::Waiting { reason, wait } => {
                self.is_waiting = true;
                if self.until == Until::Forever {
                    let wait = format_duration(wait);
                    self.output
                        .say(&format!("no session: {reason}; trying again in {wait}"));
                }
            }
            Happening::UpToDate(version) => self.up_to_date(&version, updater),
            Happening::HeldBack(held) => self.held_back(held, updater),
            Happening::Update(state) => self.update(&state),
            Happening::Updated(updated) => self.updated(&updated, updater),
            Happening::Failed { error, wait } => {
                self.end_bar();
                let wait = format_duration(wait);
                self.output.warn(&format!(
                    "the update failed: {error}; trying again in {wait}"
                ));
            }
            Happening::Blocked(issue) => self.output.warn(&cannot_install(&issue)),
        }
    }

    fn held_back(&mut self, held: HeldBack, updater: &Updater) {
        // Offered again after every break; said once.
        if self.said_held_back.replace(held.version.clone()).as_ref() != Some(&held.version) {
            self.output.warn(&held_back(&held));
        }
        if self.until == Until::Once
            && let Ok(version) = updater.version()
        {
            self.up_to_date(&version, updater);
        }
    }

    fn up_to_date(&mut self, version: &Version, updater: &Updater) {
        if self.until == Until::Forever {
            // Asked again after every break and every quarter of an hour; said once.
            if self.said_up_to_date.replace(version.clone()).as_ref() == Some(version) {
                return;
            }
            let words = match *version == Version::ZERO {
                true => "nothing is published yet".to_owned(),
                false => format!("{version} is up to date"),
            };
            return self.output.say(&words);
        }
        let document = Document {
            updated: false,
            from_version: version,
            to_version: version,
            way: None,
            delta_format: None,
            fetched_bytes: 0,
            full_bytes: 0,
            is_rollback: false,
            elapsed_ms: 0,
            file: updater.app.jar(version).display().to_string(),
        };
        let written = self.output.result("client-update", &document, || {
            match *version == Version::ZERO {
                true => "nothing is published yet".to_owned(),
                false => format!("{version} is up to date"),
            }
        });
        self.note_written(written);
    }

    fn offered(&mut self, offer: &Offer) {
        let what = match (offer.is_rollback, offer.is_mandatory) {
            (true, _) => "was recalled; going back to",
            (false, true) => "must be replaced by",
            (false, false) => "can be replaced by",
        };
        match offer.from == Version::ZERO {
            true => self.output.say(&format!("installing {}", offer.to)),
            false => self
                .output
                .say(&format!("{} {what} {}", offer.from, offer.to)),
        }
    }

    fn update(&mut self, state: &State) {
        match state {
            State::Offered(Attempt { offer, failed }) => match failed.last() {
                None => self.offered(offer),
                Some(failed) => {
                    self.end_bar();
                    self.output.warn(&format!(
                        "the {} did not work: {}; taking another way",
                        failed.way,
                        harmless_word(&failed.reason)
                    ));
                }
            },
            State::Downloading {
                attempt,
                way,
                progress,
            } => self.downloading(&attempt.offer.to, way, *progress),
            State::Patching { attempt, way } => {
                self.end_bar();
                let doing = match way {
                    Way::Compressed => "unpacking",
                    Way::Kept | Way::Delta { .. } | Way::Full => "rebuilding",
                };
                self.output.say(&format!("{doing} {}", attempt.offer.to));
            }
            State::Installing(staged) => {
                self.end_bar();
                let version = &staged.version;
                self.output.say(&format!("verified; installing {version}"));
            }
            State::Failed { .. } => self.end_bar(),
            State::Idle
            | State::Verifying { .. }
            | State::Staged(_)
            | State::Probation { .. }
            | State::Confirmed { .. }
            | State::RolledBack { .. } => {}
        }
    }

    fn downloading(&mut self, version: &Version, way: &Way, progress: Progress) {
        let Progress {
            done_bytes,
            total_bytes,
        } = progress;
        let label = match way {
            Way::Compressed => format!("{} {version}", way.name()),
            Way::Kept | Way::Delta { .. } | Way::Full => format!("{way} {version}"),
        };
        let output = self.output;
        let bar = self
            .bar
            .get_or_insert_with(|| output.byte_bar(&label, total_bytes));
        bar.set_position(done_bytes);
        let quarter = done_bytes * 4 / total_bytes.max(1);
        if !output.has_bars() && self.quarter != Some(quarter) {
            self.quarter = Some(quarter);
            output.say(&format!(
                "downloading {label} {} of {} ({})",
                format_size(done_bytes),
                format_size(total_bytes),
                format_share(done_bytes, total_bytes)
            ));
        }
    }

    fn updated(&mut self, updated: &Updated, updater: &Updater) {
        self.end_bar();
        let Updated { staged, elapsed } = updated;
        let document = Document {
            updated: true,
            from_version: &staged.from,
            to_version: &staged.version,
            way: Some(staged.way.name()),
            delta_format: match &staged.way {
                Way::Delta { format } => Some(format),
                Way::Kept | Way::Compressed | Way::Full => None,
            },
            fetched_bytes: staged.fetched_bytes,
            full_bytes: staged.size_bytes,
            is_rollback: staged.is_rollback,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            file: updater.app.jar(&staged.version).display().to_string(),
        };
        let written = self
            .output
            .result("client-update", &document, || describe(staged));
        self.note_written(written);
    }

    fn note_written(&mut self, written: Result<(), Failure>) {
        if let Err(failure) = written {
            self.closed = Some(failure);
        }
    }

    fn end_bar(&mut self) {
        self.quarter = None;
        if let Some(bar) = self.bar.take() {
            self.output.remove_bar(&bar);
        }
    }
}

/// Nothing installed has no version that a person would recognise.
fn shown(version: &Version) -> String {
    match *version == Version::ZERO {
        true => "nothing yet".to_owned(),
        false => version.to_string(),
    }
}

/// `2.0.0 → 2.1.0 by jar delta: 84 kB instead of 14.6 MB (0.6 %)`.
fn describe(staged: &Staged) -> String {
    let Staged {
        from,
        version: to,
        way,
        fetched_bytes,
        size_bytes,
        ..
    } = staged;
    let fetched = format_size(*fetched_bytes);
    let full = format_size(*size_bytes);
    let from = shown(from);
    match way {
        Way::Delta { .. } | Way::Compressed => {
            let share = format_share(*fetched_bytes, *size_bytes);
            format!("{from} → {to} by {way}: {fetched} instead of {full} ({share})")
        }
        Way::Full => format!("{from} → {to} by full download: {full}"),
        Way::Kept => {
            format!("{from} → {to} from the copy that was still there: nothing downloaded")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use protocol::Checksum;

    use super::*;

    #[test]
    fn an_update_is_told_in_one_line() {
        let staged = |way: Way, from: &str| Staged {
            from: from.parse().unwrap(),
            version: "2.1.0".parse().unwrap(),
            file: PathBuf::new(),
            checksum: Checksum::from_bytes([0; 32]),
            size_bytes: 14_600_000,
            way,
            fetched_bytes: 84_000,
            is_rollback: false,
        };
        let delta = Way::Delta {
            format: "jar".into(),
        };
        let lines = [
            describe(&staged(delta, "2.0.0")),
            describe(&staged(Way::Compressed, "0.0.0")),
            describe(&staged(Way::Full, "0.0.0")),
            describe(&staged(Way::Kept, "2.2.0")),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        2.0.0 → 2.1.0 by jar delta: 84 kB instead of 14.6 MB (0.6 %)
        nothing yet → 2.1.0 by compressed download: 84 kB instead of 14.6 MB (0.6 %)
        nothing yet → 2.1.0 by full download: 14.6 MB
        2.2.0 → 2.1.0 from the copy that was still there: nothing downloaded
        ");
    }
}
