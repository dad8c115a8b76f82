//! What can be set, from where, and what holds otherwise.
//!
//! A flag wins over the environment, that over the file, that over the default. [`keys::KEYS`] is the table of all
//! keys; this module turns their texts into values and refuses what is unknown or unsafe, naming source, key and
//! reason, so that the daemon never runs with less protection than its operator believes.

pub mod args;
pub mod channels;
mod error;
pub mod given;
pub mod keys;
pub mod report;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use channels::Channels;
pub use error::ConfigError;
pub use given::{Given, Origin};

/// All settings of a daemon, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `listen`: where to accept connections.
    pub listen: SocketAddr,
    /// `data-dir`: the folder that holds everything.
    pub data_dir: PathBuf,
    /// `channels`, with the built-in ones before them.
    pub channels: Channels,
    /// `shutdown-grace`.
    pub shutdown_grace: Duration,
    /// `websocket.…`
    pub websocket: Websocket,
    /// `sockjs.…`
    pub sockjs: Sockjs,
    /// `limits.…`
    pub limits: Limits,
    /// `deltas.…`
    pub deltas: Deltas,
    /// `cors.…`
    pub cors: Cors,
    /// `jwt.…`
    pub jwt: Jwt,
    /// `log.…`
    pub log: Log,
}

/// Settings of live sessions.
#[derive(Clone, Debug)]
pub struct Websocket {
    /// `websocket.heartbeat-interval`.
    pub heartbeat_interval: Duration,
    /// `websocket.connection-timeout`.
    pub connection_timeout: Duration,
    /// `websocket.max-message-bytes`.
    pub max_message_bytes: usize,
}

/// Settings of the sessions of browsers without WebSockets.
#[derive(Clone, Debug)]
pub struct Sockjs {
    /// `sockjs.iframe-and-jsonp`.
    pub iframe_and_jsonp: bool,
    /// `sockjs.client-url`.
    pub client_url: String,
}

/// How much may be asked for. 0 means no limit, where it is no time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `limits.connections-per-minute`.
    pub connections_per_minute: u32,
    /// `limits.messages-per-minute`.
    pub messages_per_minute: u32,
    /// `limits.concurrent-downloads`.
    pub concurrent_downloads: u32,
    /// `limits.download-bytes-per-second-per-client`.
    pub download_bytes_per_second_per_client: u64,
    /// `limits.download-bytes-per-second`.
    pub download_bytes_per_second: u64,
    /// `limits.download-stall-timeout`.
    pub download_stall_timeout: Duration,
    /// `limits.max-upload-bytes`.
    pub max_upload_bytes: u64,
    /// `limits.unfinished-uploads`.
    pub unfinished_uploads: u32,
    /// `limits.upload-expiry`.
    pub upload_expiry: Duration,
}

/// What the daemon does about deltas by itself.
#[derive(Clone, Debug)]
pub struct Deltas {
    /// `deltas.build`.
    pub build: DeltaBuild,
}

/// When the daemon builds deltas that nobody uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaBuild {
    /// When a release is offered, and what is missing at start.
    OnPublish,
    /// Never: `relctl publish` makes them where the release is made, which costs the server nothing.
    Off,
}

/// Which web pages may use the API.
#[derive(Clone, Debug)]
pub struct Cors {
    /// `cors.allowed-origins`, each as `scheme://host[:port]` in lower case.
    pub allowed_origins: Vec<String>,
}

/// How tokens are checked.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// `jwt.algorithm`.
    pub algorithm: JwtAlgorithm,
    /// `jwt.secret-file`; `None` is `jwt.secret` in the data folder.
    pub secret_file: Option<PathBuf>,
    /// `jwt.public-key-file`.
    pub public_key_file: Option<PathBuf>,
    /// `jwt.jwks-file`.
    pub jwks_file: Option<PathBuf>,
    /// `jwt.issuer`.
    pub issuer: Option<String>,
    /// `jwt.audience`.
    pub audience: Option<String>,
}

/// The one algorithm that tokens of this daemon use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// A shared secret; the daemon issues tokens itself.
    Hs256,
    /// RSA; somebody else issues the tokens.
    Rs256,
    /// ECDSA over P-256; somebody else issues the tokens.
    Es256,
    /// Ed25519; somebody else issues the tokens.
    EdDsa,
}

