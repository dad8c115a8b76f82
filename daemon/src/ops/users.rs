//! Users and their tokens. Only for administrators, but for the question who one is.

use protocol::api::{
    IssuedToken, NewToken, NewUser, Page, RevokedToken, Role, TokenView, UserChange, UserView,
    WhoAmI,
};
use protocol::ids::is_printable;
use protocol::limits::TOKEN_LIFETIME_MAX;
use protocol::{Timestamp, TokenId, Username};

use super::require;
use crate::app::App;
use crate::auth::{Caller, JTI_BYTES};
use crate::error::ApiError;
use crate::store::{Actor, Token, User};

/// Whose token a request carried.
#[must_use]
pub fn who_am_i(caller: Caller) -> WhoAmI {
    WhoAmI {
        username: caller.username,
        role: caller.role,
        token_id: caller.token_id,
        expires_at: caller.expires_at,
    }
}

/// One page of users, by name.
///
/// # Errors
/// `FORBIDDEN`.
pub fn list_users(
    app: &App,
    caller: &Caller,
    page: u32,
    size: u32,
) -> Result<Page<UserView>, ApiError> {
    require(caller, Role::Admin)?;
    let users = app.store.users()?.into_iter().map(user_view).collect();
    Ok(Page::cut(users, page, size))
}

/// Adds a user.
///
/// # Errors
/// `FORBIDDEN`, or `CONFLICT` when the name is taken.
pub fn add_user(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    user: NewUser,
) -> Result<UserView, ApiError> {
    require(caller, Role::Admin)?;
    let user = app.store.create_user(actor, user.username, user.role)?;
    tracing::info!(user = %user.username, role = user.role.as_str(), "a user was added");
    app.hub.identity_changed();
    Ok(user_view(user))
}

/// Changes a user.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND`; `CONFLICT` when nobody would be left who may undo it.
pub fn change_user(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    name: &Username,
    change: &UserChange,
) -> Result<UserView, ApiError> {
    require(caller, Role::Admin)?;
    if change.role.is_none() && change.enabled.is_none() {
        return Err(ApiError::invalid(
            "nothing to change; send role, enabled or both",
        ));
    }
    let _deciding = app.decide();
    let user = app
        .store
        .user(name)?
        .ok_or_else(|| ApiError::not_found(format!("user {name} does not exist")))?;
    let change = UserChange {
        role: change.role.filter(|role| *role != user.role),
        enabled: change.enabled.filter(|enabled| *enabled != user.enabled),
    };
    if change == UserChange::default() {
        return Ok(user_view(user));
    }
    let is_admin_after =
        change.role.unwrap_or(user.role) == Role::Admin && change.enabled.unwrap_or(user.enabled);
    let is_other_admin =
        |other: &User| other.enabled && other.role == Role::Admin && other.username != *name;
    if !is_admin_after && !app.store.users()?.iter().any(is_other_admin) {
        return Err(ApiError::conflict(format!(
            "{name} is the last administrator; make another one first"
        )));
    }
    let user = app.store.change_user(actor, name, change)?;
    tracing::info!(user = %user.username, role = user.role.as_str(), enabled = user.enabled, "a user was changed");
    app.hub.identity_changed();
    Ok(user_view(user))
}

fn user_view(user: User) -> UserView {
    UserView {
        username: user.username,
        role: user.role,
        enabled: user.enabled,
        created_at: user.created_at,
    }
}

/// One page of issued tokens, newest first.
///
/// # Errors
/// `FORBIDDEN`.
pub fn list_tokens(
    app: &App,
    caller: &Caller,
    page: u32,
    size: u32,
) -> Result<Page<TokenView>, ApiError> {
    require(caller, Role::Admin)?;
    let tokens = app.store.tokens()?.into_iter().map(token_view).collect();
    Ok(Page::cut(tokens, page, size))
}

fn token_view(token: Token) -> TokenView {
    TokenView {
        token_id: token.id,
        username: token.username,
        issued_at: token.issued_at,
        expires_at: token.expires_at,
        revoked: token.revoked,
    }
}

/// Issues a token.
///
/// # Errors
/// `FORBIDDEN`; `INVALID_REQUEST` for a lifetime out of bounds; `NOT_FOUND` for an unknown user; `CONFLICT` for a
/// disabled one, or where somebody else issues the tokens.
pub fn issue_token(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    wanted: &NewToken,
    now: Timestamp,
) -> Result<IssuedToken, ApiError> {
    require(caller, Role::Admin)?;
    // A minute less than what the daemon accepts, so that the last second of it is not refused by a clock that moved.
    let longest = TOKEN_LIFETIME_MAX.as_secs() - 60;
    if !(1..=longest).contains(&wanted.ttl_seconds) {
        return Err(ApiError::invalid_field(
            "ttlSeconds",
            format!("expected 1 to {longest} (ten years)"),
        ));
    }
    let name = &wanted.username;
    let user = app
        .store
        .user(name)?
        .ok_or_else(|| ApiError::not_found(format!("user {name} does not exist")))?;
    if !user.enabled {
        return Err(ApiError::conflict(format!(
            "user {name} is disabled; enable it first"
        )));
    }
    let lifetime_ms = i64::try_from(wanted.ttl_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    // A token counts whole seconds.
    let expires_ms = now
        .unix_seconds()
        .saturating_mul(1000)
        .saturating_add(lifetime_ms);
    let (issued_at, expires_at) = (now, Timestamp::from_unix_ms(expires_ms));
    let token_id = TokenId::generate();
    let token = app
        .auth
        .issue(name, token_id, issued_at, expires_at)
        .ok_or_else(|| {
            ApiError::conflict(
                "this daemon has only a public key; whoever has the private one issues the tokens",
            )
        })?;
    let record = Token {
        id: token_id,
        username: name.clone(),
        issued_at,
        expires_at,
        revoked: false,
    };
    app.store.issue_token(actor, record)?;
    tracing::info!(user = %name, token.id = %token_id, "a token was issued");
    Ok(IssuedToken {
        token,
        token_id,
        username: name.clone(),
        role: user.role,
        expires_at,
    })
}

/// Ends a token. Again is fine.
///
/// Tokens of this daemon have a UUID. Any other text is the `jti` of a token that somebody else issued; of those
/// nobody here knows which there are, so each can be revoked.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND` for a token that this daemon did not issue though it issues them; `INVALID_REQUEST` for
/// what no token is called.
pub fn revoke_token(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    id: &str,
) -> Result<RevokedToken, ApiError> {
    require(caller, Role::Admin)?;
    let token_id = match id.parse::<TokenId>() {
        Ok(own) if app.auth.can_issue() => {
            if app.store.token(own)?.is_none() {
                return Err(ApiError::not_found(format!("token {own} does not exist")));
            }
            own.to_string()
        }
        // As it stands in the token: who issues them may write a UUID in capitals.
        Ok(_) | Err(_) => foreign_jti(id)?.to_owned(),
    };
    app.store.revoke_token(actor, &token_id)?;
    tracing::info!(token.id = %token_id, "a token was revoked");
    app.hub.identity_changed();
    Ok(RevokedToken { token_id })
}

fn foreign_jti(text: &str) -> Result<&str, ApiError> {
    if (1..=JTI_BYTES).contains(&text.len()) && is_printable(text) {
        return Ok(text);
    }
    let problem = format!("expected the id of a token: 1 to {JTI_BYTES} printable characters");
    Err(ApiError::invalid_field("tokenId", problem))
}
