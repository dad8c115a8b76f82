//! `relctl package`: the same bytes everywhere, and JARs that everybody's tools accept.

mod inspect;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use fixtures::archive::Archive;
use fixtures::java::{Demo, MAIN_CLASS, compile};
use fixtures::{broken, jars};
use tests::process::{Process, Stream};
use tests::wait::PATIENCE;
use tests::{Relctl, java};

use crate::BINARIES;

const CHECK_FAILED: i32 = 3;
const USAGE: i32 = 2;

const FILES: [(&str, &str); 9] = [
    ("META-INF/services/x.Y", "app.Y\n"),
    (
        "BOOT-INF/lib/inner.jar",
        "stored as it is, as it is, as it is",
    ),
    ("Zoë.txt", "a name outside ASCII"),
    (
        "app/i.txt",
        "i and I, which a Turkish locale pairs in its own way",
    ),
    ("app/I/x.txt", "x"),
    ("app.txt", "between a folder and its content"),
    ("app/empty", ""),
    ("z/y/x/w.txt", "deep"),
    ("README", "read me, read me, read me, read me"),
];

#[test]
fn twenty_different_environments_give_the_same_bytes() {
    let zones = [
        "UTC",
        "Asia/Kathmandu",
        "America/St_Johns",
        "Pacific/Kiritimati",
    ];
    let locales = [
        "C",
        "C.UTF-8",
        "tr_TR.UTF-8",
        "de_DE.ISO-8859-1",
        "ja_JP.SJIS",
    ];
    let masks = ["000", "022", "077", "027"];
    let mut random = fastrand::Rng::with_seed(1);
    let mut made = Vec::new();
    for environment in 0..20 {
        let place = TempDir::with_prefix("p".repeat(environment + 1)).unwrap();
        let classes = place.path().join("build").join("classes");
        write_in_some_order(&classes, &mut random);
        let out = place.path().join("dist");
        // In the folder itself, beside it, or somewhere else; by a relative path or an absolute one.
        let (cwd, input) = match environment % 3 {
            0 => (classes.clone(), PathBuf::from(".")),
            1 => (place.path().join("build"), PathBuf::from("classes")),
            _ => (PathBuf::from("/"), classes.clone()),
        };
        let mut shell = Command::new("sh");
        // On one core, and on as many as there are.
        let wrapper = ["taskset -c 0", "env"][environment % 2];
        shell
            .args(["-c", &format!("umask \"$0\" && exec {wrapper} \"$@\"")])
            .args([masks[environment % masks.len()], BINARIES.relctl, "package"])
            .arg(&input)
            .args([
                "--version",
                "2.1.0",
                "--name",
                "app",
                "--main-class",
                "app.Main",
            ])
            .args(["--attribute", "X-Name=Zoë", "-o"])
            .arg(&out)
            .current_dir(cwd)
            .env("TZ", zones[environment % zones.len()])
            .env("LC_ALL", locales[environment % locales.len()])
            .env("USER", format!("user-{environment}"))
            .env("HOME", place.path())
            .env("SOURCE_DATE_EPOCH", "1700000000");
        run(&mut shell);
        let read = |name: &str| fs::read(out.join(name)).unwrap();
        let jar = read("app-2.1.0.jar");
        let others = (read("app-2.1.0.release.json"), read("SHA256SUMS"));
        made.push((crate::sha256(&jar), others));
    }
    let (first, _) = &made[0];
    for (environment, one) in made.iter().enumerate() {
        assert_eq!(&one.0, first, "environment {environment}");
        assert!(one == &made[0], "environment {environment}");
    }
}

/// The same files with other times and modes, created in another order.
fn write_in_some_order(folder: &Path, random: &mut fastrand::Rng) {
    let mut files: Vec<(&str, Vec<u8>)> = FILES
        .iter()
        .map(|(name, content)| (*name, content.as_bytes().to_vec()))
        .collect();
    // Enough for several threads to have something to do.
    for name in ["data/1", "data/2", "data/3", "data/4"] {
        let mut noise = vec![0; 350_000];
        fastrand::Rng::with_seed(2).fill(&mut noise);
        files.push((name, noise.repeat(2)));
    }
    random.shuffle(&mut files);
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let time = Duration::from_secs(random.u64(0..2_000_000_000));
        file.set_modified(SystemTime::UNIX_EPOCH + time).unwrap();
        let mode = [0o400, 0o644, 0o755, 0o600][random.usize(0..4)];
        file.set_permissions(fs::Permissions::from_mode(mode))
            .unwrap();
    }
}

