//! What the daemon has of this version already, and whether that is the same.

use client::http::{ListQuery, NewRelease};
use protocol::api::{ReleaseState, ReleaseView};
use protocol::{Code, Platform, Version};

use super::link::Link;
use crate::exit::Exit;
use crate::failure::Failure;

/// How far an earlier publish of the same came.
#[derive(Debug)]
pub(super) enum Standing {
    /// Nothing is there.
    Absent,
    /// Uploaded, not announced.
    Draft(ReleaseView),
    /// All is done.
    Done(ReleaseView),
}

/// Looks, and refuses before a byte is uploaded what the daemon would refuse after.
pub(super) async fn look(link: Link<'_>, release: &NewRelease) -> Result<Standing, Failure> {
    match link.call(|| link.daemon.release(&release.version)).await {
        Ok(view) => judge(release, view),
        Err(error) if error.code() == Some(Code::NotFound) => {
            if !release.allow_older {
                refuse_older(link, release).await?;
            }
            Ok(Standing::Absent)
        }
        Err(error) => Err(error.into()),
    }
}

async fn refuse_older(link: Link<'_>, release: &NewRelease) -> Result<(), Failure> {
    let query = ListQuery {
        size: 1,
        channel: Some(release.channel.clone()),
        state: Some(ReleaseState::Active),
        ..ListQuery::default()
    };
    let page = link.call(|| link.daemon.releases(&query)).await?;
    match page.content.first() {
        Some(newest) if !release.version.is_newer_than(&newest.version_number) => Err(conflict(
            format!("{} already has {}", release.channel, newest.version_number),
        )
        .help("publish a higher version:  --version V")
        .help("a maintenance release of an older line:  --allow-older")),
        _ => Ok(()),
    }
}

fn judge(release: &NewRelease, view: ReleaseView) -> Result<Standing, Failure> {
    if view.checksum != release.checksum {
        return Err(conflict("this version already exists with other content".into())
            .reason(format!(
                "The daemon has   sha256 {}  ({}, published by {} at {})",
                view.checksum,
                view.state.as_str(),
                view.created_by,
                view.created_at
            ))
            .reason(format!("You are sending  sha256 {}", release.checksum))
            .help("publish it under a new version:  --version V")
            .help(format!(
                "published versions never change; to withdraw this one:  relctl versions disable {}",
                view.version_number
            )));
    }
    // What was announced is done when nothing was said against it; what is about to be announced must be meant so.
    let differences = match view.state {
        ReleaseState::Active => contradictions(release, &view),
        ReleaseState::Draft | ReleaseState::Inactive | ReleaseState::Recalled => {
            differences(release, &view)
        }
    };
    if !differences.is_empty() {
        let mut failure = conflict("this version already exists with other metadata".into());
        failure.reasons = differences;
        return Err(failure
            .help("run it with the same options as the first time")
            .help(format!(
                "see what is there:  relctl versions show {}",
                view.version_number
            )));
    }
    match view.state {
        ReleaseState::Active => Ok(Standing::Done(view)),
        ReleaseState::Draft => Ok(Standing::Draft(view)),
        ReleaseState::Inactive => Err(conflict("this version was disabled".into()).help(format!(
            "offer it again:  relctl versions enable {}",
            view.version_number
        ))),
        ReleaseState::Recalled => Err(conflict("this version was recalled by a rollback".into())
            .help("publish the mended application under a new version:  --version V")
            .help(format!(
                "or offer it again as it is:  relctl versions enable {}",
                view.version_number
            ))),
    }
}

/// What the command says and what the daemon has, field by field. Rollout is not compared: it changes later.
fn differences(release: &NewRelease, view: &ReleaseView) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |field: &str, there: String, sent: String| {
        if there != sent {
            differences.push(format!(
                "{field}: the daemon has {there}, you are sending {sent}"
            ));
        }
    };
    compare(
        "channel",
        view.release_channel.to_string(),
        release.channel.to_string(),
    );
    compare(
        "mandatory",
        view.is_mandatory.to_string(),
        release.is_mandatory.to_string(),
    );
    let minimum = release
        .minimum_client_version
        .clone()
        .unwrap_or(Version::ZERO);
    compare(
        "minimum client version",
        view.minimum_client_version.to_string(),
        minimum.to_string(),
    );
    compare(
        "platforms",
        names(&view.platforms),
        names(&release.platforms),
    );
    if view.signature != release.signature {
        differences.push("signature: it is another one".into());
    }
    if view.release_notes != release.release_notes {
        differences.push("notes: they are other ones".into());
    }
    differences
}

