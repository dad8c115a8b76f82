//! Names and numbers that identify something, each a type of its own that holds only valid values.
//!
//! Parsing is the one way in, so code that has a [`ClientId`] need not ask again whether it may go into a log line.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{CHANNEL_CHARS, CLIENT_ID_CHARS, PLATFORM_CHARS, USERNAME_CHARS};

/// A name that breaks its grammar; the text says which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct InvalidId {
    rule: &'static str,
}

/// Serialises as its text, parses on the way in, and offers its grammar as JSON Schema.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>); // Shared, since each session and event has copies.

        impl $name {
            /// The text as it is sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        wire_text!($name, $schema);
    };
}

/// `Display` over `as_str`, and serde and schema over `Display` and `FromStr`.
macro_rules! wire_text {
    ($name:ident, $schema:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str().as_ref())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str().as_ref())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}

text_id!(
    /// A release channel: `[a-z0-9][a-z0-9-]{0,31}` (contract section 3).
    Channel,
    schemars::json_schema!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$" })
);

impl Channel {
    /// The channel that a client is subscribed to when it names none.
    #[must_use]
    pub fn stable() -> Self {
        Self("stable".into())
    }

    fn check(text: &str) -> Result<(), InvalidId> {
        let well_formed = (1..=CHANNEL_CHARS).contains(&text.len())
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let rule = "expected a channel name: 1 to 32 of a-z, 0-9 and '-', not starting with '-'";
        if well_formed {
            Ok(())
        } else {
            Err(InvalidId { rule })
        }
    }
}

text_id!(
    /// An installed desktop application: 1 to 128 of `[A-Za-z0-9._:-]` (contract section 7).
    ClientId,
    schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$" })
);

impl ClientId {
    fn check(text: &str) -> Result<(), InvalidId> {
        let well_formed = (1..=CLIENT_ID_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
        let rule = "expected a client id: 1 to 128 of A-Z, a-z, 0-9, '.', '_', ':' and '-'";
        if well_formed {
            Ok(())
        } else {
            Err(InvalidId { rule })
        }
    }
}

text_id!(
    /// A user of the daemon, the `sub` of a token: 1 to 128 of `[A-Za-z0-9._@+-]`, starting with a letter or digit.
    Username,
    schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$" })
);

impl Username {
    fn check(text: &str) -> Result<(), InvalidId> {
        let well_formed = (1..=USERNAME_CHARS).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
        let rule = "expected a user name: 1 to 128 of A-Z, a-z, 0-9, '.', '_', '@', '+' and '-', starting with a letter or digit";
        if well_formed {
            Ok(())
        } else {
            Err(InvalidId { rule })
        }
    }
}

/// Whether every character may be shown as it is: no controls, line separators, or characters that turn or hide text.
#[must_use]
pub fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
    })
}

fn check_printable(text: &str) -> Result<(), InvalidId> {
    let rule = "expected 1 to 64 printable characters";
    let well_formed = (1..=PLATFORM_CHARS).contains(&text.chars().count()) && is_printable(text);
    if well_formed {
        Ok(())
    } else {
        Err(InvalidId { rule })
    }
}

text_id!(
    /// What a client runs on, such as `windows`: 1 to 64 printable characters (contract section 7).
    Platform,
    schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": PLATFORM_CHARS })
);

impl Platform {
    fn check(text: &str) -> Result<(), InvalidId> {
        check_printable(text)
    }
}

text_id!(
    /// The processor of a client, such as `x64`: 1 to 64 printable characters (contract section 7).
    Architecture,
    schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": PLATFORM_CHARS })
);

impl Architecture {
    fn check(text: &str) -> Result<(), InvalidId> {
        check_printable(text)
    }
}

/// A random or time-ordered UUID (RFC 9562) under a name of its own.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $make:ident, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new one that was never used before.
            #[must_use]
            pub fn generate() -> Self {
                Self(uuid::Uuid::$make())
            }

            /// The 36 characters that are sent.
            #[must_use]
            pub fn as_str(&self) -> String {
                self.0.to_string()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the hyphenated form: other spellings of the same id would be other keys.
                let rule = $rule;
                if text.len() != 36 {
                    return Err(InvalidId { rule });
                }
                uuid::Uuid::try_parse(text).map(Self).map_err(|_| InvalidId { rule })
            }
        }

        wire_text!($name, schemars::json_schema!({ "type": "string", "format": "uuid" }));
    };
}

uuid_id!(
    /// A release, for ever; its version number identifies it as well.
    ReleaseId,
    now_v7,
    "expected a release id: a UUID of 36 characters"
);
uuid_id!(
    /// One WebSocket or SockJS connection. Random, so that nobody guesses another's.
    SessionId,
    new_v4,
    "expected a session id: a UUID of 36 characters"
);
uuid_id!(
    /// An upload that goes on where it was cut. Random, like everything that only its owner should name.
    UploadId,
    new_v4,
    "expected an upload id: a UUID of 36 characters"
);
uuid_id!(
    /// A token that the daemon issued, its `jti` claim; revoking names it.
    TokenId,
    now_v7,
    "expected a token id: a UUID of 36 characters"
);

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// From the 32 bytes that the hash function gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
    }
}

impl FromStr for Checksum {
    type Err = InvalidId;

    /// Upper-case digits are read as well, since some tools print them.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; 32];
        let rule = "expected a SHA-256: 64 hexadecimal digits";
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidId { rule })?;
        Ok(Self(bytes))
    }
}

wire_text!(
    Checksum,
    schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_follow_their_grammar() {
        for good in ["stable", "beta", "0", "a-b", &"x".repeat(32)] {
            assert!(good.parse::<Channel>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "Stable", "prod/../x", "a_b", "é", &"x".repeat(33)] {
            assert!(bad.parse::<Channel>().is_err(), "{bad}");
        }
    }

    #[test]
    fn client_ids_follow_their_grammar() {
        for good in ["desktop-client-123", "a", "A.b_c:d-e", &"x".repeat(128)] {
            assert!(good.parse::<ClientId>().is_ok(), "{good}");
        }
        for bad in ["", "../x", "a b", "a\r\nb", "\u{202E}x", &"x".repeat(129)] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn platforms_may_hold_spaces_but_nothing_that_hides() {
        for good in ["windows", "Linux x86_64", "Maß"] {
            assert!(good.parse::<Platform>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a\u{1b}[31m",
            "a\nb",
            "a\u{202E}b",
            "a\u{2028}b",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<Platform>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_checksum_is_read_and_written_as_sha256sum_prints_it() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text.parse::<Checksum>().unwrap().to_string(), text);
        assert!("e3b0".parse::<Checksum>().is_err());
    }

    #[test]
    fn a_uuid_has_one_spelling() {
        let id = ReleaseId::generate();
        assert_eq!(id.to_string().parse::<ReleaseId>().unwrap(), id);
        assert!(
            id.to_string()
                .replace('-', "")
                .parse::<ReleaseId>()
                .is_err()
        );
    }
}
