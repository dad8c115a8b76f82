//! SHA-256 of bytes and files, and the text format of `sha256sum`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::Digest as _;

/// A SHA-256.
pub type Digest = [u8; 32];

/// The SHA-256 of bytes in memory.
pub fn sha256(bytes: &[u8]) -> Digest {
    sha2::Sha256::digest(bytes).into()
}

/// The SHA-256 and the length of a file, read in pieces.
pub fn sha256_file(path: &Path) -> io::Result<(Digest, u64)> {
    sha256_reader(File::open(path)?)
}

/// The SHA-256 and the length of everything that is left to read.
pub fn sha256_reader(mut reader: impl Read) -> io::Result<(Digest, u64)> {
    let mut writer = Sha256Writer::new(io::sink());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => writer.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let (bytes, digest) = writer.finish();
    Ok((digest, bytes))
}

/// Hands on what is written to it, and hashes and counts it on the way.
#[derive(Debug)]
pub struct Sha256Writer<W> {
    inner: W,
    hash: sha2::Sha256,
    bytes: u64,
}

impl<W: Write> Sha256Writer<W> {
    pub fn new(inner: W) -> Self {
        Sha256Writer {
            inner,
            hash: sha2::Sha256::new(),
            bytes: 0,
        }
    }

    /// The count and the SHA-256 of everything written.
    pub fn finish(self) -> (u64, Digest) {
        (self.bytes, self.hash.finalize().into())
    }
}

impl<W: Write> Write for Sha256Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// One line of a checksum file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub digest: Digest,
    /// The file's name as it was before any escaping.
    pub name: String,
}

/// A checksum file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    pub reason: &'static str,
}

/// The line, with its line feed, that `sha256sum` writes for a file.
pub fn format_line(digest: &Digest, name: &str) -> String {
    let escaped = name
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    let mark = if escaped == name { "" } else { "\\" };
    format!("{mark}{}  {escaped}\n", hex::encode(digest))
}

/// Reads what `sha256sum` writes; empty lines, and comments behind `#`, are skipped.
///
/// ```
/// let text = format!("{}  app.jar\n", "ab".repeat(32));
/// let lines = delta::checksum::parse(&text)?;
/// assert_eq!(lines[0].name, "app.jar");
/// assert_eq!(delta::checksum::format_line(&lines[0].digest, "app.jar"), text);
/// # Ok::<(), delta::checksum::ParseError>(())
/// ```
pub fn parse(text: &str) -> Result<Vec<Line>, ParseError> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let failed = |reason| ParseError {
            line: index + 1,
            reason,
        };
        let (escaped, line) = match line.strip_prefix('\\') {
            Some(line) => (true, line),
            None => (false, line),
        };
        let (digest, rest) = line
            .split_at_checked(64)
            .ok_or_else(|| failed("expected 64 hexadecimal digits, two spaces and a file name"))?;
        let mut sum = [0; 32];
        hex::decode_to_slice(digest, &mut sum)
            .map_err(|_| failed("expected 64 hexadecimal digits at the start"))?;
        let name = rest
            .strip_prefix("  ")
            .or_else(|| rest.strip_prefix(" *"))
            .filter(|name| !name.is_empty())
            .ok_or_else(|| failed("expected two spaces and a file name after the checksum"))?;
        let name = match escaped {
            true => unescape(name).ok_or_else(|| failed("unknown escape in the file name"))?,
            false => name.to_owned(),
        };
        lines.push(Line { digest: sum, name });
    }
    Ok(lines)
}

fn unescape(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}
