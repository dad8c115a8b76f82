//! Makes reproducible JARs: the same files give the same bytes on every machine and at any time.
//!
//! The order of entries, their times and attributes, the deflate library and its level are all
//! fixed here (format `relctl-jar-1`); nothing of the file system but names and contents counts.

mod error;
mod time;
mod tree;
mod write;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::checksum::{self, Digest};
use crate::jar::{self, JarLimits, JarSummary, Manifest, why_bad_attribute};
use crate::staged::StagedFile;

pub use error::PackageError;

/// How a folder becomes a JAR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageOptions {
    /// Becomes the manifest's `Main-Class`.
    pub main_class: Option<String>,
    /// Becomes the manifest's `Implementation-Version`.
    pub version: Option<String>,
    /// Further main attributes; they replace those of the folder's own manifest.
    pub attributes: Vec<(String, String)>,
    /// `SOURCE_DATE_EPOCH`: the time of every entry, in seconds since 1970. Without it, and for
    /// earlier times, all entries are of 1980-02-01.
    pub epoch_seconds: Option<i64>,
    /// zlib's level, 1 to 9; 0 stores everything.
    pub level: u8,
}

impl Default for PackageOptions {
    fn default() -> Self {
        PackageOptions {
            main_class: None,
            version: None,
            attributes: Vec::new(),
            epoch_seconds: None,
            level: 9,
        }
    }
}

/// A JAR that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaged {
    pub path: PathBuf,
    pub size_bytes: u64,
    pub sha256: Digest,
    /// What the checks found in it, such as the number of entries.
    pub summary: JarSummary,
}

/// Packs the classes and resources in `folder` into the JAR `out`, in place of what was there.
///
/// A `META-INF/MANIFEST.MF` in the folder is kept, with the options' attributes added or replaced.
/// `out` itself is left out when it lies in the folder, so that packing again gives the same bytes.
///
/// ```no_run
/// use delta::package::{PackageOptions, package_directory};
///
/// let options = PackageOptions {
///     main_class: Some("app.Main".to_owned()),
///     version: Some("2.1.0".to_owned()),
///     ..PackageOptions::default()
/// };
/// let made = package_directory("classes".as_ref(), "app-2.1.0.jar".as_ref(), &options)?;
/// println!("{} with {} entries", made.path.display(), made.summary.entries);
/// # Ok::<(), delta::package::PackageError>(())
/// ```
pub fn package_directory(
    folder: &Path,
    out: &Path,
    options: &PackageOptions,
) -> Result<Packaged, PackageError> {
    let files = tree::list(folder, out)?;
    let manifest = manifest(folder, options)?;
    let mut staged =
        StagedFile::beside(out).map_err(PackageError::file("create a file beside", out))?;
    write::jar(&files, &manifest, options, &mut staged, out)?;
    publish(staged, out, &JarLimits::default())
}

/// Copies an existing JAR, byte for byte, to `out` after checking it.
///
/// Signed or not, its bytes stay as they are: repacking would change every signature's file and
/// every delta.
pub fn package_jar(jar: &Path, out: &Path, limits: &JarLimits) -> Result<Packaged, PackageError> {
    let mut source = File::open(jar).map_err(PackageError::file("read", jar))?;
    let mut staged =
        StagedFile::beside(out).map_err(PackageError::file("create a file beside", out))?;
    io::copy(&mut source, &mut staged).map_err(PackageError::file("copy", jar))?;
    publish(staged, out, limits)
}

/// Checks what was written, which is what counts, and gives it its name.
fn publish(
    mut staged: StagedFile,
    out: &Path,
    limits: &JarLimits,
) -> Result<Packaged, PackageError> {
    let failed = || PackageError::file("write", out);
    let file = staged.written().map_err(failed())?;
    let summary = jar::inspect_file(file, limits)?;
    let file = staged.written().map_err(failed())?;
    let (sha256, size_bytes) = checksum::sha256_reader(file).map_err(failed())?;
    staged.publish().map_err(failed())?;
    Ok(Packaged {
        path: out.to_owned(),
        size_bytes,
        sha256,
        summary,
    })
}

/// The manifest to write: the folder's own, if it has one, with the options' attributes.
fn manifest(folder: &Path, options: &PackageOptions) -> Result<Vec<u8>, PackageError> {
    let path = folder.join(tree::MANIFEST);
    let own = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(PackageError::file("read", &path)(error)),
    };
    let (own_main, end) =
        Manifest::parse(&own).map_err(|source| PackageError::Manifest { path, source })?;
    let mut main = Manifest::default();
    // The JVM wants this one first.
    main.set("Manifest-Version", "1.0");
    for (name, value) in own_main.attributes() {
        main.set(name, value);
    }
    main.set("Created-By", "relctl");
    let given = options
        .version
        .iter()
        .map(|version| ("Implementation-Version", version));
    let given = given.chain(options.main_class.iter().map(|class| ("Main-Class", class)));
    let given = given.chain(
        options
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value)),
    );
    for (name, value) in given {
        if let Some(reason) = why_bad_attribute(name, value) {
            let name = name.to_owned();
            return Err(PackageError::Attribute { name, reason });
        }
        main.set(name, value);
    }
    let mut bytes = main.to_bytes();
    bytes.extend_from_slice(&own[end..]);
    Ok(bytes)
}
