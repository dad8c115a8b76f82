//! The main section of `META-INF/MANIFEST.MF`: read leniently, written as the JAR specification says.

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
}