#[test]
fn the_tools_of_others_accept_a_package_and_find_nothing_to_mend() {
    let folder = TempDir::new().unwrap();
    compile(Demo::V1, &folder.path().join("classes"));
    for epoch in [None, Some("1700000000")] {
        let mut package = relctl(&["package", "classes", "--version", "1.0.0", "--name", "demo"])
            .args(["--main-class", MAIN_CLASS])
            .in_folder(folder.path());
        if let Some(epoch) = epoch {
            package = package.env("SOURCE_DATE_EPOCH", epoch);
        }
        let _ = package.succeed();
        let dist = folder.path().join("dist");
        let jar = dist.join("demo-1.0.0.jar");
        assert_eq!(java::run_jar(&jar, &["--version"]), "1.0.0\n");
        let listed = tool(&dist, "jar", &["tf", "demo-1.0.0.jar"]);
        assert!(
            listed.starts_with("META-INF/\nMETA-INF/MANIFEST.MF\n"),
            "{listed}"
        );
        tool(&dist, "jarsigner", &["-verify", "demo-1.0.0.jar"]);
        tool(&dist, "unzip", &["-tq", "demo-1.0.0.jar"]);
        tool(&dist, "sha256sum", &["-c", "--strict", "SHA256SUMS"]);

        let before = fs::read(&jar).unwrap();
        let mut strip = Command::new("strip-nondeterminism");
        strip.args(["--type", "jar"]).arg(&jar);
        if let Some(epoch) = epoch {
            strip.args(["--timestamp", epoch]);
        }
        run(&mut strip);
        assert!(fs::read(&jar).unwrap() == before, "epoch {epoch:?}");
    }
}

#[test]
fn a_signed_jar_is_handed_on_as_it_is_and_never_packed_anew() {
    let folder = TempDir::new().unwrap();
    compile(Demo::V1, &folder.path().join("classes"));
    let package = ["package", "classes", "--version", "1.0.0", "-o", "app.jar"];
    let _ = relctl(&package).in_folder(folder.path()).succeed();
    let store = ["-keystore", "keys", "-storepass", "secret"];
    let key = [
        "-genkeypair",
        "-alias",
        "release",
        "-keyalg",
        "EC",
        "-dname",
        "CN=Release",
    ];
    tool(folder.path(), "keytool", &[&key[..], &store].concat());
    let sign = [&store[..], &["app.jar", "release"]].concat();
    tool(folder.path(), "jarsigner", &sign);
    let signed = fs::read(folder.path().join("app.jar")).unwrap();

    let copy = ["package", "app.jar", "--name", "app", "-o", "dist"];
    let _ = relctl(&copy).in_folder(folder.path()).succeed();
    let dist = folder.path().join("dist");
    assert!(fs::read(dist.join("app-1.0.0.jar")).unwrap() == signed);
    let verified = tool(&dist, "jarsigner", &["-verify", "app-1.0.0.jar"]);
    assert!(verified.contains("jar verified."), "{verified}");
    let facts = document(&dist, &["inspect", "app-1.0.0.release.json"]);
    let artifact = &facts["contents"]["facts"]["artifacts"][0];
    assert_eq!(artifact["jar"]["signatureFiles"][0], "META-INF/RELEASE.SF");
    assert_eq!(artifact["packaging"], Value::Null);

    let anew = ["package", "app.jar", "--normalize", "-o", "anew.jar"];
    let refused = relctl(&anew).in_folder(folder.path()).run();
    let refused = refused.exits_with(CHECK_FAILED);
    assert!(
        refused.stderr.contains("META-INF/RELEASE.SF"),
        "{}",
        refused.story()
    );
    assert!(!folder.path().join("anew.jar").exists());
}

#[test]
fn what_is_broken_is_refused_by_package_and_inspect_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    for (name, jar) in broken::all() {
        fs::write(folder.path().join("app.jar"), jar).unwrap();
        for arguments in [
            &["package", "app.jar", "--version", "1.0.0", "-o", "out.jar"][..],
            &[
                "package",
                "app.jar",
                "--version",
                "1.0.0",
                "--normalize",
                "-o",
                "out.jar",
            ],
            &["inspect", "app.jar"],
        ] {
            let refused = relctl(arguments).in_folder(folder.path()).run();
            let refused = refused.exits_with(CHECK_FAILED);
            assert!(refused.stdout.is_empty(), "{name}: {}", refused.story());
        }
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "{name} left something behind");
    }
}

#[test]
fn java_releases_and_oddities_are_held_to_what_was_asked_for() {
    let folder = TempDir::new().unwrap();
    // Its class is for Java 11, and it starts one that is not there.
    fs::create_dir_all(folder.path().join("classes/app")).unwrap();
    let class = b"\xCA\xFE\xBA\xBE\0\0\0\x37";
    fs::write(folder.path().join("classes/app/Main.class"), class).unwrap();
    let package = |more: &[&str]| {
        relctl(&["package", "classes", "--version", "1.0.0", "-o", "app.jar"])
            .args(more.iter().copied())
            .in_folder(folder.path())
            .run()
    };
    let refused = package(&["--max-java", "8"]).exits_with(CHECK_FAILED);
    assert!(
        refused.stderr.contains("app/Main.class"),
        "{}",
        refused.story()
    );
    let refused = package(&["--strict"]).exits_with(CHECK_FAILED);
    assert!(
        refused.stderr.contains("no Main-Class"),
        "{}",
        refused.story()
    );
    assert!(!folder.path().join("app.jar").exists());
    let _ = package(&["--max-java", "11", "--strict", "--main-class", "app.Main"]).exits_with(0);
    for more in [&["--max-java", "8"][..], &["--max-java", "11", "--strict"]] {
        let inspect = ["inspect", "app.jar"];
        let inspected = relctl(&inspect).args(more.iter().copied());
        let code = if more.len() == 2 { CHECK_FAILED } else { 0 };
        let _ = inspected.in_folder(folder.path()).run().exits_with(code);
    }
}

