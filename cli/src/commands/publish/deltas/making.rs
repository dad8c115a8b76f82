//! Making deltas from one release, or from nothing: each format, in files, and checked before they count.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use delta::{Format, Options};
use protocol::limits::COMPRESSED_LEVEL;
use protocol::{Checksum, DeltaSource};

use super::{DeltaOutcome, DeltaResult};
use crate::commands::progress::Counter;
use crate::failure::Failure;
use crate::units::{format_share, format_size};

/// Who names a version wants its delta, as long as it saves anything.
pub(super) const LARGEST_PERCENT_WHEN_NAMED: u64 = 99;

/// What there is to do for one release that clients have, or for those that have none.
#[derive(Debug)]
pub(super) struct Job {
    /// Its place among the bases.
    pub(super) position: usize,
    pub(super) from: DeltaSource,
    /// Its file, removed when the job is done; none where the deltas start from nothing.
    pub(super) old: Option<PathBuf>,
    pub(super) new: Arc<Vec<u8>>,
    pub(super) formats: Vec<Format>,
    /// Above this a delta is left out, in percent of the whole file.
    pub(super) largest_percent: u64,
    pub(super) folder: PathBuf,
    /// Counts the formats that are done with.
    pub(super) done: Counter,
}

/// What came of a job.
#[derive(Debug)]
pub(super) struct FromBase {
    pub(super) position: usize,
    pub(super) from: DeltaSource,
    pub(super) full_bytes: u64,
    pub(super) deltas: Vec<MadeDelta>,
    pub(super) left_out: Vec<LeftOut>,
}

#[derive(Debug)]
pub(in crate::commands::publish) struct MadeDelta {
    pub(in crate::commands::publish) from: DeltaSource,
    pub(in crate::commands::publish) format: Format,
    pub(in crate::commands::publish) file: PathBuf,
    pub(in crate::commands::publish) size_bytes: u64,
    pub(in crate::commands::publish) checksum: Checksum,
}

/// A delta that clients do without.
#[derive(Debug)]
pub(super) enum LeftOut {
    TooLarge { format: Format, size_bytes: u64 },
    Failed { format: Format, reason: String },
}

/// Makes what a job asks for, one format after the other. For the blocking pool.
pub(super) fn make(job: Job) -> Result<FromBase, Failure> {
    let old = match &job.old {
        Some(path) => {
            let read = std::fs::read(path);
            let bytes = read.map_err(|error| Failure::file("read", path, &error))?;
            std::fs::remove_file(path).ok();
            bytes
        }
        None => Vec::new(),
    };
    let options = match job.from {
        DeltaSource::Nothing => Options {
            level: Some(COMPRESSED_LEVEL),
        },
        DeltaSource::Version(_) => Options::default(),
    };
    let full_bytes = job.new.len() as u64;
    let mut made = FromBase {
        position: job.position,
        from: job.from.clone(),
        full_bytes,
        deltas: Vec::new(),
        left_out: Vec::new(),
    };
    for format in job.formats {
        match delta::create(format, &old, &job.new, options) {
            Ok(bytes) if bytes.len() as u64 * 100 > full_bytes * job.largest_percent => {
                made.left_out.push(LeftOut::TooLarge {
                    format,
                    size_bytes: bytes.len() as u64,
                });
            }
            Ok(bytes) => made
                .deltas
                .push(kept(&job.from, format, &bytes, &job.folder)?),
            // No JAR that the format knows: there is the other one.
            Err(delta::Error::NotModelled { .. }) if !job.from.is_nothing() => {}
            Err(error) => made.left_out.push(LeftOut::Failed {
                format,
                reason: error.to_string(),
            }),
        }
        job.done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(made)
}

fn kept(
    from: &DeltaSource,
    format: Format,
    bytes: &[u8],
    folder: &Path,
) -> Result<MadeDelta, Failure> {
    let file = folder.join(format!("{from}.{format}"));
    std::fs::write(&file, bytes).map_err(|error| Failure::file("write", &file, &error))?;
    Ok(MadeDelta {
        from: from.clone(),
        format,
        file,
        size_bytes: bytes.len() as u64,
        checksum: Checksum::from_bytes(delta::checksum::sha256(bytes)),
    })
}

impl FromBase {
    /// `delta      from 2.0.0: 53 kB (0.2 %) jar, 2.5 MB (7.6 %) zstd`, with what is left out and why; or
    /// `compressed 15.5 MB (46 %)`.
    pub(super) fn describe(&self) -> String {
        let size = |format: Format, size_bytes: u64| {
            let share = format_share(size_bytes, self.full_bytes);
            let size = format!("{} ({share})", format_size(size_bytes));
            match self.from {
                // There is but one format.
                DeltaSource::Nothing => size,
                DeltaSource::Version(_) => format!("{size} {format}"),
            }
        };
        let made = self
            .deltas
            .iter()
            .map(|delta| size(delta.format, delta.size_bytes));
        let left_out = self.left_out.iter().map(|left_out| match left_out {
            LeftOut::TooLarge { format, size_bytes } => {
                format!("{} left out, saves too little", size(*format, *size_bytes))
            }
            LeftOut::Failed { format, reason } => match self.from {
                DeltaSource::Nothing => format!("none: {reason}"),
                DeltaSource::Version(_) => format!("no {format}: {reason}"),
            },
        });
        let words: Vec<String> = made.chain(left_out).collect();
        let words = words.join(", ");
        match &self.from {
            DeltaSource::Nothing => format!("compressed {words}"),
            DeltaSource::Version(from) => format!("delta      from {from}: {words}"),
        }
    }

    /// For scripts: what there is not.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = DeltaOutcome> {
        self.left_out.iter().map(|left_out| match left_out {
            LeftOut::TooLarge { format, size_bytes } => DeltaOutcome {
                from_version: self.from.clone(),
                format: format.name(),
                size_bytes: *size_bytes,
                result: DeltaResult::TooLarge,
            },
            LeftOut::Failed { format, .. } => DeltaOutcome {
                from_version: self.from.clone(),
                format: format.name(),
                size_bytes: 0,
                result: DeltaResult::Failed,
            },
        })
    }
}

