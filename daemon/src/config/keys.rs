//! The table of configuration keys: name, flag, environment variable, default, meaning.
//!
//! The table is the one place that lists them. The command line, the file, `check-config` and the sample file are
//! read against it, so none of them can know a key that the others do not.

/// One thing that can be set.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file; what stands before the dot is the table.
    pub name: &'static str,
    /// Its flag, without the dashes.
    pub flag: &'static str,
    /// Its environment variable.
    pub env: &'static str,
    /// How a value looks, for the help text.
    pub value: &'static str,
    /// What holds when nothing is set; empty where that is "nothing".
    pub default: &'static str,
    /// What it does, with its unit.
    pub about: &'static str,
    /// Whether the short help shows its flag.
    pub common: bool,
}

macro_rules! keys {
    ($($common:ident $name:literal $flag:literal $env:literal $value:literal = $default:literal : $about:literal;)*) => {
        /// Every key, in the order of the sample file.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name,
            flag: $flag,
            env: $env,
            value: $value,
            default: $default,
            about: $about,
            common: is_common(stringify!($common)),
        }),*];
    };
}

const fn is_common(word: &str) -> bool {
    matches!(word.as_bytes(), b"common")
}

keys! {
    common "listen" "listen" "RELCTLD_LISTEN" "ADDR:PORT" = "127.0.0.1:8081":
        "Where to accept connections; port 0 takes any free port";
    common "data-dir" "data-dir" "RELCTLD_DATA_DIR" "DIR" = "relctl-data":
        "Folder of the releases, the journal and the secrets; created when it is not there";
    rare "channels" "channels" "RELCTLD_CHANNELS" "NAME,NAME" = "":
        "Channels beside stable, beta and alpha, each less stable than the one before it";
    rare "shutdown-grace" "shutdown-grace" "RELCTLD_SHUTDOWN_GRACE" "MS|30s" = "30000":
        "How long running downloads and uploads may go on after SIGTERM, in milliseconds or as 30s, 2m";
    rare "websocket.heartbeat-interval" "websocket-heartbeat-interval" "RELCTLD_WEBSOCKET_HEARTBEAT_INTERVAL" "MS|30s" = "30000":
        "How often a session gets a HEARTBEAT, in milliseconds";
    rare "websocket.connection-timeout" "websocket-connection-timeout" "RELCTLD_WEBSOCKET_CONNECTION_TIMEOUT" "MS|5m" = "300000":
        "A session from which nothing was heard for so long ends, in milliseconds";
    rare "websocket.max-message-bytes" "websocket-max-message-bytes" "RELCTLD_WEBSOCKET_MAX_MESSAGE_BYTES" "BYTES" = "65536":
        "The largest message that a session may send, in bytes";
    rare "sockjs.iframe-and-jsonp" "sockjs-iframe-and-jsonp" "RELCTLD_SOCKJS_IFRAME_AND_JSONP" "true|false" = "true":
        "Whether to offer the SockJS transports by which any page can come that has a token: iframe, htmlfile and jsonp";
    rare "sockjs.client-url" "sockjs-client-url" "RELCTLD_SOCKJS_CLIENT_URL" "URL" = "/sockjs.min.js":
        "Script of the iframe page: the sockjs-client that the pages use, of exactly their version, which you have to host";
    rare "limits.connections-per-minute" "limits-connections-per-minute" "RELCTLD_LIMITS_CONNECTIONS_PER_MINUTE" "N" = "10":
        "New sessions of one client in a minute; 0 switches the limit off";
    rare "limits.messages-per-minute" "limits-messages-per-minute" "RELCTLD_LIMITS_MESSAGES_PER_MINUTE" "N" = "300":
        "Messages of one client in a minute; 0 switches the limit off";
    rare "limits.concurrent-downloads" "limits-concurrent-downloads" "RELCTLD_LIMITS_CONCURRENT_DOWNLOADS" "N" = "3":
        "Downloads of one client at the same time; 0 switches the limit off";
    rare "limits.download-bytes-per-second-per-client" "limits-download-bytes-per-second-per-client" "RELCTLD_LIMITS_DOWNLOAD_BYTES_PER_SECOND_PER_CLIENT" "BYTES" = "0":
        "How fast the downloads of one client together may be, in bytes a second, at least 1024; 0 switches the limit off";
    rare "limits.download-bytes-per-second" "limits-download-bytes-per-second" "RELCTLD_LIMITS_DOWNLOAD_BYTES_PER_SECOND" "BYTES" = "0":
        "How fast all downloads together may be, in bytes a second, at least 1024, with equal shares for the clients; 0 switches the limit off";
    rare "limits.download-stall-timeout" "limits-download-stall-timeout" "RELCTLD_LIMITS_DOWNLOAD_STALL_TIMEOUT" "MS|1m" = "60000":
        "An answer of which the client takes no byte for so long is broken off, in milliseconds";
    rare "limits.max-upload-bytes" "limits-max-upload-bytes" "RELCTLD_LIMITS_MAX_UPLOAD_BYTES" "BYTES" = "536870912":
        "The largest file of a release or delta, in bytes; 0 switches the limit off";
    rare "limits.unfinished-uploads" "limits-unfinished-uploads" "RELCTLD_LIMITS_UNFINISHED_UPLOADS" "N" = "20":
        "Uploads that one user may have begun and not yet used; 0 switches the limit off";
    rare "limits.upload-expiry" "limits-upload-expiry" "RELCTLD_LIMITS_UPLOAD_EXPIRY" "MS|24h" = "86400000":
        "An upload to which nothing was added for so long is removed, in milliseconds or as 30m, 24h";
    rare "deltas.build" "deltas-build" "RELCTLD_DELTAS_BUILD" "on-publish|off" = "off":
        "Whether the daemon itself builds the deltas that offered releases lack, in the background: on-publish or off; off, because relctl publish makes them where the release is made, and a build takes memory of several releases";
    common "cors.allowed-origins" "cors-allowed-origins" "RELCTLD_CORS_ALLOWED_ORIGINS" "URL,URL" = "":
        "Origins of web pages that may use the API, such as https://admin.example.com; compared exactly";
    rare "jwt.algorithm" "jwt-algorithm" "RELCTLD_JWT_ALGORITHM" "NAME" = "HS256":
        "The one algorithm of tokens: HS256 with a secret, or RS256, ES256, EdDSA with a public key";
    rare "jwt.secret-file" "jwt-secret-file" "RELCTLD_JWT_SECRET_FILE" "FILE" = "":
        "Secret for HS256, at least 32 bytes, mode 0600; jwt.secret in the data folder when not set";
    rare "jwt.public-key-file" "jwt-public-key-file" "RELCTLD_JWT_PUBLIC_KEY_FILE" "FILE" = "":
        "Public key (PEM) of who issues the tokens, for RS256, ES256 and EdDSA";
    rare "jwt.jwks-file" "jwt-jwks-file" "RELCTLD_JWT_JWKS_FILE" "FILE" = "":
        "Public keys (JWKS) of who issues the tokens, in place of jwt.public-key-file";
    rare "jwt.issuer" "jwt-issuer" "RELCTLD_JWT_ISSUER" "TEXT" = "":
        "When set, tokens need this iss";
    rare "jwt.audience" "jwt-audience" "RELCTLD_JWT_AUDIENCE" "TEXT" = "":
        "When set, tokens need this aud; when not, tokens with an aud are refused";
    common "log.format" "log-format" "RELCTLD_LOG_FORMAT" "text|json" = "text":
        "How log lines look";
    common "log.level" "log-level" "RELCTLD_LOG_LEVEL" "LEVEL" = "info":
        "error, warn, info, debug, trace, or a filter such as info,daemon=debug";
}

/// The key of a name in the file.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name that is most like an unknown one, when one is near.
#[must_use]
pub fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (edit_distance(unknown, name), name))
        .filter(|(distance, name)| *distance <= 2 + name.len() / 8)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance, over bytes.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, r) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(l != r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_variables_follow_from_the_names() {
        for key in KEYS {
            assert_eq!(key.flag, key.name.replace('.', "-"));
            let variable = key.flag.replace('-', "_").to_uppercase();
            assert_eq!(key.env, format!("RELCTLD_{variable}"));
        }
    }

    #[test]
    fn a_slip_of_the_finger_leads_to_the_right_key() {
        let names = || KEYS.iter().map(|key| key.name);
        assert_eq!(nearest("lisen", names()), Some("listen"));
        assert_eq!(
            nearest("cors.allowed-origin", names()),
            Some("cors.allowed-origins")
        );
        assert_eq!(nearest("colour-of-the-sky", names()), None);
    }
}
