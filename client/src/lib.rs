//! The Rust SDK: talks to a daemon, hears of releases, fetches, verifies and installs them.
//!
//! [`Daemon`] is one HTTP call per method. [`Live`] is the event stream, which comes back by itself. [`Updater`]
//! takes one application from the version it has to the version that the daemon offers, by delta where it can, and
//! [`follow`](follow::follow) joins the two: the reference desktop client. Nothing here prints, and nothing is used
//! before its SHA-256 matched.
//!
//! ```no_run
//! use client::{Daemon, Token};
//!
//! # async fn example() -> Result<(), client::Error> {
//! let token = Token::parse("eyJhbGciOi…")?;
//! let daemon = Daemon::at("http://127.0.0.1:8081", Some(token))?;
//! println!("{}", daemon.whoami().await?.username);
//! # Ok(())
//! # }
//! ```

pub mod backoff;
pub mod download;
pub mod error;
pub mod follow;
pub mod http;
pub mod install;
pub mod launch;
pub mod live;
mod network;
mod retry;
mod room;
pub mod signature;
pub mod simulate;
pub mod state;
mod token;
pub mod update;
pub mod upload;

pub use backoff::Backoff;
pub use error::{Error, Refusal};
pub use http::Daemon;
pub use install::AppFolder;
pub use live::{Live, Session};
pub use network::Authorities;
pub use retry::Retry;
pub use signature::{PublicKey, SigningKey};
pub use state::State;
pub use token::{InvalidToken, Token};
pub use update::Updater;
pub use upload::upload;