impl MadeDelta {
    /// What stands before its bar.
    pub(in crate::commands::publish) fn label(&self) -> String {
        match &self.from {
            DeltaSource::Nothing => "compressed".to_owned(),
            DeltaSource::Version(from) => format!("{} {from}", self.format),
        }
    }

    /// What to call it in a sentence: `jar delta from 2.0.0`, or `compressed file`.
    pub(super) fn name(&self) -> String {
        match &self.from {
            DeltaSource::Nothing => "compressed file".to_owned(),
            DeltaSource::Version(from) => format!("{} delta from {from}", self.format),
        }
    }

    pub(super) fn outcome(&self, result: DeltaResult) -> DeltaOutcome {
        DeltaOutcome {
            from_version: self.from.clone(),
            format: self.format.name(),
            size_bytes: self.size_bytes,
            result,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::limits::DELTA_PERCENT_MAX;

    use super::*;

    fn job(old: &[u8], new: Vec<u8>, folder: &Path) -> Job {
        let path = folder.join("old.jar");
        std::fs::write(&path, old).unwrap();
        Job {
            position: 0,
            from: "2.0.0".parse().unwrap(),
            old: Some(path),
            new: Arc::new(new),
            formats: Format::ALL.to_vec(),
            largest_percent: DELTA_PERCENT_MAX,
            folder: folder.to_owned(),
            done: Counter::default(),
        }
    }

    #[test]
    fn a_file_that_is_no_jar_gets_the_format_for_all_files() {
        let folder = tempfile::tempdir().unwrap();
        let old = b"one two three four ".repeat(500);
        let new = [&old[..], b"five"].concat();
        let job = job(&old, new, folder.path());
        let done = Arc::clone(&job.done);
        let made = make(job).unwrap();
        let formats: Vec<Format> = made.deltas.iter().map(|delta| delta.format).collect();
        assert_eq!(formats, [Format::Zstd]);
        assert_eq!(done.load(Ordering::Relaxed), 2);
        assert!(!folder.path().join("old.jar").exists());
    }

    #[test]
    fn what_saves_too_little_is_left_out_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let made = make(job(b"", b"q8#fZ!".to_vec(), folder.path())).unwrap();
        assert!(made.deltas.is_empty());
        assert!(
            made.describe().contains("zstd left out, saves too little"),
            "{}",
            made.describe()
        );
        assert_eq!(made.outcomes().count(), 1);
    }

    #[test]
    fn a_jar_is_compressed_from_nothing_and_what_is_no_jar_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let from_nothing = |new: Vec<u8>| Job {
            from: DeltaSource::Nothing,
            old: None,
            formats: vec![Format::Jar],
            ..job(b"", new, folder.path())
        };
        let (jar, _) = fixtures::jars::jar_pair(1, 200_000);
        let made = make(from_nothing(jar.clone())).unwrap();
        let [compressed] = &made.deltas[..] else {
            panic!("{}", made.describe());
        };
        assert!(compressed.size_bytes < jar.len() as u64);
        let patch = std::fs::read(&compressed.file).unwrap();
        delta::verify(b"", &patch, &jar).unwrap();
        let line = made.describe();
        assert!(
            line.starts_with("compressed ") && line.ends_with(" %)"),
            "{line}"
        );

        let made = make(from_nothing(b"no JAR".repeat(100))).unwrap();
        let line = made.describe();
        assert!(line.starts_with("compressed none: "), "{line}");
    }

    #[test]
    fn a_delta_that_was_asked_for_by_version_may_be_large() {
        let folder = tempfile::tempdir().unwrap();
        let old: Vec<u8> = (0..60_u8).collect();
        let new: Vec<u8> = (0..240_u8).collect();
        let made = make(job(&old, new.clone(), folder.path())).unwrap();
        assert!(made.deltas.is_empty(), "{}", made.describe());
        let mut named = job(&old, new, folder.path());
        named.largest_percent = LARGEST_PERCENT_WHEN_NAMED;
        let made = make(named).unwrap();
        assert_eq!(made.deltas.len(), 1, "{}", made.describe());
    }

    #[test]
    fn a_line_names_format_and_size() {
        let delta = |format, size_bytes| MadeDelta {
            from: "26.9.16".parse().unwrap(),
            format,
            file: PathBuf::new(),
            size_bytes,
            checksum: Checksum::from_bytes([0; 32]),
        };
        let made = FromBase {
            position: 0,
            from: "26.9.16".parse().unwrap(),
            full_bytes: 32_400_000,
            deltas: vec![delta(Format::Jar, 53_000), delta(Format::Zstd, 2_470_000)],
            left_out: Vec::new(),
        };
        assert_eq!(
            made.describe(),
            "delta      from 26.9.16: 53 kB (0.2 %) jar, 2.5 MB (7.6 %) zstd"
        );
    }
}
