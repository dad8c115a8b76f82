//! The unfinished file, and the note beside it that says what it is the beginning of.

use std::path::{Path, PathBuf};

use protocol::Checksum;
use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::Wanted;
use crate::error::blocking;
use crate::{Error, install};

/// Enough to make system calls rare, little enough to lose when we are killed.
const BUFFER_BYTES: usize = 64 * 1024;

/// An unfinished download on disk.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    note_path: PathBuf,
    note: Note,
    file: BufWriter<File>,
    len: u64,
}

/// What the bytes belong to. Without a tag they cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    path: String,
    checksum: Checksum,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

impl Part {
    /// Takes up what an earlier try left, if it is of the same file, else starts anew.
    pub(super) async fn open(target: &Path, wanted: &Wanted) -> Result<Self, Error> {
        let path = with_suffix(target, ".part");
        let note_path = with_suffix(target, ".part.json");
        let fresh = Note {
            path: wanted.path.clone(),
            checksum: wanted.checksum,
            size_bytes: wanted.size_bytes,
            etag: None,
        };
        let found = match tokio::fs::read(&note_path).await {
            Ok(bytes) => serde_json::from_slice::<Note>(&bytes).ok(),
            Err(_) => None,
        };
        let note = found
            .filter(|found| {
                Note {
                    etag: None,
                    ..found.clone()
                } == fresh
            })
            .unwrap_or(fresh);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .await
            .map_err(Error::file("open", &path))?;
        let found = file.metadata().await.map_err(Error::file("read", &path))?;
        let mut part = Self {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            len: found.len(),
            path,
            note_path,
            note,
        };
        if part.note.etag.is_none() || part.len > wanted.size_bytes {
            part.restart(None).await?;
        }
        Ok(part)
    }

    /// How many bytes are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Where to go on, and the tag that the file must still have.
    pub(super) fn resume_point(&self) -> Option<(u64, &str)> {
        let tag = self.note.etag.as_deref()?;
        (self.len > 0).then_some((self.len, tag))
    }

    /// Forgets the bytes, and notes the tag of the file that comes now.
    pub(super) async fn restart(&mut self, etag: Option<String>) -> Result<(), Error> {
        self.flush().await?;
        let failed = Error::file("write", &self.path);
        self.file.get_mut().set_len(0).await.map_err(failed)?;
        self.len = 0;
        // A weak tag may stand for other bytes; If-Range takes strong ones only (RFC 9110, 13.1.5).
        self.note.etag = etag.filter(|tag| tag.starts_with('"'));
        let text = serde_json::to_vec(&self.note).unwrap_or_default();
        tokio::fs::write(&self.note_path, text)
            .await
            .map_err(Error::file("write", &self.note_path))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let failed = Error::file("write", &self.path);
        self.file.write_all(bytes).await.map_err(failed)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        let failed = Error::file("write", &self.path);
        self.file.flush().await.map_err(failed)
    }

    /// Compares the SHA-256 and gives the file its name. Wrong bytes are removed: going on with them is useless.
    pub(super) async fn finish(mut self, target: &Path, wanted: &Wanted) -> Result<(), Error> {
        self.flush().await?;
        let failed = Error::file("write", &self.path);
        self.file.get_ref().sync_all().await.map_err(failed)?;
        let Self {
            path, note_path, ..
        } = self;
        let (target, wanted) = (target.to_owned(), wanted.clone());
        blocking(move || {
            let (digest, _) =
                delta::checksum::sha256_file(&path).map_err(Error::file("read", &path))?;
            let actual = Checksum::from_bytes(digest);
            if actual != wanted.checksum {
                remove(&path)?;
                remove(&note_path)?;
                return Err(Error::Mismatch {
                    what: wanted.what(),
                    expected: wanted.checksum,
                    actual,
                });
            }
            std::fs::rename(&path, &target).map_err(Error::file("put in place", &target))?;
            install::sync_folder_of(&target)?;
            remove(&note_path)
        })
        .await
    }
}

/// How many bytes an earlier try left beside `target`.
pub(super) fn len_beside(target: &Path) -> u64 {
    std::fs::metadata(with_suffix(target, ".part")).map_or(0, |found| found.len())
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(bytes: &[u8]) -> Wanted {
        Wanted {
            path: "/api/v1/updates/download/2.1.0".into(),
            size_bytes: bytes.len() as u64,
            checksum: Checksum::from_bytes(delta::checksum::sha256(bytes)),
        }
    }

    #[tokio::test]
    async fn what_an_earlier_try_left_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("app.jar");
        let wanted = wanted(b"onetwo");
        let mut part = Part::open(&target, &wanted).await.unwrap();
        part.restart(Some("\"tag\"".into())).await.unwrap();
        part.write(b"one").await.unwrap();
        part.flush().await.unwrap();
        drop(part);

        let mut part = Part::open(&target, &wanted).await.unwrap();
        assert_eq!(part.resume_point(), Some((3, "\"tag\"")));
        part.write(b"two").await.unwrap();
        part.finish(&target, &wanted).await.unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"onetwo");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn the_beginning_of_another_file_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("app.jar");
        let mut part = Part::open(&target, &wanted(b"onetwo")).await.unwrap();
        part.restart(Some("\"tag\"".into())).await.unwrap();
        part.write(b"one").await.unwrap();
        part.flush().await.unwrap();

        let part = Part::open(&target, &wanted(b"other!")).await.unwrap();
        assert_eq!((part.len(), part.resume_point()), (0, None));
    }

    #[tokio::test]
    async fn without_a_strong_tag_nothing_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("app.jar");
        let wanted = wanted(b"onetwo");
        let mut part = Part::open(&target, &wanted).await.unwrap();
        part.restart(Some("W/\"tag\"".into())).await.unwrap();
        part.write(b"one").await.unwrap();
        part.flush().await.unwrap();
        assert_eq!(Part::open(&target, &wanted).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn wrong_bytes_get_no_name_and_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("app.jar");
        let wanted = wanted(b"onetwo");
        let mut part = Part::open(&target, &wanted).await.unwrap();
        part.write(b"oneTWO").await.unwrap();
        let error = part.finish(&target, &wanted).await.unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
