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
                Some(path) => {
                    Secret::load(path).map_err(|error| in_file("jwt.secret-file", path, error))?
                }
                None => own_secret(config.data_dir.join(SECRET_FILE), store)?,
            };
            Ok(Authenticator::with_secret(&secret, jwt))
        }
        algorithm @ (JwtAlgorithm::Rs256 | JwtAlgorithm::Es256 | JwtAlgorithm::EdDsa) => {
            let keys = match (&jwt.public_key_file, &jwt.jwks_file) {
                (Some(path), _) => load_public_key(path)
                    .and_then(|pem| VerifyingKeys::from_pem(&pem, algorithm))
                    .map_err(|error| in_file("jwt.public-key-file", path, error))?,
                (None, Some(path)) => load_public_key(path)
                    .and_then(|set| VerifyingKeys::from_jwks(&set, algorithm))
                    .map_err(|error| in_file("jwt.jwks-file", path, error))?,
                (None, None) => {
                    return Err(StartError::Config(ConfigError::Together {
                        key: "jwt.algorithm",
                        origin: None,
                        reason: format!(
                            "{} needs jwt.public-key-file or jwt.jwks-file",
                            algorithm.name()
                        ),
                    }));
                }
            };
            Ok(Authenticator::with_public_keys(keys, jwt))
        }
    }
}

fn in_file(key: &'static str, path: &Path, error: KeyError) -> StartError {
    StartError::KeyFile {
        key,
        path: path.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    use crate::app::App;

    fn config(folder: &tempfile::TempDir) -> Config {
        Config::with_defaults(folder.path().join("data"))
    }

    fn admin_token(config: &Config) -> String {
        let text = std::fs::read_to_string(config.data_dir.join(ADMIN_TOKEN_FILE)).unwrap();
        text.trim().to_owned()
    }

    #[test]
    fn a_first_start_that_was_killed_halfway_is_finished_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder);
        {
            let store = Store::open(&config.data_dir).unwrap().store;
            open_keys(&config, &store).unwrap();
            let admin = ADMIN.parse().unwrap();
            store
                .create_user(&Actor::daemon(), admin, Role::Admin)
                .unwrap();
        }
        let app = App::open(config.clone()).unwrap();
        let caller = app
            .auth
            .verify(&app.store, &admin_token(&config), Timestamp::now())
            .unwrap();
        assert_eq!(
            (caller.username.as_str(), caller.role),
            (ADMIN, Role::Admin)
        );
        assert_eq!(app.store.users().unwrap().len(), 1);
        assert_eq!(app.store.tokens().unwrap().len(), 1);
    }

    #[test]
    fn later_starts_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder);
        drop(App::open(config.clone()).unwrap());
        let token = admin_token(&config);
        let secret = std::fs::read(config.data_dir.join(SECRET_FILE)).unwrap();
        let app = App::open(config.clone()).unwrap();
        assert_eq!(admin_token(&config), token);
        assert_eq!(
            std::fs::read(config.data_dir.join(SECRET_FILE)).unwrap(),
            secret
        );
        assert_eq!(app.store.tokens().unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_nothing_refers_to_is_gone_after_a_start() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder);
        let app = App::open(config.clone()).unwrap();
        let mut staged = app.blobs.stage().unwrap();
        staged.write(b"kept, and then the power went").unwrap();
        let blob = app.blobs.keep(staged).unwrap();
        let path = app.blobs.path(&blob.checksum);
        drop(app);
        assert!(path.exists());
        drop(App::open(config).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_clock_that_cannot_be_right_stops_the_start() {
        assert!(StartError::check_clock(Timestamp::from_unix_ms(-1)).is_err());
        assert!(StartError::check_clock(Timestamp::now()).is_ok());
    }
}
