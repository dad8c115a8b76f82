//! What `check-config` prints: each key with its value and where that comes from.

use std::fmt::Write;

use super::keys::KEYS;
use super::{Config, Given};

/// The settings that hold, as a TOML file with comments. There is nothing secret in them, only names of files.
#[must_use]
pub fn effective(config: &Config, given: &Given) -> String {
    let mut text = String::new();
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if table != section {
            section = table;
            let _ = writeln!(text, "\n[{table}]");
        }
        let origin = given
            .0
            .get(key.name)
            .map_or_else(|| "default".to_owned(), |(_, origin)| origin.to_string());
        let _ = match value(config, key.name) {
            Some(value) => writeln!(text, "{name} = {value} # {origin}"),
            None => writeln!(text, "# {name} is not set"),
        };
    }
    text
}

/// The value as TOML; `None` where nothing is set.
fn value(config: &Config, key: &str) -> Option<String> {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let list = |texts: Vec<&str>| toml::Value::from(texts).to_string();
    let Config {
        listen,
        data_dir,
        channels,
        shutdown_grace,
        websocket,
        sockjs,
        limits,
        deltas,
        cors,
        jwt,
        log,
    } = config;
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| quoted(&path.to_string_lossy()))
    };
    match key {
        "listen" => Some(quoted(&listen.to_string())),
        "data-dir" => Some(quoted(&data_dir.to_string_lossy())),
        "channels" => Some(list(
            channels
                .extra()
                .iter()
                .map(protocol::Channel::as_str)
                .collect(),
        )),
        "shutdown-grace" => Some(shutdown_grace.as_millis().to_string()),
        "websocket.heartbeat-interval" => {
            Some(websocket.heartbeat_interval.as_millis().to_string())
        }
        "websocket.connection-timeout" => {
            Some(websocket.connection_timeout.as_millis().to_string())
        }
        "websocket.max-message-bytes" => Some(websocket.max_message_bytes.to_string()),
        "sockjs.iframe-and-jsonp" => Some(sockjs.iframe_and_jsonp.to_string()),
        "sockjs.client-url" => Some(quoted(&sockjs.client_url)),
        "limits.connections-per-minute" => Some(limits.connections_per_minute.to_string()),
        "limits.messages-per-minute" => Some(limits.messages_per_minute.to_string()),
        "limits.concurrent-downloads" => Some(limits.concurrent_downloads.to_string()),
        "limits.download-bytes-per-second-per-client" => {
            Some(limits.download_bytes_per_second_per_client.to_string())
        }
        "limits.download-bytes-per-second" => Some(limits.download_bytes_per_second.to_string()),
        "limits.download-stall-timeout" => {
            Some(limits.download_stall_timeout.as_millis().to_string())
        }
        "limits.max-upload-bytes" => Some(limits.max_upload_bytes.to_string()),
        "limits.unfinished-uploads" => Some(limits.unfinished_uploads.to_string()),
        "limits.upload-expiry" => Some(limits.upload_expiry.as_millis().to_string()),
        "deltas.build" => Some(quoted(deltas.build.name())),
        "cors.allowed-origins" => Some(list(
            cors.allowed_origins.iter().map(String::as_str).collect(),
        )),
        "jwt.algorithm" => Some(quoted(jwt.algorithm.name())),
        "jwt.secret-file" => path(&jwt.secret_file),
        "jwt.public-key-file" => path(&jwt.public_key_file),
        "jwt.jwks-file" => path(&jwt.jwks_file),
        "jwt.issuer" => jwt.issuer.as_deref().map(quoted),
        "jwt.audience" => jwt.audience.as_deref().map(quoted),
        "log.format" => Some(quoted(log.format.name())),
        "log.level" => Some(quoted(&log.level)),
        _ => None,
    }
}
