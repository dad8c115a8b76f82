//! Makes deltas. Each is applied once here before it is handed out.

use zstd::zstd_safe::{self, CCtx, CParameter};

use crate::jar_format::{self, NotModelled};
use crate::{Error, Format, verify};

/// How to make a delta.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// zstd's level, 1 to 22; out of range is brought into range. The format's own when absent.
    pub level: Option<i32>,
}

impl Format {
    /// The level that is worth its time for two releases of a JAR, measured on one of 32 MB.
    ///
    /// `zstd` at levels 3, 9, 15 and 19 took 0.06, 0.17, 4.0 and 9.1 s of CPU for 2.53, 2.47, 2.45
    /// and 2.40 MB; `jar` at levels 3, 9 and 19 took 1.2, 2.8 and 7.7 s for 50, 46 and 42 kB, and
    /// on JARs of which more changed the highest level saves a sixth.
    pub fn default_level(self) -> i32 {
        match self {
            Format::Zstd => 9,
            Format::Jar => 19,
        }
    }
}

/// Makes the patch that turns `old` into `new`, and applies it once to see that it does.
pub fn create(format: Format, old: &[u8], new: &[u8], options: Options) -> Result<Vec<u8>, Error> {
    let level = options.level.unwrap_or(format.default_level());
    let level = level.clamp(1, zstd_safe::max_c_level());
    match format {
        Format::Zstd => {
            let patch = create_zstd(old, new, level)?;
            verify(old, &patch, new)?;
            Ok(patch)
        }
        Format::Jar => jar_format::create(old, new, level).map_err(|reason| match reason {
            NotModelled::Failed(error) => error,
            other => Error::NotModelled {
                reason: other.to_string(),
            },
        }),
    }
}

/// Makes the smallest patch that this crate can, in whichever format that is.
pub fn create_best(old: &[u8], new: &[u8], options: Options) -> Result<(Format, Vec<u8>), Error> {
    let jar = match create(Format::Jar, old, new, options) {
        Ok(patch) => patch,
        Err(Error::NotModelled { .. }) => {
            return Ok((Format::Zstd, create(Format::Zstd, old, new, options)?));
        }
        Err(error) => return Err(error),
    };
    // High levels of zstd take 15 % off such a patch at best, and most of the time of all.
    let quick = create(Format::Zstd, old, new, Options { level: Some(3) })?;
    if jar.len() * 10 < quick.len() * 7 {
        return Ok((Format::Jar, jar));
    }
    let zstd = create(Format::Zstd, old, new, options)?;
    match jar.len() < zstd.len() {
        true => Ok((Format::Jar, jar)),
        false => Ok((Format::Zstd, zstd)),
    }
}

/// How much smaller than the whole file the patch is, in percent: 0 when it saves nothing.
///
/// ```
/// assert_eq!(delta::savings_percentage(1000, 50), 95.0);
/// assert_eq!(delta::savings_percentage(1000, 2000), 0.0);
/// ```
pub fn savings_percentage(full_bytes: u64, patch_bytes: u64) -> f64 {
    if patch_bytes >= full_bytes {
        return 0.0;
    }
    let saved = (full_bytes - patch_bytes) as f64 / full_bytes as f64 * 100.0;
    (saved * 100.0).round() / 100.0
}

/// The largest file that one zstd window can span.
const MAX_INPUT_BYTES: u64 = 1 << 31;

fn create_zstd(old: &[u8], new: &[u8], level: i32) -> Result<Vec<u8>, Error> {
    for (which, file) in [("old", old), ("new", new)] {
        if file.len() as u64 > MAX_INPUT_BYTES {
            return Err(Error::InputTooLarge {
                which,
                bytes: file.len() as u64,
                limit: MAX_INPUT_BYTES,
            });
        }
    }
    let failed = |code| Error::Compress {
        reason: zstd_safe::get_error_name(code).to_owned(),
    };
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(level),
        CParameter::WindowLog(window_log(new.len() as u64)),
        CParameter::EnableLongDistanceMatching(true),
        CParameter::ContentSizeFlag(true),
        CParameter::ChecksumFlag(true),
        CParameter::DictIdFlag(false),
    ] {
        context.set_parameter(parameter).map_err(failed)?;
    }
    context.ref_prefix(old).map_err(failed)?;
    let mut patch = Vec::with_capacity(zstd_safe::compress_bound(new.len()));
    context.compress2(&mut patch, new).map_err(failed)?;
    patch.shrink_to_fit();
    Ok(patch)
}

/// The window that spans the new file, as the stock tool chooses it: zstd keeps the whole prefix in
/// reach for as long as the output fits the window, so the old file's size does not count.
fn window_log(new_bytes: u64) -> u32 {
    (u64::BITS - new_bytes.leading_zeros()).clamp(10, 31)
}
