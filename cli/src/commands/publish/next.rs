//! What is typed after a publish: the commands, with what they need filled in.

use client::Daemon;
use client::http::ListQuery;
use protocol::api::ReleaseState;

use super::summary::Summary;
use crate::output::Output;

pub(super) async fn say_what_next(daemon: &Daemon, release: &Summary, output: &Output) {
    let version = &release.version;
    if release.state == ReleaseState::Draft {
        output.say(&format!("  Announce   relctl versions enable {version}"));
        return;
    }
    output.say(&format!("  Watch      relctl watch {version}"));
    if release.rollout_percentage < 100 {
        output.say(&format!(
            "  Widen      relctl versions rollout {version} 100%"
        ));
    }
    let query = ListQuery {
        size: 100,
        channel: Some(release.channel.clone()),
        state: Some(ReleaseState::Active),
        ..ListQuery::default()
    };
    // Only a hint: when the list does not come, nothing is lost.
    let Ok(page) = daemon.releases(&query).await else {
        return;
    };
    let older = page
        .content
        .iter()
        .find(|other| version.is_newer_than(&other.version_number));
    if let Some(older) = older {
        output.say(&format!(
            "  Undo       relctl versions rollback --channel {} --to {}",
            release.channel, older.version_number
        ));
    }
}
