//! Lists what goes into a JAR, in the order in which it goes.

use std::fs;
use std::path::{Path, PathBuf};

use super::PackageError;

pub(super) const META_INF: &str = "META-INF/";
pub(super) const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// A file or folder below the packed one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// As in the JAR: with `/` between segments, and at the end of a folder.
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Item {
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// Lists everything below `folder` but the manifest and the JAR in the making: first `META-INF/`
/// with what is in it, as some readers expect it there, then the rest, by the bytes of the names.
pub(super) fn list(folder: &Path, out: &Path) -> Result<Vec<Item>, PackageError> {
    let out = same_file_name(out);
    let mut items = Vec::new();
    let mut pending = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = pending.pop() {
        let failed = || PackageError::file("read", &folder);
        for entry in fs::read_dir(&folder).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let path = entry.path();
            let Ok(segment) = entry.file_name().into_string() else {
                return Err(PackageError::NameNotUtf8(path));
            };
            let name = format!("{prefix}{segment}");
            // `file_type` does not follow links: what they lead to differs between machines.
            let kind = entry
                .file_type()
                .map_err(PackageError::file("read", &path))?;
            if kind.is_symlink() {
                return Err(PackageError::Symlink(path));
            } else if kind.is_dir() {
                pending.push((path.clone(), format!("{name}/")));
                items.push(Item {
                    name: format!("{name}/"),
                    path,
                });
            } else if !kind.is_file() {
                return Err(PackageError::SpecialFile(path));
            } else if name != MANIFEST && (out.is_none() || same_file_name(&path) != out) {
                items.push(Item { name, path });
            }
        }
    }
    items.retain(|item| item.name != META_INF);
    items.sort_by(|a, b| {
        let rank = |item: &Item| !item.name.starts_with(META_INF);
        (rank(a), &a.name).cmp(&(rank(b), &b.name))
    });
    Ok(items)
}

/// A path that two spellings of the same file share; the file need not exist, its folder must.
fn same_file_name(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}
