//! The locks that order the writers of a file of the state directory.
//!
//! The lock file is never renamed nor removed: locking the data file that is then replaced lost most updates in
//! measurements. A blocking lock would hang behind a stopped holder, so we ask again and again for a bounded time.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::dir::{StateDir, cannot};
use crate::exit::{Code, Failure};
use crate::retry::jitter;
use crate::system::disk::lock_holder;
use crate::system::process;

/// A lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    /// The locked file.
    pub(super) file: File,
}

impl Lock {
    /// Waits at most `wait` for the lock on the file of this name.
    pub(super) fn acquire(dir: &StateDir, name: &str, wait: Duration) -> Result<Self, Failure> {
        let path = dir.path_of(name);
        let file = dir.file_or_new(name)?;
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if start.elapsed() < wait => {
                    thread::sleep(pause.mul_f64(jitter()));
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(held(&path, &file, wait)),
                Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, error)),
            }
        }
    }
}

fn held(path: &Path, file: &File, wait: Duration) -> Failure {
    let wait = humantime::format_duration(wait);
    let message = format!("cannot lock {}: still held after {wait}", path.display());
    let failure = Failure::new(Code::State, message);
    let hint = match lock_holder(file) {
        Some(pid) => format!("process {pid} holds it; see `{}`", process::show(pid)),
        None => format!("another p2p of this home holds it; see `{}`", process::SHOW_OURS),
    };
    failure.hint(hint)
}
