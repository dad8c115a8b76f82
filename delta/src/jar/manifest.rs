//! The main section of `META-INF/MANIFEST.MF`: read as leniently as the JVM, written as the JAR
//! specification says.

/// The main attributes, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    attributes: Vec<(String, String)>,
}

/// A manifest that no JVM would load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ManifestError {
    /// Counted from 1.
    pub line: usize,
    pub reason: &'static str,
}

/// The longest line of a manifest in bytes, its line break not counted.
const MAX_LINE_BYTES: usize = 72;

/// An OSGi bundle has some thirty.
const MAX_ATTRIBUTES: usize = 1_000;

impl Manifest {
    /// An attribute of the main section. Names do not tell upper from lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The main attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds an attribute, or replaces its value in place.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let known = self
            .attributes
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        match known {
            Some((_, known)) => value.clone_into(known),
            None => self.attributes.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Reads the main section and says where the sections of single entries begin.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Manifest, usize), ManifestError> {
        let mut fields: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut rest = bytes;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let line = take_line(&mut rest);
            match line {
                [] => break,
                [b' ', continued @ ..] => match fields.last_mut() {
                    Some((_, field)) => field.extend_from_slice(continued),
                    None => {
                        return Err(ManifestError {
                            line: number,
                            reason: "it begins with a space but continues no line",
                        });
                    }
                },
                _ => fields.push((number, line.to_vec())),
            }
        }
        let mut manifest = Manifest::default();
        for (line, field) in fields {
            let field = String::from_utf8_lossy(&field);
            let (name, value) = field.split_once(": ").ok_or(ManifestError {
                line,
                reason: "expected `Name: value`",
            })?;
            // As in the JVM, the last one wins.
            manifest.set(name, value);
            if manifest.attributes.len() > MAX_ATTRIBUTES {
                return Err(ManifestError {
                    line,
                    reason: "the main section has more than 1000 attributes",
                });
            }
        }
        Ok((manifest, bytes.len() - rest.len()))
    }

    /// The main section with the empty line that ends it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, value) in &self.attributes {
            write_folded(&format!("{name}: {value}"), &mut bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// Says why a name cannot stand in a main section.
pub(crate) fn why_bad_attribute(name: &str, value: &str) -> Option<&'static str> {
    let first_is_good = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !first_is_good || !name.chars().all(good) {
        return Some("a name has only letters, digits, `-` and `_`");
    }
    if name.len() > 70 {
        return Some("a name has 70 characters at most");
    }
    if name.eq_ignore_ascii_case("Name") {
        return Some("`Name` begins the section of an entry");
    }
    if value.contains(['\r', '\n', '\0']) {
        return Some("a value has no line breaks and no NUL");
    }
    None
}

/// Takes a line off the front; it ends with CRLF, LF or CR.
fn take_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r');
    let Some(end) = end else {
        return std::mem::take(rest);
    };
    let line = &rest[..end];
    let after = if rest[end..].starts_with(b"\r\n") {
        2
    } else {
        1
    };
    *rest = &rest[end + after..];
    line
}

/// Writes a line in pieces of 72 bytes, never cutting a character in two.
fn write_folded(line: &str, bytes: &mut Vec<u8>) {
    let mut used = 0;
    for character in line.chars() {
        if used + character.len_utf8() > MAX_LINE_BYTES {
            bytes.extend_from_slice(b"\r\n ");
            used = 1;
        }
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        used += character.len_utf8();
    }
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_at_72_bytes_between_characters() {
        let mut manifest = Manifest::default();
        manifest.set("Manifest-Version", "1.0");
        manifest.set("Description", &"é".repeat(100));
        let bytes = manifest.to_bytes();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.ends_with("\r\n\r\n"));
        for line in text.split("\r\n") {
            assert!(line.len() <= 72, "{line:?}");
        }
        let (read, end) = Manifest::parse(&bytes).unwrap();
        assert_eq!((read, end), (manifest, bytes.len()));
    }

    #[test]
    fn every_line_break_is_read_and_entry_sections_are_left() {
        for newline in ["\n", "\r", "\r\n"] {
            let text = "Manifest-Version: 1.0|main-class: a.B|Long: x| y||Name: a|Z: 1|";
            let text = text.replace('|', newline);
            let (manifest, end) = Manifest::parse(text.as_bytes()).unwrap();
            assert_eq!(manifest.get("Main-Class"), Some("a.B"));
            assert_eq!(manifest.get("Long"), Some("xy"));
            assert_eq!(manifest.get("Z"), None);
            assert!(text[end..].starts_with("Name: a"), "{:?}", &text[end..]);
        }
    }

    #[test]
    fn an_unreadable_line_is_named() {
        let error = Manifest::parse(b"A: 1\nB\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected `Name: value`");
        let error = Manifest::parse(b" A: 1\n").unwrap_err();
        assert_eq!(error.line, 1);
    }
}
