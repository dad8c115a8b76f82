//! What to stage, and staging it: the daemon's offer, or the version that the user asked for.

use protocol::{Timestamp, Version};

use crate::error::blocking;
use crate::install::{HeldBack, StagedVersion};
use crate::state::State;
use crate::update::Tell;
use crate::{Error, Updater};

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What the daemon offers. A version that is held back is not taken.
    Offer,
    /// What the daemon offers, at once.
    OfferNow,
    /// This version, at once and held back or not.
    Version(Version),
}

/// What came of it.
#[derive(Debug)]
pub enum Fetched {
    /// There is nothing to install; what was staged is not offered any more and was forgotten.
    UpToDate,
    /// What is offered is held back here.
    HeldBack(HeldBack),
    /// It waits for the next start.
    Staged(StagedVersion),
}

/// Asks, fetches and stages. Nothing of the running application is touched. Call it with the folder's lock held.
///
/// # Errors
/// The daemon cannot be reached or refuses, or what it offers cannot be fetched or kept.
pub async fn fetch(updater: &Updater, wanted: &Wanted, tell: Tell<'_>) -> Result<Fetched, Error> {
    let fetched = try_fetch(updater, wanted, tell).await;
    match &fetched {
        Ok(_) => updater.app.forget_trouble(),
        Err(error) => updater.app.note_trouble(error, Timestamp::now()),
    }
    fetched
}

async fn try_fetch(updater: &Updater, wanted: &Wanted, tell: Tell<'_>) -> Result<Fetched, Error> {
    let app = &updater.app;
    let offer = match wanted {
        Wanted::Offer | Wanted::OfferNow => updater.check().await?,
        Wanted::Version(version) => Some(updater.offer(version).await?),
    };
    let waiting = app.staged_version()?;
    let Some(offer) = offer else {
        app.forget_staged()?;
        return Ok(Fetched::UpToDate);
    };
    match (updater.held_back(&offer.to)?, wanted) {
        (Some(held), Wanted::Offer | Wanted::OfferNow) => {
            app.forget_staged()?;
            return Ok(Fetched::HeldBack(held));
        }
        (Some(_), Wanted::Version(_)) | (None, _) => {}
    }
    let staged = StagedVersion {
        version: offer.to.clone(),
        checksum: offer.full.checksum,
        is_mandatory: offer.is_mandatory,
    };
    if waiting.as_ref() == Some(&staged) {
        return Ok(Fetched::Staged(staged));
    }
    // What is whole is told of once it waits in its place, so that who hears of it may rely on that.
    let mut on_the_way = |state: &State| {
        if !matches!(state, State::Staged(_)) {
            tell(state);
        }
    };
    let arrived = updater.stage(&offer, &mut on_the_way).await?;
    let (app, file, kept) = (app.clone(), arrived.file.clone(), staged.clone());
    blocking(move || app.stage(&file, &kept)).await?;
    tell(&State::Staged(arrived));
    Ok(Fetched::Staged(staged))
}
