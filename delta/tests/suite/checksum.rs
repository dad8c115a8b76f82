//! The checksum files are those of `sha256sum`.

use std::fs;

use delta::checksum::{format_line, parse, sha256, sha256_file};

use super::tool::run;

const NAMES: [&str; 5] = [
    "app.jar",
    "with space.jar",
    "back\\slash",
    "line\nfeed\rreturn",
    " *star",
];

#[test]
fn sha256sum_checks_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for name in NAMES {
        let path = folder.path().join(name);
        fs::write(&path, name).unwrap();
        let (digest, bytes) = sha256_file(&path).unwrap();
        assert_eq!(
            (digest, bytes),
            (sha256(name.as_bytes()), name.len() as u64)
        );
        text.push_str(&format_line(&digest, name));
    }
    fs::write(folder.path().join("SHA256SUMS"), text).unwrap();
    run(
        folder.path(),
        "sha256sum",
        &["--strict", "-c", "SHA256SUMS"],
    );
}

#[test]
fn we_read_what_sha256sum_writes() {
    let folder = tempfile::tempdir().unwrap();
    for name in NAMES {
        fs::write(folder.path().join(name), name).unwrap();
    }
    for mode in ["--text", "--binary"] {
        let text = run(
            folder.path(),
            "sha256sum",
            &[&[mode, "--"][..], &NAMES].concat(),
        );
        let lines = parse(&text).unwrap();
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, NAMES);
        for line in &lines {
            assert_eq!(line.digest, sha256(line.name.as_bytes()));
        }
        // As a mail or an editor on Windows makes of it.
        assert_eq!(parse(&text.replace('\n', "\r\n")).unwrap(), lines);
    }
}

#[test]
fn a_bad_line_is_named() {
    let good = format_line(&[1; 32], "a");
    let zeros = "0".repeat(64);
    for (bad, reason) in [
        ("0123  a".to_owned(), "64 hexadecimal digits"),
        (format!("{}g  a", "0".repeat(63)), "64 hexadecimal digits"),
        (format!("{zeros} a"), "two spaces"),
        (format!("{zeros}  "), "file name"),
        (format!("{zeros}0  a"), "two spaces"),
        (format!("\\{zeros}  a\\x"), "escape"),
        (format!("é{zeros}"), "64 hexadecimal digits"),
    ] {
        let error = parse(&format!("{good}{bad}\n")).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.to_string().contains(reason), "{bad}: {error}");
    }
}

#[test]
fn empty_lines_and_comments_are_no_lines() {
    let text = format!("# our files\n\n{}\n", format_line(&[1; 32], "a"));
    assert_eq!(parse(&text).unwrap().len(), 1);
}