/// The same for the fields that the command gave: options that were left out say nothing.
fn contradictions(release: &NewRelease, view: &ReleaseView) -> Vec<String> {
    let mut said = release.clone();
    said.is_mandatory |= view.is_mandatory;
    if said.release_notes.is_empty() {
        said.release_notes.clone_from(&view.release_notes);
    }
    if said.platforms.is_empty() {
        said.platforms.clone_from(&view.platforms);
    }
    if said.signature.is_none() {
        said.signature.clone_from(&view.signature);
    }
    if said.minimum_client_version.is_none() {
        said.minimum_client_version = Some(view.minimum_client_version.clone());
    }
    differences(&said, view)
}

fn names(platforms: &[Platform]) -> String {
    let mut names: Vec<&str> = platforms.iter().map(Platform::as_str).collect();
    names.sort_unstable();
    match names.is_empty() {
        true => "all".into(),
        false => names.join(", "),
    }
}

fn conflict(message: String) -> Failure {
    Failure::new(Exit::Conflict, Code::Conflict.as_str(), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Checksum;

    fn release(content: &[u8]) -> NewRelease {
        NewRelease {
            version: "2.1.0".parse().unwrap(),
            channel: "stable".parse().unwrap(),
            is_mandatory: false,
            release_notes: "notes".into(),
            minimum_client_version: None,
            checksum: Checksum::from_bytes(delta::checksum::sha256(content)),
            is_draft: true,
            rollout_percentage: 100,
            platforms: Vec::new(),
            allow_older: false,
            signature: None,
        }
    }

    fn view(content: &[u8], state: &str) -> ReleaseView {
        let checksum = Checksum::from_bytes(delta::checksum::sha256(content));
        serde_json::from_value(serde_json::json!({
            "id": "019376f4-0000-7000-8000-000000000000", "versionNumber": "2.1.0", "releaseChannel": "stable",
            "state": state, "isActive": state == "ACTIVE", "isMandatory": false, "releaseNotes": "notes",
            "minimumClientVersion": "0.0.0", "fileName": "app.jar", "fileSize": 1, "checksum": checksum,
            "downloadUrl": "/x", "rolloutPercentage": 10, "createdBy": "ci",
            "createdAt": "2026-01-15T10:30:00Z", "updatedAt": "2026-01-15T10:30:00Z"
        }))
        .unwrap()
    }

    #[test]
    fn the_same_again_is_done_or_gone_on_with() {
        let judged = |state| judge(&release(b"a"), view(b"a", state));
        assert!(matches!(judged("ACTIVE"), Ok(Standing::Done(_))));
        assert!(matches!(judged("DRAFT"), Ok(Standing::Draft(_))));
    }

    #[test]
    fn other_bytes_are_a_conflict_that_shows_both_checksums() {
        let failure = judge(&release(b"a"), view(b"b", "DRAFT")).unwrap_err();
        assert_eq!(failure.exit, Exit::Conflict);
        let reasons = failure.reasons.join("\n");
        for content in [b"a", b"b"] {
            let checksum = Checksum::from_bytes(delta::checksum::sha256(content));
            assert!(reasons.contains(&checksum.to_string()), "{reasons}");
        }
    }

    #[test]
    fn other_words_are_a_conflict_that_names_them() {
        let mut other = release(b"a");
        other.is_mandatory = true;
        other.minimum_client_version = Some("2.0.0".parse().unwrap());
        other.release_notes = "others".into();
        let failure = judge(&other, view(b"a", "ACTIVE")).unwrap_err();
        insta::assert_snapshot!(failure.reasons.join("\n"), @r"
        mandatory: the daemon has false, you are sending true
        minimum client version: the daemon has 0.0.0, you are sending 2.0.0
        notes: they are other ones
        ");
    }

    #[test]
    fn options_that_were_left_out_say_nothing_against_what_is_announced() {
        let mut bare = release(b"a");
        bare.release_notes = String::new();
        assert!(matches!(
            judge(&bare, view(b"a", "ACTIVE")),
            Ok(Standing::Done(_))
        ));
        assert!(judge(&bare, view(b"a", "DRAFT")).is_err());
    }

    #[test]
    fn what_was_withdrawn_does_not_come_back_by_itself() {
        for state in ["INACTIVE", "RECALLED"] {
            let failure = judge(&release(b"a"), view(b"a", state)).unwrap_err();
            assert!(
                failure
                    .help
                    .iter()
                    .any(|help| help.contains("versions enable 2.1.0"))
            );
        }
    }
}
