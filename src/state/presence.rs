//! Who listens for this home: a file that the listener keeps locked for as long as it lives.
//!
//! The lock is the truth, not the file: the kernel drops it with the process, so the answer cannot go stale.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::dir::{StateDir, cannot, read_all};
use crate::exit::{Code, Failure};
use crate::key::PublicKey;
use crate::system::disk::READS_LOCKED_FILES;

const LISTENER_FILE: &str = "listener";

/// The file that is locked: the same, unless a lock would keep others from reading it.
const LOCKED_FILE: &str = if READS_LOCKED_FILES { LISTENER_FILE } else { "listener.lock" };

const MAX_LISTENER_FILE_BYTES: u64 = 4096;

/// A running listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// The address it listens on, with the real port.
    pub addr: SocketAddr,
    /// What it tells others is its address, if that was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertise: Option<SocketAddr>,
    /// What it calls itself.
    pub name: String,
    /// Its key, if it takes sessions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<PublicKey>,
    /// Its process.
    pub pid: u32,
}

/// The right to be the one listener of a home, held until it is dropped.
#[derive(Debug)]
pub struct Presence {
    file: File,
    /// The locked file, if it is another one.
    _lock: Option<File>,
}

impl Presence {
    /// Becomes the listener of this home, unless there is one.
    pub fn claim(dir: &StateDir) -> Result<Self, Failure> {
        /// A reader holds the lock for microseconds to see whether anybody else does.
        const READER_WAIT: Duration = Duration::from_millis(200);
        let path = dir.path_of(LISTENER_FILE);
        let file = dir.file_or_new(LISTENER_FILE)?;
        let other = (!READS_LOCKED_FILES).then(|| dir.file_or_new(LOCKED_FILE)).transpose()?;
        let locked = other.as_ref().unwrap_or(&file);
        let start = Instant::now();
        loop {
            match locked.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < READER_WAIT => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return Err(taken(&file)),
                Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, error)),
            }
        }
        file.set_len(0).map_err(|error| cannot("empty", &path, error))?;
        Ok(Self { file, _lock: other })
    }

    /// Says where we listen, once we do.
    pub fn announce(&mut self, listening: &Listening) -> Result<(), Failure> {
        let line = serde_json::to_string(listening).unwrap_or_default() + "\n";
        self.file.write_all(line.as_bytes()).map_err(|error| {
            Failure::new(Code::State, format!("cannot write the listener file: {error}"))
        })
    }
}

/// A listener that ends in order leaves no old address behind; what one that was killed has left, the lock belies.
impl Drop for Presence {
    fn drop(&mut self) {
        // the end of the lock says it, too
        let _ = self.file.set_len(0);
    }
}

/// Who listens for this home now, if anybody does.
pub fn listening(dir: &StateDir) -> Result<Option<Listening>, Failure> {
    let Some(file) = dir.file(LISTENER_FILE)? else { return Ok(None) };
    let other = match READS_LOCKED_FILES {
        true => None,
        false => dir.file(LOCKED_FILE)?,
    };
    match other.as_ref().unwrap_or(&file).try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(read(&file)),
        _ => Ok(None),
    }
}

/// A listener that has not yet announced itself is none.
fn read(file: &File) -> Option<Listening> {
    let bytes = read_all(file, 256, MAX_LISTENER_FILE_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn taken(file: &File) -> Failure {
    let who = match read(file) {
        Some(l) => format!("process {} of this home listens on {}", l.pid, l.addr),
        None => "another process of this home is starting to".to_owned(),
    };
    Failure::new(Code::State, format!("cannot listen: {who}"))
        .hint("to run another one, give it a home of its own: p2p --home DIR listen -p PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_ends_with_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let dir = StateDir::create(home.path(), true).unwrap();
        assert_eq!(listening(&dir).unwrap(), None);

        let mut presence = Presence::claim(&dir).unwrap();
        assert_eq!(listening(&dir).unwrap(), None, "claimed, but not yet announced");
        let here = Listening {
            addr: "[::]:5000".parse().unwrap(),
            advertise: None,
            name: "a".into(),
            key: None,
            pid: 7,
        };
        presence.announce(&here).unwrap();
        assert_eq!(listening(&dir).unwrap(), Some(here));

        let failure = Presence::claim(&dir).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "cannot listen: process 7 of this home listens on [::]:5000"
        );
        drop(presence);
        assert_eq!(listening(&dir).unwrap(), None);
        Presence::claim(&dir).unwrap();
    }

    #[test]
    fn what_a_killed_listener_has_left_is_belied_by_the_lock() {
        let home = tempfile::tempdir().unwrap();
        let dir = StateDir::create(home.path(), true).unwrap();
        let left = "{\"addr\":\"127.0.0.1:5000\",\"name\":\"a\",\"pid\":7}\n";
        dir.file_or_new(LISTENER_FILE).unwrap().write_all(left.as_bytes()).unwrap();
        assert_eq!(listening(&dir).unwrap(), None);
        // it is sound: only the lock tells
        let holder = dir.file(LISTENER_FILE).unwrap().unwrap();
        holder.lock().unwrap();
        assert_eq!(listening(&dir).unwrap().map(|listening| listening.pid), Some(7));
    }
}
