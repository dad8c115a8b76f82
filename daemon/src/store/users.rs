//! Changes of users and tokens.

use protocol::Username;
use protocol::api::{Role, UserChange};

use super::change::Change;
use super::records::{Actor, Token, User};
use super::{Store, StoreError};

impl Store {
    /// Makes a user. Refused when there is one with this name.
    pub fn create_user(&self, by: &Actor, name: Username, role: Role) -> Result<User, StoreError> {
        let writer = self.writer()?;
        if self.user(&name)?.is_some() {
            return Err(StoreError::exists(format!("user {name}")));
        }
        let username = name.clone();
        writer.record(by, Change::UserCreated { username, role })?;
        self.existing_user(&name)
    }

    /// Changes a user's role, or whether its tokens are accepted. A change that changes nothing leaves no record.
    pub fn change_user(
        &self,
        by: &Actor,
        name: &Username,
        change: UserChange,
    ) -> Result<User, StoreError> {
        let writer = self.writer()?;
        let user = self.existing_user(name)?;
        let role = change.role.filter(|role| *role != user.role);
        let enabled = change.enabled.filter(|enabled| *enabled != user.enabled);
        if role.is_none() && enabled.is_none() {
            return Ok(user);
        }
        let change = Change::UserChanged {
            username: name.clone(),
            role,
            enabled,
        };
        writer.record(by, change)?;
        self.existing_user(name)
    }

    /// Remembers a token that is about to be handed out. Its user must exist.
    pub fn issue_token(&self, by: &Actor, token: Token) -> Result<(), StoreError> {
        let writer = self.writer()?;
        self.existing_user(&token.username)?;
        if self.token(token.id)?.is_some() {
            return Err(StoreError::exists(format!("token {}", token.id)));
        }
        let Token {
            id,
            username,
            issued_at,
            expires_at,
            // Only `revoke_token` can do that.
            revoked: _,
        } = token;
        let change = Change::TokenIssued {
            id,
            username,
            issued_at,
            expires_at,
        };
        writer.record(by, change)
    }

    /// Takes a token of any issuer back, for ever. Twice is as good as once, and leaves one record.
    pub fn revoke_token(&self, by: &Actor, jti: &str) -> Result<(), StoreError> {
        let writer = self.writer()?;
        if self.is_revoked(jti)? {
            return Ok(());
        }
        let jti = jti.to_owned();
        writer.record(by, Change::TokenRevoked { jti })
    }

    fn existing_user(&self, name: &Username) -> Result<User, StoreError> {
        self.user(name)?
            .ok_or_else(|| StoreError::not_found(format!("user {name}")))
    }
}
