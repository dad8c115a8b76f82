//! Which entry names are safe to unpack on every system.

/// Longer than any path a build makes; it keeps the directory of a hostile JAR small in memory.
const MAX_NAME_BYTES: usize = 4096;

/// Says why unpacking this name could write outside its folder, or not work at all.
pub(super) fn why_unsafe(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > MAX_NAME_BYTES {
        return Some("it is longer than 4096 bytes");
    }
    let Ok(name) = std::str::from_utf8(name) else {
        return Some("it is not UTF-8");
    };
    if name.contains('\0') {
        return Some("it contains NUL");
    }
    if name.contains('\\') {
        return Some("it contains a backslash");
    }
    if name.starts_with('/') {
        return Some("it is absolute");
    }
    if let [drive, b':', ..] = name.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        return Some("it begins with a drive letter");
    }
    if name.split('/').any(|segment| segment == "..") {
        return Some("it contains `..`");
    }
    None
}

/// Says what is odd about a safe name: another name may mean the same file.
pub(super) fn why_odd(name: &str) -> Option<&'static str> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if path
        .split('/')
        .any(|segment| segment.is_empty() || segment == ".")
    {
        return Some("has an empty or `.` segment, which tools resolve in different ways");
    }
    if name.chars().any(|c| ('\u{300}'..='\u{36f}').contains(&c)) {
        return Some("has decomposed letters, which macOS takes for composed ones");
    }
    if name.chars().any(char::is_control) {
        return Some("has control characters");
    }
    None
}

/// The name below `META-INF/`, which the JVM finds without regard to case.
pub(super) fn in_meta_inf(name: &str) -> Option<&str> {
    let (folder, rest) = name.split_once('/')?;
    folder.eq_ignore_ascii_case("META-INF").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_unsafe() {
        for name in [
            "",
            "../x",
            "a/../../x",
            "a/..",
            "..",
            "/x",
            "C:\\x",
            "c:x",
            "a\\..\\b",
            "a\0b",
        ] {
            assert!(why_unsafe(name.as_bytes()).is_some(), "{name:?}");
        }
        assert!(why_unsafe(&[b'a'; 65_535]).is_some());
        assert!(why_unsafe(b"caf\xe9").is_some());
    }

    #[test]
    fn names_of_ordinary_jars_are_safe() {
        for name in [
            "META-INF/",
            "META-INF/MANIFEST.MF",
            "a/B$1.class",
            "..a/b..",
            "résumé.txt",
            "ab:c",
            "1:x",
        ] {
            assert_eq!(why_unsafe(name.as_bytes()), None, "{name:?}");
            assert_eq!(why_odd(name), None, "{name:?}");
        }
    }

    #[test]
    fn names_with_two_readings_are_odd() {
        for name in ["a//b", "./a", "a/./b", "re\u{301}sume\u{301}", "a\nb"] {
            assert_eq!(why_unsafe(name.as_bytes()), None, "{name:?}");
            assert!(why_odd(name).is_some(), "{name:?}");
        }
    }
}
