//! Why a configuration is refused, in one line that names source, key and reason.

use std::path::PathBuf;

use super::Origin;

/// Why the configuration was refused. The message is one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file as a whole.
    #[error("cannot read the configuration file {}: {reason}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Not TOML.
    #[error("{origin}: {reason}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// Why.
        reason: String,
    },
    /// No key is called so.
    #[error("{origin}: there is no key {key:?}{}", did_you_mean(*nearest))]
    UnknownKey {
        /// What was written.
        key: String,
        /// Where.
        origin: Origin,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A value that the key does not take.
    #[error("{origin}: {key}: {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// Where.
        origin: Origin,
        /// Why.
        reason: String,
    },
    /// Values that are fine alone and not together.
    #[error("{}{key}: {reason}", before(origin.as_ref()))]
    Together {
        /// Which key.
        key: &'static str,
        /// Where it was set.
        origin: Option<Origin>,
        /// Why.
        reason: String,
    },
}

fn before(origin: Option<&Origin>) -> String {
    origin.map_or_else(String::new, |origin| format!("{origin}: "))
}

fn did_you_mean(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}
