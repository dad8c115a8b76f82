//! Classes that Scala's and Kotlin's compilers make: other attributes and longer names than `javac`'s.

use std::fs;
use std::path::Path;

use delta::{Format, Options, create};
use fixtures::packages::{Package, Registry};

use super::super::compiled::{Files, QUICK_JVM, files_below, jar_of, source};
use super::super::tool::run;
use super::all_ways;

#[test]
fn scala_classes_come_back_small() {
    let change = "def added(n: Int) = (1 to n).map(k => s\"added $k\").mkString\n\n";
    let quick = QUICK_JVM.map(|option| format!("-J{option}"));
    come_back_small("Notes.scala", change, |folder| {
        let args = [
            &quick.each_ref().map(|option| &option[..])[..],
            &["-d", "out", "Notes.scala"],
        ];
        run(folder, "scalac", &args.concat());
    });
}

/// The compiler is fetched from its npm package (45 MB) into the cache, for Debian's drags in 500 MB.
/// Printed as `SKIPPED` where that cannot be.
#[test]
fn kotlin_classes_come_back_small() {
    let compiler = Package {
        registry: Registry::Npm,
        name: "kotlin-compiler",
        version: "1.3.41",
    };
    let home = match compiler.unpacked() {
        Ok(folder) => folder.join("package"),
        Err(error) => {
            println!("SKIPPED: {error:#}");
            return;
        }
    };
    let home = home.to_str().unwrap();
    let jars = ["compiler", "stdlib", "reflect", "script-runtime"];
    let jars = jars
        .map(|jar| format!("{home}/lib/kotlin-{jar}.jar"))
        .join(":");
    let class_path = format!("{jars}:{home}/lib/trove4j.jar");
    let compile = [
        "-cp",
        &class_path,
        "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        "-no-reflect",
        "-kotlin-home",
        home,
        "-d",
        "out",
        "Notes.kt",
    ];
    let change = "fun added(n: Int) = (1..n).map { \"added $it\" }.joinToString()\n\n";
    come_back_small("Notes.kt", change, |folder| {
        run(folder, "java", &[&QUICK_JVM[..], &compile].concat());
    });
}

/// Compiles both versions with `compile`, which leaves the classes in `out`.
fn come_back_small(name: &str, change: &str, compile: impl Fn(&Path)) {
    let [old, new]: [Files; 2] = ["", change].map(|change| {
        let folder = tempfile::tempdir().unwrap();
        source(name, change, folder.path());
        fs::create_dir(folder.path().join("out")).unwrap();
        compile(folder.path());
        files_below(&folder.path().join("out"))
    });
    assert!(old.len() > 5, "{} classes", old.len());
    let (old, new) = (jar_of(&old), jar_of(&new));
    all_ways(&old, &new);
    let patch = create(Format::Jar, &old, &new, Options::default()).unwrap();
    let zstd = create(Format::Zstd, &old, &new, Options::default()).unwrap();
    assert!(
        patch.len() * 2 < zstd.len(),
        "{} {}",
        patch.len(),
        zstd.len()
    );
}
