//! The owner's specification, of which `assets/update-system.md` is a verbatim copy: what tests read out of it.

use std::path::Path;

/// All of it.
pub(crate) fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/update-system.md");
    std::fs::read_to_string(path).unwrap()
}

/// One of its JavaScript classes, word for word.
pub(crate) fn javascript_class(name: &str) -> String {
    let text = text();
    let start = text.find(&format!("class {name} {{")).unwrap();
    let (class, _) = text[start..].split_once("\n```").unwrap();
    class.to_owned()
}

#[test]
fn the_copy_is_the_owners_text_where_that_is_at_hand() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let original = root.join("../shared/spec/update-system.md");
    if let Ok(original) = std::fs::read_to_string(original) {
        assert!(original == text(), "the specification has changed");
    }
    assert!(javascript_class("UpdateManager").ends_with("\n}"));
}
