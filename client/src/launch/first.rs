//! The first installation: the only thing that is waited for before a start, and only where there is nothing to start.

use std::time::Duration;

use super::Tell;
use super::desk::Desk;
use super::fetch::{Fetched, Wanted, fetch};
use super::happening::Happening;
use crate::install::Current;
use crate::state::State;
use crate::{Error, Updater};

/// Where nothing can be started, the newest version is fetched, once and before anything else.
pub(super) async fn install(
    desk: &Desk,
    updater: Option<&Updater>,
    timeout: Option<Duration>,
    tell: Tell<'_>,
) -> Result<Current, Error> {
    let nothing = |reason: String| Error::NothingToStart {
        folder: desk.app.root().to_owned(),
        reason,
    };
    let Some(updater) = updater.filter(|_| desk.is_keeper()) else {
        return Err(nothing(
            "this launcher makes no updates, so nothing was fetched".into(),
        ));
    };
    // What is recorded is damaged: the same again, if the daemon still has it.
    let wanted = match desk.app.record() {
        Ok(Some(current)) => Wanted::Version(current.version),
        Ok(None) | Err(_) => Wanted::OfferNow,
    };
    tell(Happening::FirstInstallation);
    let fetching = async {
        let mut on_change = |state: &State| tell(Happening::Update(state.clone()));
        match fetch(updater, &wanted, &mut on_change).await {
            Err(Error::Refused(_)) if wanted != Wanted::OfferNow => {
                fetch(updater, &Wanted::OfferNow, &mut on_change).await
            }
            fetched => fetched,
        }
    };
    let fetched = match timeout {
        Some(timeout) => match tokio::time::timeout(timeout, fetching).await {
            Ok(fetched) => fetched?,
            Err(_) => return Err(nothing("it could not be fetched in time".into())),
        },
        None => fetching.await?,
    };
    match fetched {
        Fetched::Staged(_) => desk
            .next_version(None, tell)
            .ok_or_else(|| nothing("what was fetched could not be put in place".into())),
        Fetched::UpToDate => Err(nothing("nothing is published yet".into())),
        Fetched::HeldBack(held) => Err(Error::HeldBack {
            version: held.version,
            reason: held.reason,
        }),
    }
}
