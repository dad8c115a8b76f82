//! A signed JAR stays signed.

use std::fs;

use delta::{ApplyLimits, apply};

use super::super::compiled::{jar_of, java_pair};
use super::super::tool::run;
use super::{read, round_trip};

#[test]
fn a_signed_jar_still_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, classes) in ["old.jar", "new.jar"].iter().zip(java_pair("11")) {
        fs::write(path(name), jar_of(&classes)).unwrap();
    }
    let store = ["-keystore", "keys", "-storepass", "secret"];
    let generate = [
        "-genkeypair",
        "-alias",
        "me",
        "-keyalg",
        "EC",
        "-dname",
        "CN=me",
    ];
    run(folder.path(), "keytool", &[&generate[..], &store].concat());
    for jar in ["old.jar", "new.jar"] {
        run(
            folder.path(),
            "jarsigner",
            &[&store[..], &[jar, "me"]].concat(),
        );
    }
    let [old, new] = read(folder.path(), ["old.jar", "new.jar"]);
    let patch = round_trip(&old, &new);
    let mut rebuilt = Vec::new();
    apply(&old, &patch, &ApplyLimits::default(), &mut rebuilt).unwrap();
    fs::write(path("rebuilt.jar"), rebuilt).unwrap();
    let said = run(folder.path(), "jarsigner", &["-verify", "rebuilt.jar"]);
    assert!(said.contains("jar verified"), "{said}");
}
