//! `NAME-VERSION.release.json`: what `relctl package` writes beside a JAR, for whoever publishes or checks it.
//!
//! It says nothing of when, where and by whom it was made: the same JAR always has the same release file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checksum, Version};

/// The name of this document, in its field `schema`.
pub const SCHEMA: &str = "relctl/release/v1";

/// A packaged release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseFile {
    /// [`SCHEMA`].
    pub schema: String,
    /// What the file names begin with.
    pub name: String,
    pub version: Version,
    /// Where the version was found, such as `manifest:Implementation-Version`; `--version` when it was given.
    pub version_source: String,
    pub artifacts: Vec<ReleaseArtifact>,
}

/// A file of the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseArtifact {
    /// Its name; it lies beside the release file.
    pub file: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub sha256: Checksum,
    pub jar: JarFacts,
    /// How it was packed; absent when an existing JAR was taken as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging: Option<Packaging>,
}

/// What a JAR is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JarFacts {
    /// Folders included.
    pub entries: u64,
    pub unpacked_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main_class: Option<String>,
    /// The Java release that its classes need, those in `META-INF/versions` not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub java_release: Option<u16>,
    pub multi_release: bool,
    /// Such as `META-INF/ALIAS.SF`; whether they are right is for `jarsigner -verify` to say.
    pub signature_files: Vec<String>,
    /// The length of the script in front of an executable JAR.
    pub prefix_bytes: u64,
}

/// How a JAR was packed: the same files packed so give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Packaging {
    /// Everything that is fixed has this name.
    pub format: String,
    /// `SOURCE_DATE_EPOCH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch_seconds: Option<i64>,
    /// zlib's level; 0 when everything is stored.
    pub level: u8,
}