/// How the log looks.
#[derive(Clone, Debug)]
pub struct Log {
    /// `log.format`.
    pub format: LogFormat,
    /// `log.level`: a level or a filter.
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Settings in which nothing was given but the data folder; tests start from here.
    #[must_use]
    pub fn with_defaults(data_dir: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            data_dir,
            channels: Channels::default(),
            shutdown_grace: Duration::from_secs(30),
            websocket: Websocket {
                heartbeat_interval: protocol::limits::HEARTBEAT_INTERVAL,
                connection_timeout: protocol::limits::CONNECTION_TIMEOUT,
                max_message_bytes: protocol::limits::MESSAGE_BYTES,
            },
            sockjs: Sockjs {
                iframe_and_jsonp: true,
                client_url: "/sockjs.min.js".into(),
            },
            limits: Limits {
                connections_per_minute: 10,
                messages_per_minute: 300,
                concurrent_downloads: 3,
                download_bytes_per_second_per_client: 0,
                download_bytes_per_second: 0,
                download_stall_timeout: Duration::from_secs(60),
                max_upload_bytes: 512 * 1024 * 1024,
                unfinished_uploads: 20,
                upload_expiry: Duration::from_secs(24 * 3600),
            },
            deltas: Deltas {
                build: DeltaBuild::Off,
            },
            cors: Cors {
                allowed_origins: Vec::new(),
            },
            jwt: Jwt {
                algorithm: JwtAlgorithm::Hs256,
                secret_file: None,
                public_key_file: None,
                jwks_file: None,
                issuer: None,
                audience: None,
            },
            log: Log {
                format: LogFormat::Text,
                level: "info".into(),
            },
        }
    }

    /// Understands what was given.
    ///
    /// # Errors
    /// A value is not what its key takes, or two do not go together.
    pub fn from_given(given: &Given) -> Result<Self, ConfigError> {
        let mut config = Self::with_defaults(PathBuf::from("relctl-data"));
        let read = values::Reader(given);
        read.one("listen", &mut config.listen, values::address)?;
        read.one("data-dir", &mut config.data_dir, values::path)?;
        let mut extra = Vec::new();
        read.list("channels", &mut extra, values::channel)?;
        config.channels = Channels::with_extra(extra);
        read.one(
            "shutdown-grace",
            &mut config.shutdown_grace,
            values::duration,
        )?;
        let websocket = &mut config.websocket;
        read.one(
            "websocket.heartbeat-interval",
            &mut websocket.heartbeat_interval,
            values::period,
        )?;
        read.one(
            "websocket.connection-timeout",
            &mut websocket.connection_timeout,
            values::period,
        )?;
        read.one(
            "websocket.max-message-bytes",
            &mut websocket.max_message_bytes,
            values::message_bytes,
        )?;
        let sockjs = &mut config.sockjs;
        read.one(
            "sockjs.iframe-and-jsonp",
            &mut sockjs.iframe_and_jsonp,
            values::switch,
        )?;
        read.one(
            "sockjs.client-url",
            &mut sockjs.client_url,
            values::script_url,
        )?;
        let limits = &mut config.limits;
        read.one(
            "limits.connections-per-minute",
            &mut limits.connections_per_minute,
            values::number,
        )?;
        read.one(
            "limits.messages-per-minute",
            &mut limits.messages_per_minute,
            values::number,
        )?;
        read.one(
            "limits.concurrent-downloads",
            &mut limits.concurrent_downloads,
            values::number,
        )?;
        read.one(
            "limits.download-bytes-per-second-per-client",
            &mut limits.download_bytes_per_second_per_client,
            values::bytes_per_second,
        )?;
        read.one(
            "limits.download-bytes-per-second",
            &mut limits.download_bytes_per_second,
            values::bytes_per_second,
        )?;
        read.one(
            "limits.download-stall-timeout",
            &mut limits.download_stall_timeout,
            values::period,
        )?;
        read.one(
            "limits.max-upload-bytes",
            &mut limits.max_upload_bytes,
            values::number,
        )?;
        read.one(
            "limits.unfinished-uploads",
            &mut limits.unfinished_uploads,
            values::number,
        )?;
        read.one(
            "limits.upload-expiry",
            &mut limits.upload_expiry,
            values::period,
        )?;
        read.one(
            "deltas.build",
            &mut config.deltas.build,
            values::delta_build,
        )?;
        read.list(
            "cors.allowed-origins",
            &mut config.cors.allowed_origins,
            values::origin,
        )?;
        let jwt = &mut config.jwt;
        read.one("jwt.algorithm", &mut jwt.algorithm, values::algorithm)?;
        read.one(
            "jwt.secret-file",
            &mut jwt.secret_file,
            values::optional_path,
        )?;
        read.one(
            "jwt.public-key-file",
            &mut jwt.public_key_file,
            values::optional_path,
        )?;
        read.one("jwt.jwks-file", &mut jwt.jwks_file, values::optional_path)?;
        read.one("jwt.issuer", &mut jwt.issuer, values::optional_text)?;
        read.one("jwt.audience", &mut jwt.audience, values::optional_text)?;
        read.one("log.format", &mut config.log.format, values::log_format)?;
        read.one("log.level", &mut config.log.level, values::log_level)?;
        config.check_together(given)?;
        Ok(config)
    }

    fn check_together(&self, given: &Given) -> Result<(), ConfigError> {
        let Jwt {
            algorithm,
            secret_file,
            public_key_file,
            jwks_file,
            ..
        } = &self.jwt;
        let name = algorithm.name();
        let refused = |key, reason| {
            let origin = given.0.get(key).map(|(_, origin)| origin.clone());
            Err(ConfigError::Together {
                key,
                origin,
                reason,
            })
        };
        if *algorithm == JwtAlgorithm::Hs256 {
            let key = match (public_key_file, jwks_file) {
                (Some(_), _) => "jwt.public-key-file",
                (None, Some(_)) => "jwt.jwks-file",
                (None, None) => return Ok(()),
            };
            return refused(
                key,
                "it has no meaning with jwt.algorithm HS256; set RS256, ES256 or EdDSA".into(),
            );
        }
        if secret_file.is_some() {
            return refused(
                "jwt.secret-file",
                format!("it has no meaning with jwt.algorithm {name}"),
            );
        }
        match (public_key_file, jwks_file) {
            (None, None) => refused(
                "jwt.algorithm",
                format!(
                    "{name} needs the public key of who issues the tokens; set jwt.public-key-file (PEM) or jwt.jwks-file"
                ),
            ),
            (Some(_), Some(_)) => refused(
                "jwt.jwks-file",
                "set it or jwt.public-key-file, not both".into(),
            ),
            (Some(_), None) | (None, Some(_)) => Ok(()),
        }
    }
}

impl JwtAlgorithm {
    /// Its name in a token's header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl DeltaBuild {
    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnPublish => "on-publish",
            Self::Off => "off",
        }
    }
}

impl LogFormat {
    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

#[cfg(test)]
mod tests;
