//! Makes reproducible JARs: the same files give the same bytes on every machine and at any time.
//!
//! The order of entries, their times and attributes, the deflate library and its level are all
//! fixed here (format `relctl-jar-1`); nothing of the file system but names and contents counts.

mod error;
mod manifest;
mod time;
mod tree;
mod write;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::checksum::{self, Digest};
use crate::jar::{self, DetectedVersion, JarLimits, JarSummary};
use crate::staged::StagedFile;
use tree::Tree;

pub use error::PackageError;

/// The name of what is fixed here. Other bytes for the same files need another name.
pub const FORMAT: &str = "relctl-jar-1";

/// How files become a JAR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageOptions {
    /// Becomes the manifest's `Main-Class`.
    pub main_class: Option<String>,
    /// Becomes the manifest's `Implementation-Version`.
    pub version: Option<String>,
    /// A manifest that takes the place of the one among the files.
    pub manifest: Option<PathBuf>,
    /// Further main attributes; they replace those of the manifest.
    pub attributes: Vec<(String, String)>,
    /// `SOURCE_DATE_EPOCH`: the time of every entry, in seconds since 1970. Without it, and for
    /// earlier times, all entries are of 1980-01-01 12:01.
    pub epoch_seconds: Option<i64>,
    /// zlib's level, 1 to 9; 0 stores everything.
    pub level: u8,
    /// Files and folders that are not packed, such as what is written beside the JAR. They need not exist.
    pub left_out: Vec<PathBuf>,
    /// What the JAR may be, before and after.
    pub limits: JarLimits,
}

impl Default for PackageOptions {
    fn default() -> Self {
        PackageOptions {
            main_class: None,
            version: None,
            manifest: None,
            attributes: Vec::new(),
            epoch_seconds: None,
            level: 9,
            left_out: Vec::new(),
            limits: JarLimits::default(),
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
    let mut left_out = options.left_out.clone();
    left_out.push(out.to_owned());
    pack(&Tree::of_folder(folder, &left_out)?, out, options)
}

/// Packs what is in `jar` anew, as if it were a folder. A signed JAR is refused: with another
/// manifest its signature would be worth nothing.
pub fn normalize_jar(
    jar: &Path,
    out: &Path,
    options: &PackageOptions,
) -> Result<Packaged, PackageError> {
    pack(&Tree::of_jar(jar, &options.limits)?, out, options)
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

/// The version of a folder, or of a JAR that is to be packed anew: what the manifest with the
/// options' attributes, or Maven's notes, or the name of the input say.
pub fn detect_version(
    input: &Path,
    options: &PackageOptions,
) -> Result<DetectedVersion, PackageError> {
    let tree = match input.is_dir() {
        true => Tree::of_folder(input, &options.left_out)?,
        false => Tree::of_jar(input, &options.limits)?,
    };
    let (manifest, _) = manifest::merged(&tree, options)?;
    let full = input.canonicalize();
    let full = full.map_err(PackageError::file("read", input))?;
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    Ok(jar::version_of(&manifest, &tree.pom_properties()?, &name)?)
}

fn pack(tree: &Tree, out: &Path, options: &PackageOptions) -> Result<Packaged, PackageError> {
    if let Some(signature) = tree.signature_file() {
        return Err(PackageError::Signed(signature.to_owned()));
    }
    let manifest = manifest::to_write(tree, options)?;
    let mut staged =
        StagedFile::beside(out).map_err(PackageError::file("create a file beside", out))?;
    write::jar(tree, &manifest, options, &mut staged, out)?;
    publish(staged, out, &options.limits)
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
