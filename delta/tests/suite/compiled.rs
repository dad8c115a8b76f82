//! Classes of two versions of a program, really compiled. The sources lie in `delta/tests/sources`.

use std::fs;
use std::path::{Path, PathBuf};

use fixtures::archive::{Archive, Entry};

use super::tool::run;

/// Paths below a folder, in order, and what the files hold.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// What the second version of a Java class has in the place of the comment that says so.
pub(crate) const JAVA_CHANGE: &str = "static String added(int n) { return \"added \" + n + new java.util.ArrayDeque<Integer>(); }\n\n\n";

/// Starts a JVM for a program that is over before it is worth compiling well.
pub(crate) const QUICK_JVM: [&str; 2] = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

const MARK: &str = "/* change */";

/// Copies a source of this folder, with the mark replaced.
pub(crate) fn source(name: &str, change: &str, to: &Path) {
    let path = sources().join(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::create_dir_all(to).unwrap();
    fs::write(to.join(name), text.replace(MARK, change)).unwrap();
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sources")
}

/// Both versions for one release.
pub(crate) fn java_pair(release: &str) -> [Files; 2] {
    let names: &[&str] = match release {
        "17" => &["Plain.java", "Sample.java", "Modern.java"],
        _ => &["Plain.java", "Sample.java"],
    };
    ["", JAVA_CHANGE].map(|change| {
        let folder = tempfile::tempdir().unwrap();
        let mut args = vec!["-J-XX:TieredStopAtLevel=1", "-nowarn", "-g", "-parameters"];
        args.extend(["--release", release, "-d", "out"]);
        for name in names {
            source(name, change, folder.path());
        }
        args.extend(names);
        run(folder.path(), "javac", &args);
        files_below(&folder.path().join("out"))
    })
}

/// Both versions for every release that the JDK can make, by the release's number.
pub(crate) fn java_pairs() -> Vec<(u32, [Files; 2])> {
    let folder = tempfile::tempdir().unwrap();
    let versions = [("old", ""), ("new", JAVA_CHANGE)];
    for (version, change) in versions {
        for name in [
            "Plain.java",
            "Sample.java",
            "Modern.java",
            "module-info.java",
        ] {
            source(name, change, &folder.path().join(version));
        }
    }
    let compile_all = sources().join("CompileAll.java");
    let program = [compile_all.to_str().unwrap(), "old", "new"];
    run(folder.path(), "java", &[&QUICK_JVM[..], &program].concat());
    let mut releases: Vec<u32> = fs::read_dir(folder.path().join("old"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .collect();
    releases.sort();
    let classes = |release: u32| {
        versions
            .map(|(version, _)| files_below(&folder.path().join(version).join(release.to_string())))
    };
    releases
        .into_iter()
        .map(|release| (release, classes(release)))
        .collect()
}

pub(crate) fn files_below(folder: &Path) -> Files {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                files.push((name.to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// A JAR as the JDK's own tool would deflate it.
pub(crate) fn jar_of(files: &Files) -> Vec<u8> {
    let entries = files
        .iter()
        .map(|(name, content)| Entry::deflated(name.as_str(), content));
    Archive::new(entries.collect()).to_bytes()
}
