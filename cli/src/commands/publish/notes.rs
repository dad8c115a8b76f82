//! Notes for users: from the command line, a file, or standard input.

use std::io::Read;
use std::path::Path;

use protocol::limits::RELEASE_NOTES_BYTES;

use crate::args::PublishArgs;
use crate::failure::Failure;

/// The notes that the command names, without blank ends.
pub(super) fn notes(args: &PublishArgs) -> Result<String, Failure> {
    let text = match (&args.notes, &args.notes_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin()
                .take(RELEASE_NOTES_BYTES as u64 * 2)
                .read_to_string(&mut text)
                .map_err(|error| {
                    Failure::usage(format!(
                        "cannot read the notes from standard input: {error}"
                    ))
                })?;
            text
        }
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| Failure::file("read the notes", path, &error))?,
        (None, None) => String::new(),
    };
    let text = text.trim_end().to_owned();
    if text.len() > RELEASE_NOTES_BYTES {
        return Err(Failure::usage("the notes are longer than 64 KiB")
            .help("shorten them, and link to the rest"));
    }
    Ok(text)
}
