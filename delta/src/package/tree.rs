//! What goes into a JAR, in the order in which it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::PackageError;
use crate::jar::{self, JarError, JarLimits, PomProperties};
use crate::staged::is_leftover;

pub(super) const META_INF: &str = "META-INF/";
pub(super) const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// A file or folder of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// As in the JAR: with `/` between segments, and at the end of a folder.
    pub(super) name: String,
    pub(super) content: Content,
    /// As it was when the tree was listed.
    pub(super) size_bytes: u64,
}

/// Where the content of an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Folder,
    File(PathBuf),
    /// By its place in the central directory of the JAR that is packed anew.
    Entry(usize),
}

/// A folder, or a JAR that passed its checks.
#[derive(Debug)]
pub(super) struct Tree {
    manifest: Option<Item>,
    /// Everything but `META-INF/` and the manifest, by the bytes of the names.
    items: Vec<Item>,
    jar: Option<PathBuf>,
}

impl Tree {
    /// Everything below `folder` but what is left out, and what a killed run of ours left behind.
    pub(super) fn of_folder(folder: &Path, left_out: &[PathBuf]) -> Result<Tree, PackageError> {
        let root = folder.canonicalize();
        let root = root.map_err(PackageError::file("read", folder))?;
        let left_out: BTreeSet<PathBuf> = left_out
            .iter()
            .filter_map(|path| same_file_name(path))
            .collect();
        let mut items = BTreeMap::new();
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
                if left_out.contains(&root.join(&name)) || is_leftover(&segment) {
                    continue;
                }
                let unreadable = || PackageError::file("read", &path);
                // Not that of what a link leads to, which differs between machines.
                let found = entry.metadata().map_err(unreadable())?;
                if found.is_symlink() {
                    return Err(PackageError::Symlink(path));
                } else if found.is_dir() {
                    pending.push((path, format!("{name}/")));
                    items.insert(format!("{name}/"), (Content::Folder, 0));
                } else if !found.is_file() {
                    return Err(PackageError::SpecialFile(path));
                } else {
                    items.insert(name, (Content::File(path), found.len()));
                }
            }
        }
        Ok(Tree::new(items, None))
    }

    /// Everything in `jar`, with the folders that it does not mention.
    pub(super) fn of_jar(jar: &Path, limits: &JarLimits) -> Result<Tree, PackageError> {
        // What is odd about it may be mended; what comes of it is checked again.
        let limits = JarLimits {
            strict: false,
            ..*limits
        };
        let summary = jar::inspect(jar, &limits).map_err(|error| match error {
            JarError::Io(source) => PackageError::file("read", jar)(source),
            error => PackageError::Jar(error),
        })?;
        if summary.has_prefix() {
            return Err(PackageError::Prefix(jar.to_owned()));
        }
        let mut archive = open(jar)?;
        let mut items = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index);
            let entry = entry.map_err(PackageError::file("read", jar))?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            for (end, _) in name.match_indices('/') {
                items.insert(name[..=end].to_owned(), (Content::Folder, 0));
            }
            if !name.ends_with('/') {
                items.insert(name, (Content::Entry(index), entry.size()));
            }
        }
        Ok(Tree::new(items, Some(jar.to_owned())))
    }

    /// A map has the order that is wanted: no two names are the same, and bytes decide.
    fn new(items: BTreeMap<String, (Content, u64)>, jar: Option<PathBuf>) -> Tree {
        let items = items.into_iter().map(|(name, (content, size_bytes))| Item {
            name,
            content,
            size_bytes,
        });
        let mut items: Vec<Item> = items.filter(|item| item.name != META_INF).collect();
        // The JVM finds it without regard to case.
        let place = items
            .iter()
            .position(|item| item.name.eq_ignore_ascii_case(MANIFEST));
        Tree {
            manifest: place.map(|place| items.remove(place)),
            items,
            jar,
        }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The manifest's bytes; none where there is none.
    pub(super) fn manifest(&self) -> Result<Vec<u8>, PackageError> {
        match &self.manifest {
            Some(item) => self.reader()?.read(item),
            None => Ok(Vec::new()),
        }
    }

    /// Maven's notes.
    pub(super) fn pom_properties(&self) -> Result<Vec<PomProperties>, PackageError> {
        let mut reader = self.reader()?;
        let mut found = Vec::new();
        for item in &self.items {
            if PomProperties::is_name(&item.name) {
                found.extend(PomProperties::parse(&reader.read(item)?));
            }
        }
        Ok(found)
    }

    /// The first signature, if there is one.
    pub(super) fn signature_file(&self) -> Option<&str> {
        let names = self.items.iter().map(|item| item.name.as_str());
        names.into_iter().find(|name| jar::is_signature_file(name))
    }

    /// For one thread.
    pub(super) fn reader(&self) -> Result<Reader, PackageError> {
        let jar = match &self.jar {
            Some(path) => Some((path.clone(), open(path)?)),
            None => None,
        };
        Ok(Reader { jar })
    }
}

/// Reads contents of a tree.
#[derive(Debug)]
pub(super) struct Reader {
    jar: Option<(PathBuf, ZipArchive<BufReader<File>>)>,
}

impl Reader {
    /// The content of an item and its size in bytes; nothing for a folder.
    pub(super) fn open<'a>(
        &'a mut self,
        content: &'a Content,
    ) -> Result<(Box<dyn Read + 'a>, u64), PackageError> {
        match (content, &mut self.jar) {
            (Content::File(path), _) => {
                let unreadable = || PackageError::file("read", path);
                let file = File::open(path).map_err(unreadable())?;
                let size_bytes = file.metadata().map_err(unreadable())?.len();
                Ok((Box::new(file), size_bytes))
            }
            (&Content::Entry(index), Some((path, archive))) => {
                let entry = archive.by_index(index);
                let entry = entry.map_err(PackageError::file("read", path))?;
                let size_bytes = entry.size();
                Ok((Box::new(entry), size_bytes))
            }
            (Content::Folder, _) | (Content::Entry(_), None) => Ok((Box::new(std::io::empty()), 0)),
        }
    }

    /// For small items.
    fn read(&mut self, item: &Item) -> Result<Vec<u8>, PackageError> {
        let mut bytes = Vec::new();
        let (mut content, _) = self.open(&item.content)?;
        content
            .read_to_end(&mut bytes)
            .map_err(PackageError::file("read", Path::new(&item.name)))?;
        Ok(bytes)
    }
}

fn open(jar: &Path) -> Result<ZipArchive<BufReader<File>>, PackageError> {
    let file = File::open(jar).map_err(PackageError::file("read", jar))?;
    ZipArchive::new(BufReader::new(file)).map_err(PackageError::file("read", jar))
}

/// A path that two spellings of the same file share; the file need not exist, its folder must, or
/// there is nothing to leave out.
fn same_file_name(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}
