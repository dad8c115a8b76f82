//! Whether the data folder is one to keep secrets and releases in, asked before anything is made in it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::StartError;

/// Anybody on the machine may write.
const OTHERS_WRITE: u32 = 0o002;

/// Refuses a folder that cannot be the right one.
///
/// Only the last folder of the path is ever made: a path whose beginning is not there is a slip, or a disk that is not
/// mounted, and a daemon that began anew in its place would hide that.
pub(super) fn check(data_dir: &Path) -> Result<(), StartError> {
    let refused = |reason: String| StartError::DataDir {
        path: data_dir.to_owned(),
        reason,
    };
    match std::fs::metadata(data_dir) {
        Ok(metadata) if !metadata.is_dir() => Err(refused("it is not a folder".into())),
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o7777;
            if mode & OTHERS_WRITE != 0 {
                let reason = format!(
                    "its mode is {mode:04o}, so anybody could change what is in it; run chmod 700 on it"
                );
                return Err(refused(reason));
            }
            Ok(())
        }
        Err(_) => {
            let parent = data_dir
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            match parent {
                Some(parent) if !parent.is_dir() => Err(refused(format!(
                    "the folder {} is not there; make it first",
                    parent.display()
                ))),
                Some(_) | None => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_the_right_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(folder.path()).is_ok());
        assert!(check(&folder.path().join("new")).is_ok());
        assert!(check(Path::new("relctl-data-that-is-not-there")).is_ok());

        assert!(check(&folder.path().join("not/there")).is_err());
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(check(&file).is_err());
        assert!(check(&file.join("below")).is_err());
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = check(&open).unwrap_err();
        assert!(error.to_string().contains("0777"), "{error}");
        assert_eq!(error.exit_code(), 73);
    }
}
