//! Reads JARs, and makes, applies and checks deltas between them.
//!
//! Everything here is synchronous and works on `&[u8]`, `Read`, `Write` and paths. The crate knows
//! nothing of daemons, networks or releases: the daemon and the command line call it from their
//! blocking pools. All input is hostile until checked: no function panics on a damaged JAR or
//! patch, and each one knows its limits before it spends memory.
//!
//! ```
//! use delta::{ApplyLimits, Format, Options};
//!
//! let old = b"one two three four five six seven".repeat(50);
//! let mut new = old.clone();
//! new.extend_from_slice(b"and eight");
//!
//! let patch = delta::create(Format::Zstd, &old, &new, Options::default())?;
//! let mut rebuilt = Vec::new();
//! let applied = delta::apply(&old, &patch, &ApplyLimits::default(), &mut rebuilt)?;
//! assert_eq!(rebuilt, new);
//! assert_eq!(applied.bytes, new.len() as u64);
//! # Ok::<(), delta::Error>(())
//! ```

mod apply;
pub mod checksum;
mod create;
mod deadline;
mod error;
mod format;
mod inspect;
pub mod jar;
mod jar_format;
pub mod package;
mod parallel;
mod staged;

pub use apply::{Applied, ApplyLimits, Expected, apply, apply_to_file, verify};
pub use checksum::Digest;
pub use create::{Options, create, create_best, savings_percentage};
pub use error::Error;
pub use format::{Format, UnknownFormatName};
pub use inspect::{Contents, EntryCounts, PatchSummary, Stated, StreamSize, inspect};
pub use staged::write_file;