#[test]
fn a_package_tells_its_version_and_packs_a_foreign_jar_anew() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("classes/a.txt", "a");
    let none = relctl(&["package", "classes"])
        .in_folder(folder.path())
        .run();
    let none = none.exits_with(USAGE);
    assert!(none.stderr.contains("--version"), "{}", none.story());

    write(
        "classes/META-INF/maven/g/a/pom.properties",
        "version=1.2.0\n",
    );
    let made = document(folder.path(), &["package", "classes"]);
    assert_eq!(made["version"], "1.2.0");
    assert_eq!(made["versionSource"], "pom.properties");
    write(
        "build/MANIFEST.MF",
        "Implementation-Version: 1.3.0\nX-Team: desktop\n",
    );
    let manifest = ["package", "classes", "--manifest", "build/MANIFEST.MF"];
    let made = document(folder.path(), &manifest);
    assert_eq!(made["version"], "1.3.0");
    let disagreeing = relctl(&manifest)
        .args(["--strict"])
        .in_folder(folder.path());
    let disagreeing = disagreeing.run().exits_with(CHECK_FAILED);
    assert!(
        disagreeing.stderr.contains("1.2.0"),
        "{}",
        disagreeing.story()
    );

    // Both releases stand in the list, and both are right.
    let sums = fs::read_to_string(folder.path().join("dist/SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 2, "{sums}");
    tool(
        &folder.path().join("dist"),
        "sha256sum",
        &["-c", "SHA256SUMS"],
    );

    // What `jar` makes of the same files becomes what we make of them.
    tool(
        folder.path(),
        "jar",
        &[
            "cfm",
            "theirs.jar",
            "build/MANIFEST.MF",
            "-C",
            "classes",
            ".",
        ],
    );
    let anew = [
        "package",
        "theirs.jar",
        "--normalize",
        "--name",
        "classes",
        "-o",
        "anew",
    ];
    let anew = document(folder.path(), &anew);
    assert_eq!(anew["sha256"], made["sha256"]);
    // What is odd about theirs is mended, so it is not held against them.
    let lone = folder.path().join("lone.jar");
    let mut entries = jars::tiny_entries("1.0.0");
    entries.rotate_left(2);
    fs::write(&lone, Archive::new(entries).to_bytes()).unwrap();
    let strict = ["package", "lone.jar", "--strict", "-o", "strict.jar"];
    let refused = relctl(&strict).in_folder(folder.path()).run();
    let refused = refused.exits_with(CHECK_FAILED);
    assert!(
        refused.stderr.contains("first entry"),
        "{}",
        refused.story()
    );
    let mended = relctl(&strict)
        .args(["--normalize"])
        .in_folder(folder.path());
    let _ = mended.succeed();
}

#[test]
fn what_was_written_into_the_packed_folder_is_not_packed_again() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.txt"), "a").unwrap();
    for out in ["dist", "one/two", ".", "app.jar"] {
        let package = [
            "package",
            ".",
            "--version",
            "1.0.0",
            "--name",
            "app",
            "-o",
            out,
        ];
        let first = document(folder.path(), &package);
        let second = document(folder.path(), &package);
        assert_eq!(first, second, "{out}");
        for file in first["files"].as_array().unwrap() {
            fs::remove_file(folder.path().join(file.as_str().unwrap())).unwrap();
        }
    }
}

fn relctl(arguments: &[&str]) -> Relctl<'static> {
    Relctl::new(BINARIES.relctl).args(arguments.iter().copied())
}

/// What a call that succeeds says in JSON.
#[track_caller]
fn document(folder: &Path, arguments: &[&str]) -> Value {
    let call = relctl(arguments).args(["--json"]).in_folder(folder);
    let mut document = call.run().exits_with(0).json();
    document["data"].take()
}

/// Runs somebody else's tool in a folder.
#[track_caller]
fn tool(folder: &Path, program: &str, arguments: &[&str]) -> String {
    run(Command::new(program).args(arguments).current_dir(folder))
}

/// Runs a command, which must succeed; its stdout.
#[track_caller]
fn run(command: &mut Command) -> String {
    let mut process = Process::start(command);
    let status = process.wait(PATIENCE);
    assert!(status.success(), "{status}: {process:?}");
    process.said(Stream::Stdout)
}
