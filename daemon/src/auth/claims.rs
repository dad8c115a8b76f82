//! The text of a token: three parts, a header and claims, read strictly.
//!
//! A field that is there twice is refused, because two readers could see two different tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use protocol::api::Role;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::AuthError;

/// A token cut at its two dots.
pub(super) struct Parts<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// What the signature is over: header, dot, payload.
    pub(super) signed: &'a str,
}

pub(super) fn split(token: &str) -> Result<Parts<'_>, AuthError> {
    let three_parts = || AuthError::Malformed("expected three parts with dots between them");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(three_parts)?;
    let (header, payload) = signed.split_once('.').ok_or_else(three_parts)?;
    if payload.contains('.') || header.is_empty() || payload.is_empty() {
        return Err(three_parts());
    }
    Ok(Parts {
        header,
        payload,
        signature,
        signed,
    })
}

pub(super) struct Header {
    pub(super) algorithm: String,
    pub(super) has_critical: bool,
    pub(super) key_id: Option<String>,
}

pub(super) fn header(part: &str) -> Result<Header, AuthError> {
    /// Keys and places of keys (`jku`, `jwk`, `x5u`, …) are not read at all.
    #[derive(Deserialize)]
    struct Raw {
        alg: String,
        #[serde(default, deserialize_with = "presence")]
        crit: bool,
        #[serde(default)]
        kid: Option<String>,
    }
    let bytes = decode(part)?;
    let raw: Raw = serde_json::from_slice(&bytes)
        .map_err(|_| AuthError::Malformed("the header is no JSON object with one alg"))?;
    Ok(Header {
        algorithm: raw.alg,
        has_critical: raw.crit,
        key_id: raw.kid,
    })
}

fn presence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The claims that count here. Others are ignored; `userId` is only for the issuer.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    /// Seconds; RFC 7519 allows fractions.
    pub(super) exp: f64,
    #[serde(default)]
    pub(super) nbf: Option<f64>,
    #[serde(default)]
    pub(super) iat: Option<f64>,
    #[serde(default)]
    pub(super) iss: Option<String>,
    #[serde(default)]
    pub(super) aud: Option<OneOrMany>,
    #[serde(default)]
    pub(super) jti: Option<String>,
    #[serde(default)]
    role: Option<OneOrMany>,
    #[serde(default)]
    roles: Option<OneOrMany>,
}

impl Claims {
    /// The highest role that the claims name. A claim that names none that we know allows the least.
    pub(super) fn most_allowed(&self) -> Option<Role> {
        let claimed = |claim: &OneOrMany| {
            let known = claim.0.iter().filter_map(|name| Role::from_name(name));
            known.max().unwrap_or(Role::User)
        };
        let of_role = self.role.as_ref().map(claimed);
        let of_roles = self.roles.as_ref().map(claimed);
        match (of_role, of_roles) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

pub(super) fn payload(part: &str) -> Result<Claims, AuthError> {
    let bytes = decode(part)?;
    let claims: Claims = serde_json::from_slice(&bytes).map_err(|_| {
        AuthError::Malformed("sub and exp are required, and each claim has one value of its type")
    })?;
    if claims
        .jti
        .as_ref()
        .is_some_and(|jti| jti.is_empty() || jti.len() > super::JTI_BYTES)
    {
        return Err(AuthError::Malformed("jti has 1 to 256 characters"));
    }
    Ok(claims)
}

/// The bytes of a JSON object.
fn decode(part: &str) -> Result<Vec<u8>, AuthError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| AuthError::Malformed("a part is not base64url without padding"))?;
    // The derived readers below would take a list for a struct as well.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(AuthError::Malformed("header and claims are JSON objects"));
    }
    Ok(bytes)
}

pub(super) fn sign(
    payload: &serde_json::Value,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Option<String> {
    let header = serde_json::json!({ "alg": algorithm, "typ": "JWT" });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(payload));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).ok()?;
    Some(format!("{signed}.{signature}"))
}

/// A text or a list of texts, as JWT allows for `aud` and issuers write roles.
pub(super) struct OneOrMany(Vec<String>);

impl OneOrMany {
    pub(super) fn contains(&self, text: &str) -> bool {
        self.0.iter().any(|item| item == text)
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany(texts))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}
