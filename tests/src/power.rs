//! A disk whose power can be cut: an ext4 file system on a loop device, stopped in the middle of what it does.
//!
//! The cut is ext4's own shutdown request without flushing its log: nothing that was not yet made durable reaches the
//! image, and what a program writes afterwards fails. Mounting again then recovers as after a real cut.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Room for a journal of ext4, the daemon's folder and some small JARs.
const SIZE: &str = "96M";

/// `ioctl(mount point, EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH)`, in Python because Rust needs unsafe code for it.
const SHUT_DOWN: &str = "import fcntl, os, struct, sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// A mounted disk. Dropping it unmounts it and removes its image.
#[derive(Debug)]
pub struct Disk {
    // Declared first: it is removed after `Drop` below has unmounted.
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    /// Makes and mounts a new disk.
    ///
    /// # Errors
    /// Why this machine cannot: not root, or no loop devices.
    pub fn mount() -> Result<Self, String> {
        let folder =
            TempDir::with_prefix("relctl-power-cut-").map_err(|error| error.to_string())?;
        std::fs::create_dir(folder.path().join("mnt")).map_err(|error| error.to_string())?;
        let mut disk = Self {
            folder,
            mounted: false,
        };
        let image = disk.image();
        run(Command::new("truncate").args(["-s", SIZE]).arg(&image))?;
        run(Command::new("mkfs.ext4").arg("-qF").arg(&image))?;
        disk.attach()?;
        Ok(disk)
    }

    /// Where its files are.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mnt")
    }

    /// Cuts the power. Whoever still writes gets errors from now on.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn cut_power(&self) -> Result<(), String> {
        run(Command::new("python3")
            .args(["-c", SHUT_DOWN])
            .arg(self.path()))
    }

    /// Mounts it again after a cut. Nothing may have it open.
    ///
    /// # Errors
    /// Something has it open, or it cannot be recovered.
    pub fn power_on(&mut self) -> Result<(), String> {
        self.detach()?;
        self.attach()
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    fn attach(&mut self) -> Result<(), String> {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(self.image())
            .arg(self.path()))?;
        self.mounted = true;
        Ok(())
    }

    /// Unmounts; the loop device goes with it, because `mount -o loop` made it.
    fn detach(&mut self) -> Result<(), String> {
        run(Command::new("umount").arg(self.path()))?;
        self.mounted = false;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted && self.detach().is_err() {
            // Something still has it open: lazily, so that it goes when that ends.
            let _ = run(Command::new("umount").arg("-l").arg(self.path()));
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = with_system_folders(command)
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("{name}: {reason}"))
}

/// `mkfs.ext4` is not in the `PATH` of every user.
fn with_system_folders(command: &mut Command) -> &mut Command {
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::*;

    /// Without this the power-cut test could pass on a disk that loses nothing.
    #[test]
    fn a_cut_keeps_what_was_synced_and_loses_what_was_not() {
        let Ok(mut disk) = Disk::mount() else {
            return; // The test that needs the disk says why it cannot.
        };
        let write = |name: &str| {
            let mut file = File::create(disk.path().join(name)).unwrap();
            file.write_all(b"some bytes").unwrap();
            file
        };
        write("synced").sync_all().unwrap();
        File::open(disk.path()).unwrap().sync_all().unwrap();
        drop(write("not synced"));

        disk.cut_power().unwrap();
        assert!(fs::write(disk.path().join("too late"), b"").is_err());
        disk.power_on().unwrap();

        let synced = fs::read(disk.path().join("synced")).unwrap();
        assert_eq!(synced, b"some bytes");
        assert!(!disk.path().join("not synced").exists());
    }
}
