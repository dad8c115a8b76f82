//! The first start: a signing secret, a user `admin`, and a token for it in a file that only the owner can read.
//!
//! Each step can be repeated, so that a start which was killed halfway is finished by the next one. Once a token was
//! issued nothing here happens again: a missing `admin.token` is not made anew behind the operator's back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::api::Role;
use protocol::{Timestamp, TokenId, Username};

use super::StartError;
use crate::auth::secret::{load_public_key, write_private};
use crate::auth::{Authenticator, KeyError, Secret, VerifyingKeys};
use crate::config::{Config, ConfigError, JwtAlgorithm};
use crate::store::{Actor, Store, StoreError, Token};

const SECRET_FILE: &str = "jwt.secret";
const ADMIN_TOKEN_FILE: &str = "admin.token";
const ADMIN: &str = "admin";

/// The first token lives a year; whoever keeps it that long has had time to make others.
const ADMIN_TOKEN_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// Loads what tokens are checked with; on the first start of a data folder makes the secret.
pub(super) fn open_keys(config: &Config, store: &Store) -> Result<Authenticator, StartError> {
    let jwt = &config.jwt;
    match jwt.algorithm {
        JwtAlgorithm::Hs256 => {
            let secret = match &jwt.secret_file {
                Some(path) => Secret::load(path)?,
                None => own_secret(config.data_dir.join(SECRET_FILE), store)?,
            };
            Ok(Authenticator::with_secret(&secret, jwt))
        }
        algorithm @ (JwtAlgorithm::Rs256 | JwtAlgorithm::Es256 | JwtAlgorithm::EdDsa) => {
            let keys = match (&jwt.public_key_file, &jwt.jwks_file) {
                (Some(path), _) => VerifyingKeys::from_pem(&load_public_key(path)?, algorithm)
                    .map_err(|error| in_file(path, error))?,
                (None, Some(path)) => VerifyingKeys::from_jwks(&load_public_key(path)?, algorithm)
                    .map_err(|error| in_file(path, error))?,
                (None, None) => {
                    return Err(StartError::Config(ConfigError::Together {
                        key: "jwt.public-key-file",
                        reason: format!(
                            "jwt.algorithm {} needs it or jwt.jwks-file",
                            algorithm.name()
                        ),
                    }));
                }
            };
            Ok(Authenticator::with_public_keys(keys, jwt))
        }
    }
}

fn in_file(path: &Path, error: KeyError) -> StartError {
    StartError::KeyFile {
        path: path.display().to_string(),
        error,
    }
}

fn own_secret(path: PathBuf, store: &Store) -> Result<Secret, StartError> {
    if path.exists() {
        return Ok(Secret::load(&path)?);
    }
    if !store.users()?.is_empty() {
        let path = path.display().to_string();
        return Err(StartError::SecretGone { path });
    }
    let secret = Secret::create(&path)?;
    tracing::info!(path = %path.display(), "made a secret that signs tokens");
    Ok(secret)
}

/// Makes the user `admin` and its token, where this data folder has nobody yet.
pub(super) fn make_first_user(
    config: &Config,
    store: &Store,
    auth: &Authenticator,
    now: Timestamp,
) -> Result<(), StartError> {
    if store.read_only_reason().is_some() {
        return Ok(());
    }
    let users = store.users()?;
    let admin: Username = ADMIN.parse().map_err(|_| StoreError::NotFound {
        what: "user admin".into(),
    })?;
    if users.is_empty() {
        store.create_user(&Actor::daemon(), admin.clone(), Role::Admin)?;
        tracing::info!(user = ADMIN, "made the first user");
    }
    let is_untouched = users.iter().all(|user| user.username == admin);
    if !is_untouched || !store.tokens()?.is_empty() {
        return Ok(());
    }
    let lifetime_ms = i64::try_from(ADMIN_TOKEN_LIFETIME.as_millis()).unwrap_or(i64::MAX);
    let expires_at = Timestamp::from_unix_ms(now.unix_ms().saturating_add(lifetime_ms));
    let id = TokenId::generate();
    let Some(token) = auth.issue(&admin, id, now, expires_at) else {
        tracing::info!("tokens are issued elsewhere; get one for the user admin there");
        return Ok(());
    };
    let path = config.data_dir.join(ADMIN_TOKEN_FILE);
    write_private(&path, format!("{token}\n").as_bytes()).map_err(|source| KeyError::Io {
        path: path.clone(),
        source,
    })?;
    // The file first: killed in between, the next start finds no token on record and does both again.
    let record = Token {
        id,
        username: admin,
        issued_at: now,
        expires_at,
        revoked: false,
    };
    store.issue_token(&Actor::daemon(), record)?;
    tracing::info!(path = %path.display(), "wrote a token for the first user");
    Ok(())
}
