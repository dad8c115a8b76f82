//! Who is calling: tokens (JWT, RFC 7519) and what they are worth (contract section 2).
//!
//! The library does the signature and nothing else. What a token must say is decided here, with `now` as an
//! argument: its defaults forgive more than the contract does, and it panics when the clock is before 1970.
//!
//! A token names a user. What that user may do stands in the store; a claim can narrow it and never widen it.

mod claims;
mod error;
pub mod keys;
pub mod secret;

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use protocol::api::Role;
use protocol::limits::{TOKEN_BYTES, TOKEN_LEEWAY, TOKEN_LIFETIME_MAX};
use protocol::{Timestamp, TokenId, Username};

use crate::config::Jwt;
use crate::store::Store;

pub use error::AuthError;
pub use keys::VerifyingKeys;
pub use secret::{KeyError, Secret};

/// Who makes a request or holds a session, as the store knows them at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub username: Username,
    /// What the user may do with this token.
    pub role: Role,
    /// The token's `jti`, where it has one.
    pub token_id: Option<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// The most that the token's claims allow, where they say something.
    pub narrowed_to: Option<Role>,
}

/// The longest `jti` that a token may have.
pub const JTI_BYTES: usize = 256;

/// How far ahead `iat` may lie: clocks of two machines differ by less.
const ISSUED_AT_SKEW_SECONDS: f64 = 60.0;

/// Checks and issues tokens. The algorithm is fixed here and never taken from a token.
pub struct Authenticator {
    keys: VerifyingKeys,
    signing: Option<EncodingKey>,
    issuer: Option<String>,
    audience: Option<String>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Tokens signed with a secret: checked and issued here.
    #[must_use]
    pub fn with_secret(secret: &Secret, jwt: &Jwt) -> Self {
        Self {
            signing: Some(EncodingKey::from_secret(secret.as_bytes())),
            ..Self::with_public_keys(VerifyingKeys::secret(secret), jwt)
        }
    }

    /// Tokens that somebody else issues; here are only the public keys.
    #[must_use]
    pub fn with_public_keys(keys: VerifyingKeys, jwt: &Jwt) -> Self {
        install_provider();
        Self {
            keys,
            signing: None,
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
        }
    }

    /// Whether this daemon can issue tokens itself.
    #[must_use]
    pub fn can_issue(&self) -> bool {
        self.signing.is_some()
    }

    /// Says who a token belongs to.
    ///
    /// # Errors
    /// The token is not accepted, or the store cannot be read.
    pub fn verify(&self, store: &Store, token: &str, now: Timestamp) -> Result<Caller, AuthError> {
        let claims = self.check(token, now)?;
        let caller = Caller {
            username: claims.username,
            role: Role::User,
            token_id: claims.token_id,
            expires_at: claims.expires_at,
            narrowed_to: claims.role,
        };
        judge(store, caller)
    }

    /// Whose a token is or was: it was issued for this daemon, and may count no longer. Enough to tell its holder why a
    /// session ended, and for nothing else.
    #[must_use]
    pub fn past_holder(&self, token: &str) -> Option<Username> {
        let claims = self.read(token).ok()?;
        self.check_names(&claims).ok()?;
        claims.sub.parse().ok()
    }

    /// The caller of an open session as it is now; `None` when its token counts no longer.
    ///
    /// A store that cannot be read ends nothing: the next look decides.
    #[must_use]
    pub fn recheck(&self, store: &Store, caller: &Caller, now: Timestamp) -> Option<Caller> {
        let leeway_ms = i64::try_from(TOKEN_LEEWAY.as_millis()).unwrap_or(0);
        if now.unix_ms() >= caller.expires_at.unix_ms().saturating_add(leeway_ms) {
            return None;
        }
        match judge(store, caller.clone()) {
            Ok(caller) => Some(caller),
            Err(AuthError::Store(error)) => {
                tracing::warn!(%error, "a session's user could not be looked up");
                Some(caller.clone())
            }
            Err(_) => None,
        }
    }

    /// Whether an open session's token still counts.
    #[must_use]
    pub fn still_valid(&self, store: &Store, caller: &Caller, now: Timestamp) -> bool {
        self.recheck(store, caller, now).is_some()
    }

