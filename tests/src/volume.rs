//! A small disk in memory whose size changes, and which becomes read-only, when a test wants it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::fail;
use crate::power::run;

/// A mounted file system of its own. Dropping it unmounts it.
#[derive(Debug)]
pub struct Volume {
    folder: TempDir,
}

impl Volume {
    /// Mounts a new, empty one.
    ///
    /// # Errors
    /// Why this machine cannot: not root, mostly.
    pub fn mount(megabytes: u32) -> Result<Self, String> {
        let folder = TempDir::with_prefix("relctl-volume-").map_err(|error| error.to_string())?;
        let size = format!("size={megabytes}m");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path()))?;
        Ok(Self { folder })
    }

    /// Where its files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Changes its size.
    #[track_caller]
    pub fn resize(&self, megabytes: u32) {
        self.remount(&format!("size={megabytes}m"));
    }

    /// Lets nobody write to it any more.
    #[track_caller]
    pub fn make_read_only(&self) {
        self.remount("ro");
    }

    /// Lets everybody write to it again.
    #[track_caller]
    pub fn make_writable(&self) {
        self.remount("rw");
    }

    #[track_caller]
    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let mut mount = Command::new("mount");
        if let Err(reason) = run(mount.args(["-o", &options]).arg(self.path())) {
            fail(reason, &self.path().display().to_string());
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: a failed test may still have something open on it.
        let _ = run(Command::new("umount").arg("-l").arg(self.path()));
    }
}
