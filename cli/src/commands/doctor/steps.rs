//! The steps of `relctl doctor`: each looks at one thing, and none at what another one found.

use std::time::{Duration, SystemTime};

use client::Daemon;
use client::http::Probe;
use protocol::Timestamp;

use super::Check;
use crate::args::Global;
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::units::{format_duration, format_size};

/// A clock that is off by more makes tokens that are not valid yet, or no longer: the daemon allows 5 s.
const SKEW_WARNING: Duration = Duration::from_secs(5);

/// A clock that is off by more is wrong.
const SKEW_LIMIT: Duration = Duration::from_secs(60);

/// A token that ends sooner is worth a word.
const EXPIRY_WARNING: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Less room than that is soon used up by a release and its deltas.
const ROOM_WARNING_BYTES: u64 = 1_000_000_000;

/// Less than that and not even a small JAR fits.
const ROOM_LIMIT_BYTES: u64 = 50_000_000;

pub(super) fn configuration(settings: &Settings) -> Check {
    if let Some(failure) = &settings.broken {
        return Check::because("configuration", failure.clone());
    }
    let files: Vec<String> = settings
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let profile = settings.profile.as_ref();
    let profile = profile.map_or_else(String::new, |name| format!(", profile {name}"));
    match files.is_empty() {
        true => Check::ok("configuration", "no files, only flags and variables"),
        false => Check::ok("configuration", format!("{}{profile}", files.join(", "))),
    }
}

pub(super) fn health(probe: &Probe) -> Check {
    let took = format_duration(probe.took);
    match probe.health.status.as_str() {
        "ok" => Check::ok("daemon", format!("answers in {took}")),
        "read-only" => Check::failed(
            "daemon",
            Exit::Error,
            "takes nothing new: it is read-only",
            "its log says why; most often its disk is full",
        ),
        status => Check::warning("daemon", format!("says {status}"), "try again in a minute"),
    }
}

pub(super) fn version(daemon: &str) -> Check {
    let ours = env!("CARGO_PKG_VERSION");
    match daemon == ours {
        true => Check::ok("version", format!("relctld {daemon}, the same as relctl")),
        false => Check::warning(
            "version",
            format!("relctld {daemon}, relctl {ours}"),
            "they understand each other; for what is new in one, bring the other up to it",
        ),
    }
}

pub(super) fn clock(probe: &Probe, now: SystemTime) -> Check {
    let Some(theirs) = probe.clock else {
        return Check::warning(
            "clock",
            "the answer carries no date",
            "a proxy may take it away",
        );
    };
    // The date says the second only, and is as old as half the answer took.
    let behind = now.duration_since(theirs).unwrap_or_default();
    let ahead = theirs.duration_since(now).unwrap_or_default();
    let off = behind.max(ahead);
    let which = match ahead > behind {
        true => "behind",
        false => "ahead of",
    };
    let detail = format!(
        "this machine is {} {which} the daemon",
        format_duration(off)
    );
    let help = "set both clocks by NTP:  timedatectl set-ntp true";
    match off.saturating_sub(Duration::from_secs(1) + probe.took) {
        off if off > SKEW_LIMIT => Check::failed("clock", Exit::CheckFailed, detail, help),
        off if off > SKEW_WARNING => Check::warning("clock", detail, help),
        _ => Check::ok("clock", "agrees with the daemon's"),
    }
}

pub(super) fn tls(url: &str) -> Check {
    let host = url.split("://").nth(1).unwrap_or_default();
    let is_here = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host.starts_with(name));
    match (url.starts_with("https:"), is_here) {
        (true, _) => Check::ok("tls", "the certificate is trusted"),
        (false, true) => Check::ok("tls", "none, and none needed on one machine"),
        (false, false) => Check::warning(
            "tls",
            "none: the token and all else can be read on the way",
            "put the daemon behind a TLS proxy, and give its https address",
        ),
    }
}

pub(super) async fn token(global: &Global, daemon: Daemon) -> Check {
    let found = config::token(global, daemon.url(), &|name| std::env::var_os(name));
    let (token, source) = match found {
        Ok(found) => found,
        Err(failure) => return Check::because("token", failure),
    };
    let who = match daemon.with_token(token).whoami().await {
        Ok(who) => who,
        Err(error) => {
            let failure = Failure::from(error).while_doing(format!("use the token of {source}"));
            return Check::because("token", failure);
        }
    };
    let left_ms = who.expires_at.unix_ms() - Timestamp::now().unix_ms();
    let left = Duration::from_millis(left_ms.max(0).unsigned_abs());
    let detail = format!(
        "{} ({}), valid for {}, by {source}",
        who.username,
        who.role.as_str(),
        format_duration(left)
    );
    match left < EXPIRY_WARNING {
        true => Check::warning(
            "token",
            detail,
            "a new one in time:  relctl token create --user NAME, then relctl login",
        ),
        false => Check::ok("token", detail),
    }
}

/// Deltas are made in the folder for temporary files, which is small on some machines.
pub(super) fn disk() -> Check {
    let folder = std::env::temp_dir();
    let shown = folder.display();
    let Ok(found) = fs4::statvfs(&folder) else {
        return Check::failed(
            "disk",
            Exit::Config,
            format!("cannot look at {shown}, the folder for temporary files"),
            "name another one by TMPDIR",
        );
    };
    let free = found.available_space();
    let detail = format!("{} free in {shown}", format_size(free));
    let help = "make room there, or name another folder by TMPDIR";
    match free {
        free if free < ROOM_LIMIT_BYTES => Check::failed("disk", Exit::Error, detail, help),
        free if free < ROOM_WARNING_BYTES => Check::warning("disk", detail, help),
        _ => Check::ok("disk", detail),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use protocol::api::Health;

    fn probe(clock: Option<SystemTime>, took_ms: u64) -> Probe {
        Probe {
            health: Health {
                status: "ok".into(),
                version: "0.1.0".into(),
            },
            clock,
            took: Duration::from_millis(took_ms),
        }
    }

    #[test]
    fn a_clock_is_wrong_only_beyond_what_the_answer_took() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        for (seconds, status) in [
            (0, Status::Ok),
            (-6, Status::Ok),
            (-10, Status::Warning),
            (30, Status::Warning),
            (-90, Status::Failed),
            (3600, Status::Failed),
        ] {
            let offset = Duration::from_secs(i64::unsigned_abs(seconds));
            let theirs = if seconds < 0 {
                now - offset
            } else {
                now + offset
            };
            let check = clock(&probe(Some(theirs), 100), now);
            assert_eq!(check.status, status, "{seconds}: {}", check.detail);
        }
        assert_eq!(clock(&probe(None, 1), now).status, Status::Warning);
    }

    #[test]
    fn a_token_in_the_clear_is_a_warning_and_this_machine_needs_no_tls() {
        assert_eq!(tls("http://releases.example.com").status, Status::Warning);
        assert_eq!(tls("http://127.0.0.1:8081").status, Status::Ok);
        assert_eq!(tls("https://releases.example.com").status, Status::Ok);
    }
}
