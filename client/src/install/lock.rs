//! One updater at a time, and who it is.

use std::fs::{self, File, TryLockError};
use std::time::Duration;

use super::AppFolder;
use crate::Error;

/// Held while an updater works; ends with its process, whatever becomes of it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who works in a folder, for others that want to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// It starts the application and takes requests.
    Launcher,
    /// It only changes files.
    Updater,
}

/// Its name in `staging/`, and that of the file that says who has it: Windows lets nobody read a locked file.
pub(super) const LOCK: &str = "lock";
pub(super) const HOLDER: &str = "lock-holder";

/// How long and how often a launcher waits for a lock. [`AppFolder::holder`] has it for microseconds.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 5;

/// What stands beside a lock, before the id of the process.
const LAUNCHER: &str = "launcher";
const UPDATER: &str = "updater";

impl AppFolder {
    /// Keeps other updaters out until the lock is dropped, and removes what one that was killed left half rebuilt.
    ///
    /// # Errors
    /// [`Error::Busy`] when another one is at work.
    pub fn lock(&self) -> Result<Lock, Error> {
        self.lock_as(Holder::Updater)
    }

    /// The same, and says who it is that keeps them out.
    pub(super) fn lock_as(&self, holder: Holder) -> Result<Lock, Error> {
        let path = self.staging().join(LOCK);
        let file = File::create(&path).map_err(Error::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                self.sweep(|name| name.starts_with('.'));
                let who = match holder {
                    Holder::Launcher => LAUNCHER,
                    Holder::Updater => UPDATER,
                };
                // Only for others to know: a full disk must not keep an application from being started.
                let word = format!("{who} {}", std::process::id());
                fs::write(self.staging().join(HOLDER), word).ok();
                Ok(Lock { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(self.busy()),
            Err(TryLockError::Error(error)) => Err(Error::file("lock", &path)(error)),
        }
    }

    /// That somebody works in the folder, and which process it is, where the lock tells.
    #[must_use]
    pub fn busy(&self) -> Error {
        let word = self.holder_word();
        Error::Busy {
            folder: self.root.clone(),
            process: word.split_once(' ').and_then(|(_, id)| id.parse().ok()),
        }
    }

    fn holder_word(&self) -> String {
        fs::read_to_string(self.staging().join(HOLDER)).unwrap_or_default()
    }

    /// Who works in the folder now, if anybody does.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        let file = File::open(self.staging().join(LOCK)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => match self.holder_word().starts_with(LAUNCHER) {
                true => Some(Holder::Launcher),
                false => Some(Holder::Updater),
            },
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// The same for a launcher, which does not take somebody for another launcher who only looks at the lock for a moment.
    ///
    /// # Errors
    /// [`Error::Busy`] when another one is at work.
    pub(crate) fn lock_for_launch(&self) -> Result<Lock, Error> {
        for _ in 0..LOOKS {
            match self.lock_as(Holder::Launcher) {
                Err(Error::Busy { .. }) => std::thread::sleep(LOOK),
                taken => return taken,
            }
        }
        self.lock_as(Holder::Launcher)
    }
}
