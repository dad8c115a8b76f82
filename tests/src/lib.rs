//! The harness of the whole-system tests: the real binaries, real sockets, temporary folders, and an end to every wait.
//!
//! A test says what a user does and what the user sees. When that fails, the panic tells the whole story: the command,
//! its exit code, both of its outputs and the daemon's log.

pub mod api;
pub mod daemon;
pub mod forward;
pub mod front;
pub mod java;
pub mod power;
pub mod process;
pub mod relay;
pub mod relctl;
pub mod socket;
pub mod terminal;
pub mod tls;
pub mod volume;
pub mod wait;

pub use api::{Answer, Api, Upload};
pub use daemon::{Daemon, Setup};
pub use forward::Forward;
pub use front::Front;
pub use relay::Relay;
pub use relctl::{Finished, Relctl};
pub use socket::Socket;
pub use terminal::Terminal;
pub use tls::Tls;
pub use volume::Volume;

/// Where the binaries under test are. A package sees them only from its own tests, so those pass them in.
#[derive(Clone, Copy, Debug)]
pub struct Binaries {
    pub relctl: &'static str,
    pub relctld: &'static str,
}

/// Ends the test with everything that helps to see why.
#[track_caller]
fn fail(what: impl std::fmt::Display, story: &str) -> ! {
    panic!("{what}\n\n{story}")
}
