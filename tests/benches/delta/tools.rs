//! The tools that are compared, ours among them, and one round of a tool: make a patch, apply it, compare.

use std::ffi::OsString;
use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result};
use delta::{ApplyLimits, Error, Expected, Format, Options, checksum};
use protocol::limits::COMPRESSED_LEVEL;

use crate::measure::{Cost, measure};

pub(crate) const ENGINE_CREATE: &str = "engine-create";
pub(crate) const ENGINE_APPLY: &str = "engine-apply";

/// One way to make and apply a patch.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This engine's format `jar`, at the default level or at one that the row names.
    Ours {
        level: Option<i32>,
    },
    /// The compressed whole file, which is a patch from nothing.
    FromNothing,
    Zstd,
    Bsdiff,
    Xdelta,
}

/// An empty old file.
const NOTHING: &str = "/dev/null";

/// In the order of the report. The first is the one whose ratio counts, the peers are at their best settings.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        name: "relctl, format jar",
        kind: Kind::Ours { level: None },
    },
    Tool {
        name: "relctl, format jar, --fast",
        kind: Kind::Ours { level: Some(3) },
    },
    Tool {
        name: "relctl, compressed whole file",
        kind: Kind::FromNothing,
    },
    Tool {
        name: "zstd -19 --long --patch-from",
        kind: Kind::Zstd,
    },
    Tool {
        name: "bsdiff",
        kind: Kind::Bsdiff,
    },
    Tool {
        name: "xdelta3 -9 -S lzma",
        kind: Kind::Xdelta,
    },
];

impl Kind {
    pub(crate) fn is_ours(self) -> bool {
        match self {
            Kind::Ours { .. } | Kind::FromNothing => true,
            Kind::Zstd | Kind::Bsdiff | Kind::Xdelta => false,
        }
    }
}

/// What a tool did with a pair; the error says in a few words why there is nothing to compare.
pub(crate) type Outcome = Result<Round, String>;

/// One round that brought the new JAR back bit for bit.
#[derive(Debug)]
pub(crate) struct Round {
    /// Ours could not be of the format `jar`, and was made in the format `zstd`.
    pub(crate) fell_back: bool,
    pub(crate) patch_bytes: u64,
    pub(crate) create: Cost,
    pub(crate) apply: Cost,
}

/// Makes a patch, applies it and compares the SHA-256 of what came back with the new JAR's.
pub(crate) fn run(tool: &Tool, old: &Path, new: &Path, scratch: &Path) -> Result<Outcome> {
    let patch = scratch.join("patch");
    let rebuilt = scratch.join("rebuilt.jar");
    for leftover in [&patch, &rebuilt] {
        if leftover.exists() {
            fs::remove_file(leftover)?;
        }
    }
    let create = match measure(&create_command(tool.kind, old, new, &patch)?, scratch)? {
        Ok(cost) => cost,
        Err(reason) => return Ok(Err(format!("create {reason}"))),
    };
    let apply = match measure(&apply_command(tool.kind, old, &patch, &rebuilt)?, scratch)? {
        Ok(cost) => cost,
        Err(reason) => return Ok(Err(format!("apply {reason}"))),
    };
    if checksum::sha256(&fs::read(&rebuilt)?) != checksum::sha256(&fs::read(new)?) {
        return Ok(Err("rebuilt another file".to_owned()));
    }
    let made = fs::read(&patch)?;
    Ok(Ok(Round {
        fell_back: tool.kind.is_ours() && Format::detect(&made)? != Format::Jar,
        patch_bytes: made.len() as u64,
        create,
        apply,
    }))
}

fn create_command(kind: Kind, old: &Path, new: &Path, patch: &Path) -> Result<Vec<OsString>> {
    let [old, new, patch] = [old, new, patch].map(OsString::from);
    Ok(match kind {
        Kind::Ours { level } => {
            let level = level.unwrap_or(Format::Jar.default_level()).to_string();
            let exe = env::current_exe()?.into_os_string();
            vec![exe, ENGINE_CREATE.into(), level.into(), old, new, patch]
        }
        Kind::FromNothing => {
            let level = COMPRESSED_LEVEL.to_string();
            let exe = env::current_exe()?.into_os_string();
            vec![
                exe,
                ENGINE_CREATE.into(),
                level.into(),
                NOTHING.into(),
                new,
                patch,
            ]
        }
        Kind::Zstd => {
            let mut command = words("zstd -q -f -19 --long");
            command.extend([patch_from(&old), new, "-o".into(), patch]);
            command
        }
        Kind::Bsdiff => vec!["bsdiff".into(), old, new, patch],
        Kind::Xdelta => {
            // The largest input window that it takes, and a source buffer that holds the whole old file.
            let mut command = words("xdelta3 -q -f -e -9 -S lzma -W 16777216 -I 0 -B");
            command.extend([source_buffer(&old)?, "-s".into(), old, new, patch]);
            command
        }
    })
}

fn apply_command(kind: Kind, old: &Path, patch: &Path, rebuilt: &Path) -> Result<Vec<OsString>> {
    let [old, patch, rebuilt] = [old, patch, rebuilt].map(OsString::from);
    Ok(match kind {
        Kind::Ours { .. } => {
            let exe = env::current_exe()?.into_os_string();
            vec![exe, ENGINE_APPLY.into(), old, patch, rebuilt]
        }
        Kind::FromNothing => {
            let exe = env::current_exe()?.into_os_string();
            vec![exe, ENGINE_APPLY.into(), NOTHING.into(), patch, rebuilt]
        }
        Kind::Zstd => {
            let mut command = words("zstd -q -f -d --long=31");
            command.extend([patch_from(&old), patch, "-o".into(), rebuilt]);
            command
        }
        Kind::Bsdiff => vec!["bspatch".into(), old, rebuilt, patch],
        Kind::Xdelta => {
            let mut command = words("xdelta3 -q -f -d -B");
            command.extend([source_buffer(&old)?, "-s".into(), old, patch, rebuilt]);
            command
        }
    })
}

fn words(command: &str) -> Vec<OsString> {
    command.split(' ').map(OsString::from).collect()
}

fn patch_from(old: &OsString) -> OsString {
    let mut flag = OsString::from("--patch-from=");
    flag.push(old);
    flag
}

fn source_buffer(old: &OsString) -> Result<OsString> {
    let bytes = fs::metadata(old)?.len().next_power_of_two().max(1 << 20);
    Ok(bytes.to_string().into())
}

/// Makes a patch of the format `jar`, and like `relctl` one of the format `zstd` where that cannot be.
pub(crate) fn engine_create(level: &str, old: &Path, new: &Path, patch: &Path) -> Result<()> {
    let level = level.parse().context("the level is a number")?;
    let (old, new) = (fs::read(old)?, fs::read(new)?);
    let options = Options { level: Some(level) };
    let made = match delta::create(Format::Jar, &old, &new, options) {
        Err(Error::NotModelled { .. }) => delta::create(Format::Zstd, &old, &new, options),
        made => made,
    }?;
    Ok(fs::write(patch, made)?)
}

/// What a client does: both checksums are taken, and the file appears whole.
pub(crate) fn engine_apply(old: &Path, patch: &Path, new: &Path) -> Result<()> {
    let (expected, limits) = (Expected::default(), ApplyLimits::default());
    delta::apply_to_file(old, patch, new, &expected, &limits)?;
    Ok(())
}
