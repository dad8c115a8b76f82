//! Users, roles and tokens (contract section 2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, TokenId, Username};

/// What a user may do (contract section 2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Check, download, report.
    User,
    /// All but users and tokens.
    Publisher,
    /// Everything.
    Admin,
}

impl Role {
    /// The name that is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Publisher => "PUBLISHER",
            Self::Admin => "ADMIN",
        }
    }

    /// The role of a name; a `ROLE_` prefix, which some issuers of tokens write, is forgiven.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("ROLE_").unwrap_or(name) {
            "USER" => Some(Self::User),
            "PUBLISHER" => Some(Self::Publisher),
            "ADMIN" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// A user of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// Whether its tokens are accepted.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Body of `POST /api/v1/admin/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
}

/// Body of `PATCH /api/v1/admin/users/{username}`: the fields that shall change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserChange {
    /// What it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether its tokens are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Body of `POST /api/v1/admin/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// Whose token it is.
    pub username: Username,
    /// How long it lives, in seconds.
    pub ttl_seconds: u64,
}

/// A token that was issued. The daemon keeps no copy of the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedToken {
    /// The token, shown this once.
    pub token: String,
    /// Its id, for revoking.
    pub token_id: TokenId,
    /// Whose it is.
    pub username: Username,
    /// What its user may do.
    pub role: Role,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token as administrators see it: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Its id, for revoking.
    pub token_id: TokenId,
    /// Whose it is.
    pub username: Username,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was revoked before.
    pub revoked: bool,
}

/// Answer of `DELETE /api/v1/admin/tokens/{tokenId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokedToken {
    /// The token that no longer counts: its id, or the `jti` that another issuer gave it.
    pub token_id: String,
}

/// Answer of `GET /api/v1/whoami`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoAmI {
    /// Whose token it is.
    pub username: Username,
    /// What it may do: the stored role, narrowed by the token's claims.
    pub role: Role,
    /// The token's id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_order_by_what_they_may_do() {
        assert!(Role::Admin > Role::Publisher && Role::Publisher > Role::User);
        assert_eq!(Role::from_name("ROLE_ADMIN"), Some(Role::Admin));
        assert_eq!(Role::from_name("admin"), None);
    }
}
