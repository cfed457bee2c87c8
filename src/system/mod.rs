//! The one door to what differs from system to system: everything else in p2p is the same on all of them.
//!
//! Each side has the same nouns: `disk` (a directory whose files are opened safely, which file an open one is, reading
//! and writing at a place), `process` (commands of the user, in groups), `signals`, `service` (the manager that has
//! started us), `machine` (its name, its folders, its limits) and `socket`. What a system cannot do its side says, so
//! that the caller can refuse; nothing is left out in silence.
//!
//! It does not know what it is used for: no messages, no peers, no words for the user but why a file is refused and what
//! helps.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::{disk, machine, process, service, signals, socket};
#[cfg(windows)]
pub use self::windows::{disk, machine, process, service, signals, socket};

#[cfg(not(any(unix, windows)))]
compile_error!("p2p needs a Unix or Windows");

use std::io;

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    Read,
    /// Read and write it; on a file system that cannot be written to, read it.
    Write,
    /// The same, and make it, empty, if it is missing.
    Make,
}

/// Why a file or a directory is not used.
#[derive(Debug)]
pub enum Unusable {
    /// The system says so.
    Error(io::Error),
    /// It is not what it should be.
    Refused {
        /// In which way.
        why: &'static str,
        /// What helps, if that is known.
        hint: Option<String>,
    },
}

impl Unusable {
    /// Refused, and nothing is known to help.
    fn refused(why: &'static str) -> Self {
        Self::Refused { why, hint: None }
    }
}

impl<E: Into<io::Error>> From<E> for Unusable {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Which file an open one is, whatever its name is, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The device and the number of the file on it.
    pub identity: (u64, u64),
    /// Its length in bytes.
    pub length: u64,
}

/// A signal that ends us, or what the system has in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The terminal's interrupt.
    Interrupt,
    /// A polite end.
    Terminate,
    /// The terminal's own end.
    HangUp,
}

/// What is kept in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// What the user has written.
    Config,
    /// What is known for now.
    State,
    /// What is to be kept.
    Data,
}
