//! The fields of a create: each is understood when it arrives.

use protocol::limits::RELEASE_NOTES_BYTES;
use protocol::{Channel, Checksum, Platform, Version};

use crate::config::Channels;
use crate::error::ApiError;

/// More platforms than exist.
const PLATFORMS_MAX: usize = 64;

/// A detached signature of any scheme, in text; minisign's have 300 bytes, PGP's 1 KiB.
const SIGNATURE_BYTES: usize = 16 * 1024;

/// The fields of a create, each checked when it was set.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFields {
    pub(super) version: Option<Version>,
    pub(super) channel: Option<Channel>,
    pub(super) is_mandatory: Option<bool>,
    pub(super) release_notes: Option<String>,
    pub(super) minimum_client_version: Option<Version>,
    pub(super) checksum: Option<Checksum>,
    pub(super) is_draft: Option<bool>,
    pub(super) rollout_percentage: Option<u8>,
    pub(super) platforms: Option<Vec<Platform>>,
    pub(super) signature: Option<String>,
    pub(super) allow_older: Option<bool>,
}

impl ReleaseFields {
    /// Takes one field of the form. Unknown ones are passed over.
    ///
    /// # Errors
    /// `INVALID_VERSION` or `INVALID_REQUEST`, naming the field.
    pub fn set(&mut self, channels: &Channels, name: &str, text: String) -> Result<(), ApiError> {
        match name {
            "versionNumber" => self.version = Some(version(name, &text)?),
            "minimumClientVersion" => self.minimum_client_version = Some(version(name, &text)?),
            "releaseChannel" => self.channel = Some(known_channel(channels, &text)?),
            "isMandatory" => self.is_mandatory = Some(flag(name, &text)?),
            "draft" => self.is_draft = Some(flag(name, &text)?),
            "allowOlder" => self.allow_older = Some(flag(name, &text)?),
            "releaseNotes" => self.release_notes = Some(notes(text)?),
            "checksum" => self.checksum = Some(parsed(name, &text)?),
            "rolloutPercentage" => self.rollout_percentage = Some(percentage(name, &text)?),
            "platforms" => self.platforms = Some(platforms(&text)?),
            "signature" => self.signature = signature(text)?,
            _ => {}
        }
        Ok(())
    }

    /// What can be said before the file is stored: whether fields that are there go together.
    ///
    /// # Errors
    /// `INVALID_REQUEST`.
    pub fn check(&self) -> Result<(), ApiError> {
        if let (Some(version), Some(minimum)) = (&self.version, &self.minimum_client_version)
            && minimum.is_newer_than(version)
        {
            let problem = format!("{minimum} is above the version itself, {version}");
            return Err(ApiError::invalid_field("minimumClientVersion", problem));
        }
        Ok(())
    }

    /// What the publisher states the file's SHA-256 to be.
    #[must_use]
    pub fn checksum(&self) -> Option<Checksum> {
        self.checksum
    }
}

fn version(field: &str, text: &str) -> Result<Version, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid_version(field, error))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: &str,
) -> Result<T, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid_field(field, error))
}

fn known_channel(channels: &Channels, text: &str) -> Result<Channel, ApiError> {
    let channel: Channel = parsed("releaseChannel", text)?;
    if channels.contains(&channel) {
        return Ok(channel);
    }
    let known: Vec<&str> = channels.as_slice().iter().map(Channel::as_str).collect();
    let problem = format!(
        "there is no channel {channel}; this daemon has {}",
        known.join(", ")
    );
    Err(ApiError::invalid_field("releaseChannel", problem))
}

fn flag(field: &str, text: &str) -> Result<bool, ApiError> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ApiError::invalid_field(field, "expected true or false")),
    }
}

fn percentage(field: &str, text: &str) -> Result<u8, ApiError> {
    let number = text.parse::<u8>().ok().filter(|number| *number <= 100);
    number.ok_or_else(|| ApiError::invalid_field(field, "expected a whole number from 0 to 100"))
}

fn notes(text: String) -> Result<String, ApiError> {
    if text.len() > RELEASE_NOTES_BYTES {
        let problem = format!(
            "{} bytes are over the limit of {RELEASE_NOTES_BYTES}",
            text.len()
        );
        return Err(ApiError::invalid_field("releaseNotes", problem));
    }
    // Notes have lines and any script, but nothing that a terminal obeys.
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(ApiError::invalid_field(
            "releaseNotes",
            "control characters are not allowed",
        ));
    }
    Ok(text)
}

fn platforms(text: &str) -> Result<Vec<Platform>, ApiError> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let mut platforms: Vec<Platform> = names
        .map(|name| parsed("platforms", name))
        .collect::<Result<_, _>>()?;
    platforms.sort();
    platforms.dedup();
    if platforms.len() > PLATFORMS_MAX {
        return Err(ApiError::invalid_field(
            "platforms",
            format!("more than {PLATFORMS_MAX}"),
        ));
    }
    Ok(platforms)
}

fn signature(text: String) -> Result<Option<String>, ApiError> {
    if text.len() > SIGNATURE_BYTES {
        let problem = format!(
            "{} bytes are over the limit of {SIGNATURE_BYTES}",
            text.len()
        );
        return Err(ApiError::invalid_field("signature", problem));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}
