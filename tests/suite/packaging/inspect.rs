//! `relctl inspect`: what a file is, and what changed against another.

use std::fs;

use tempfile::TempDir;

use fixtures::jars;
use fixtures::java::{Demo, MAIN_CLASS, compile};

use super::{CHECK_FAILED, document, relctl};

#[test]
fn inspect_tells_what_changed_in_a_jar() {
    let folder = TempDir::new().unwrap();
    for (version, demo) in [("1.0.0", Demo::V1), ("1.1.0", Demo::V2)] {
        let classes = format!("classes-{version}");
        compile(demo, &folder.path().join(&classes));
        let _ = relctl(&["package", &classes, "--version", version, "--name", "demo"])
            .args(["--main-class", MAIN_CLASS])
            .in_folder(folder.path())
            .succeed();
    }
    let dist = folder.path().join("dist");
    let against = ["inspect", "demo-1.1.0.jar", "--against", "demo-1.0.0.jar"];
    let found = document(&dist, &[&against[..], &["--list"]].concat());
    assert_eq!(found["contents"]["kind"], "jar");
    assert_eq!(found["contents"]["facts"]["version"], "1.1.0");
    assert_eq!(found["contents"]["facts"]["jar"]["mainClass"], MAIN_CLASS);
    let changes = &found["against"]["changes"]["found"];
    let count = |name: &str| changes[name].as_array().unwrap().len() as u64;
    let all = found["contents"]["facts"]["list"].as_array().unwrap().len() as u64;
    assert_eq!(found["contents"]["facts"]["jar"]["entries"], all);
    assert!(count("changed") > 1, "{changes:#}");
    let unchanged = changes["unchanged"].as_u64().unwrap();
    assert_eq!(
        count("added") + count("changed") + unchanged,
        all,
        "{changes:#}"
    );
    let attribute = &changes["manifest"][0];
    assert_eq!(attribute["name"], "Implementation-Version");
    assert_eq!(
        (&attribute["old"], &attribute["new"]),
        (&"1.0.0".into(), &"1.1.0".into())
    );
    let said = relctl(&against).env("LC_ALL", "C.UTF-8");
    let said = said.in_folder(&dist).succeed();
    assert!(
        said.contains("Implementation-Version: 1.0.0 → 1.1.0"),
        "{said}"
    );

    // Release files are compared field by field, and with the JAR beside them.
    let releases = [
        "inspect",
        "demo-1.1.0.release.json",
        "--against",
        "demo-1.0.0.release.json",
    ];
    let found = document(&dist, &releases);
    let fields = found["against"]["changes"]["found"]["fields"].to_string();
    assert!(fields.contains("artifacts.0.sha256"), "{fields}");
    fs::copy(dist.join("demo-1.0.0.jar"), dist.join("demo-1.1.0.jar")).unwrap();
    let _ = relctl(&releases)
        .in_folder(&dist)
        .run()
        .exits_with(CHECK_FAILED);
}

#[test]
fn inspect_tells_what_a_delta_is_for() {
    let folder = TempDir::new().unwrap();
    let (old, new) = jars::jar_pair(1, 100_000);
    for (name, bytes) in [("old.jar", &old), ("new.jar", &new)] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let create = [
        "delta", "create", "old.jar", "new.jar", "-o", "patch", "--format", "jar",
    ];
    let _ = relctl(&create).in_folder(folder.path()).succeed();
    for (other, role) in [
        ("old.jar", "source"),
        ("new.jar", "target"),
        ("patch", "neither"),
    ] {
        let found = document(folder.path(), &["inspect", "patch", "--against", other]);
        assert_eq!(found["contents"]["kind"], "delta");
        assert_eq!(found["against"]["changes"]["found"]["role"], role);
    }
}
