//! Users, tokens, and who we are.

use protocol::api::{
    IssuedToken, NewToken, NewUser, Page, RevokedToken, TokenView, UserChange, UserView, WhoAmI,
    paths,
};
use protocol::{TokenId, Username};
use reqwest::Method;

use super::{Daemon, segment};
use crate::Error;

impl Daemon {
    /// Whose token this is.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn whoami(&self) -> Result<WhoAmI, Error> {
        self.get(paths::WHOAMI, &()).await
    }

    /// One page of the users, by name.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn users(&self, page: u32, size: u32) -> Result<Page<UserView>, Error> {
        let path = format!("{}/users", paths::IDENTITY);
        self.get(&path, &[("page", page), ("size", size)]).await
    }

    /// Adds a user.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `CONFLICT` when the name is taken.
    pub async fn add_user(&self, user: &NewUser) -> Result<UserView, Error> {
        let path = format!("{}/users", paths::IDENTITY);
        self.call(Method::POST, &path, user).await
    }

    /// Changes a user's role, or whether its tokens are accepted.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn change_user(
        &self,
        username: &Username,
        change: &UserChange,
    ) -> Result<UserView, Error> {
        let path = format!("{}/users/{}", paths::IDENTITY, segment(username.as_str()));
        self.call(Method::PATCH, &path, change).await
    }

    /// One page of the tokens, newest first; never the tokens themselves.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn tokens(&self, page: u32, size: u32) -> Result<Page<TokenView>, Error> {
        let path = format!("{}/tokens", paths::IDENTITY);
        self.get(&path, &[("page", page), ("size", size)]).await
    }

    /// Issues a token. The daemon keeps no copy of it.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn issue_token(&self, token: &NewToken) -> Result<IssuedToken, Error> {
        let path = format!("{}/tokens", paths::IDENTITY);
        self.call(Method::POST, &path, token).await
    }

    /// Ends a token, and the sessions that were opened with it.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn revoke_token(&self, id: TokenId) -> Result<RevokedToken, Error> {
        let path = format!("{}/tokens/{id}", paths::IDENTITY);
        self.answer(self.request(Method::DELETE, &path)).await
    }
}
