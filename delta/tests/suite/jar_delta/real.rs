//! JARs that other people released. Printed as `SKIPPED` where the machine cannot fetch them.

use std::fs;
use std::path::PathBuf;

use delta::{Format, Options, create, create_best, verify};
use fixtures::pairs::{JDEPLOY, PY4J};

#[test]
fn releases_of_py4j_come_back_small() {
    match PY4J.fetch() {
        Ok(jars) => come_back_small(jars),
        Err(error) => println!("SKIPPED: {error:#}"),
    }
}

#[test]
fn releases_of_jdeploy_come_back_small() {
    match JDEPLOY.fetch() {
        Ok(jars) => come_back_small(jars),
        Err(error) => println!("SKIPPED: {error:#}"),
    }
}

/// When this was written the patches took an 800th of py4j and a 2,900th of jdeploy.
fn come_back_small((old, new): (PathBuf, PathBuf)) {
    let [old, new] = [old, new].map(|path| fs::read(path).unwrap());
    let (format, patch) = create_best(&old, &new, Options::default()).unwrap();
    assert_eq!(format, Format::Jar);
    verify(&old, &patch, &new).unwrap();
    assert!(
        patch.len() * 400 < new.len(),
        "{} of {}",
        patch.len(),
        new.len()
    );
    let back = create(Format::Jar, &new, &old, Options { level: Some(3) }).unwrap();
    verify(&new, &back, &old).unwrap();
}
