//! This machine and our place on it: its name, the folders of the user, the limits of a process, who reads our output.

use std::env;
use std::io;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::system::Folder;

/// Why there is no folder of the user, when there is none.
pub const NO_FOLDER: &str = "HOME is not set";

/// What a process has open besides its connections: streams, state, the runtime.
const OTHERS: u64 = 32;

/// What this machine is called.
pub fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The usual folder for this kind of files (XDG Base Directory Specification).
pub fn folder(folder: Folder) -> Option<PathBuf> {
    let below_home = match folder {
        Folder::Config => ".config",
        Folder::State => ".local/state",
        Folder::Data => ".local/share",
    };
    env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(below_home))
}

/// Sees to it that `connections` can be open at once, as far as the limit on open files can be raised; gives how many can.
pub fn raise_open_files(connections: usize) -> usize {
    let wanted = connections as u64 + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|&current| current < wanted) else { return connections };
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    let allowed = if raised.is_ok() { most } else { current };
    usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(connections).max(1)
}

/// Whether so many files may be open.
pub fn allows_open_files(count: u64) -> bool {
    getrlimit(Resource::Nofile).current.is_none_or(|current| current >= count)
}

/// Whether an error says that there are too many open files.
pub fn lacks_files(error: &io::Error) -> bool {
    let scarce = [Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| scarce.contains(&errno))
}

/// Whether an error says that there is no memory left for another connection.
pub fn lacks_memory(error: &io::Error) -> bool {
    let scarce = [Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| scarce.contains(&errno))
}

/// Blocks until nobody can read this output any more; for ever if it is a file.
pub fn wait_for_reader_gone(output: &io::Stdout) {
    let mut watched = [PollFd::new(output, PollFlags::empty())];
    // with no event asked for, only an error or a hang-up ends the wait, or a signal
    while rustix::event::poll(&mut watched, None) != Ok(1) {
        watched[0].clear_revents();
    }
}

/// A core dump would hold what is secret.
#[cfg(target_os = "linux")]
pub fn keep_out_of_core_dumps() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // where it is not possible the system has stricter rules than ours
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// A core dump would hold what is secret; here it is left to the user's limits (`ulimit -c`).
#[cfg(not(target_os = "linux"))]
pub fn keep_out_of_core_dumps() {}
