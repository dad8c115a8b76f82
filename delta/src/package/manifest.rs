//! The manifest of a JAR in the making: that of the files or of the options, completed.

use std::fs;
use std::path::PathBuf;

use super::tree::{MANIFEST, Tree};
use super::{PackageError, PackageOptions};
use crate::jar::{Manifest, why_bad_attribute};

/// They say when and by whom something was built, which must not make a difference.
const OF_ONE_BUILD: [&str; 2] = ["Built-By", "Bnd-LastModified"];

/// All bytes of the manifest to write.
pub(super) fn to_write(tree: &Tree, options: &PackageOptions) -> Result<Vec<u8>, PackageError> {
    let (main, sections) = merged(tree, options)?;
    let mut bytes = main.to_bytes();
    bytes.extend_from_slice(&sections);
    Ok(bytes)
}

/// The main section with the options' attributes, and the sections of single entries as they are.
pub(super) fn merged(
    tree: &Tree,
    options: &PackageOptions,
) -> Result<(Manifest, Vec<u8>), PackageError> {
    let (path, mut own) = match &options.manifest {
        Some(path) => {
            let bytes = fs::read(path).map_err(PackageError::file("read the manifest", path))?;
            (path.clone(), bytes)
        }
        None => (PathBuf::from(MANIFEST), tree.manifest()?),
    };
    let (own_main, end) =
        Manifest::parse(&own).map_err(|source| PackageError::Manifest { path, source })?;
    let mut main = Manifest::default();
    // The JVM wants this one first.
    main.set("Manifest-Version", "1.0");
    for (name, value) in own_main.attributes() {
        if !OF_ONE_BUILD
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
        {
            main.set(name, value);
        }
    }
    main.set("Created-By", "relctl");
    for (name, value) in given(options) {
        if let Some(reason) = why_bad_attribute(name, value) {
            let name = name.to_owned();
            return Err(PackageError::Attribute { name, reason });
        }
        main.set(name, value);
    }
    Ok((main, own.split_off(end)))
}

/// The attributes of the options; the last of a name wins.
fn given(options: &PackageOptions) -> impl Iterator<Item = (&str, &str)> {
    let version = options.version.iter();
    let main_class = options.main_class.iter();
    let others = options.attributes.iter();
    version
        .map(|version| ("Implementation-Version", version.as_str()))
        .chain(main_class.map(|class| ("Main-Class", class.as_str())))
        .chain(others.map(|(name, value)| (name.as_str(), value.as_str())))
}