    /// Signs a token. `None` where somebody else issues them.
    #[must_use]
    pub fn issue(
        &self,
        username: &Username,
        id: TokenId,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Option<String> {
        let signing = self.signing.as_ref()?;
        let mut payload = serde_json::json!({
            "sub": username,
            "jti": id,
            "iat": issued_at.unix_seconds(),
            "exp": expires_at.unix_seconds(),
        });
        if let Some(issuer) = &self.issuer {
            payload["iss"] = issuer.as_str().into();
        }
        if let Some(audience) = &self.audience {
            payload["aud"] = audience.as_str().into();
        }
        claims::sign(&payload, signing, Algorithm::HS256)
    }

    /// What the token says, once signature and times are right.
    fn check(&self, token: &str, now: Timestamp) -> Result<Accepted, AuthError> {
        let claims = self.read(token)?;
        check_times(&claims, now)?;
        self.check_names(&claims)?;
        // The ten-year rule above keeps this in range.
        let expires_ms = claims.exp * 1000.0;
        let expires_at = Timestamp::from_unix_ms(expires_ms as i64);
        Ok(Accepted {
            username: claims
                .sub
                .parse()
                .map_err(|_| AuthError::Malformed("sub is no user name"))?,
            role: claims.most_allowed(),
            token_id: claims.jti,
            expires_at,
        })
    }

    /// What a token with a good signature says.
    fn read(&self, token: &str) -> Result<claims::Claims, AuthError> {
        if token.len() > TOKEN_BYTES {
            return Err(AuthError::TooLong);
        }
        let parts = claims::split(token)?;
        let header = claims::header(parts.header)?;
        if header.algorithm != self.keys.algorithm_name() {
            return Err(AuthError::WrongAlgorithm);
        }
        if header.has_critical {
            return Err(AuthError::CriticalHeader);
        }
        let key_id = header.key_id.as_deref();
        if !self.keys.accept(parts.signed, parts.signature, key_id) {
            return Err(AuthError::BadSignature);
        }
        claims::payload(parts.payload)
    }

    fn check_names(&self, claims: &claims::Claims) -> Result<(), AuthError> {
        if let Some(issuer) = &self.issuer
            && claims.iss.as_ref() != Some(issuer)
        {
            return Err(AuthError::WrongIssuer);
        }
        match (&self.audience, &claims.aud) {
            (None, None) => Ok(()),
            (Some(ours), Some(theirs)) if theirs.contains(ours) => Ok(()),
            // RFC 7519 section 4.1.3: who does not find itself in an aud must refuse.
            (None, Some(_)) | (Some(_), _) => Err(AuthError::WrongAudience),
        }
    }
}

/// What the store says about the user and the token.
fn judge(store: &Store, caller: Caller) -> Result<Caller, AuthError> {
    let user = store.user(&caller.username)?;
    let user = user
        .filter(|user| user.enabled)
        .ok_or(AuthError::UnknownUser)?;
    if let Some(id) = &caller.token_id
        && store.is_revoked(id)?
    {
        return Err(AuthError::Revoked);
    }
    let role = caller
        .narrowed_to
        .map_or(user.role, |most| most.min(user.role));
    Ok(Caller { role, ..caller })
}

fn check_times(claims: &claims::Claims, now: Timestamp) -> Result<(), AuthError> {
    let now = now.unix_ms() as f64 / 1000.0;
    let leeway = TOKEN_LEEWAY.as_secs_f64();
    if claims.exp + leeway <= now {
        return Err(AuthError::Expired);
    }
    if claims.exp > now + TOKEN_LIFETIME_MAX.as_secs_f64() {
        return Err(AuthError::LivesTooLong);
    }
    if claims.nbf.is_some_and(|nbf| nbf > now + leeway) {
        return Err(AuthError::NotYetValid);
    }
    if claims
        .iat
        .is_some_and(|iat| iat > now + ISSUED_AT_SKEW_SECONDS)
    {
        return Err(AuthError::FromTheFuture);
    }
    Ok(())
}

/// What a good token says.
struct Accepted {
    username: Username,
    role: Option<Role>,
    token_id: Option<String>,
    expires_at: Timestamp,
}

/// The library panics at the first token when it finds two providers or none, which features of other crates decide.
fn install_provider() {
    // An error means that it is installed already.
    let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
