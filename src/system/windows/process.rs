//! Commands of the user are not run on Windows: there is no shell that reads them as Unix does, and no process group that
//! could be ended whole.

use std::io::{self, ErrorKind};
use std::process::ExitStatus;

use tokio::process::{Child, Command};

/// Why no commands can be run here, if so.
pub const NO_COMMANDS: Option<&str> = Some("commands for messages need a Unix shell");

/// What shows the processes that are called p2p.
pub const SHOW_OURS: &str = "tasklist /FI \"IMAGENAME eq p2p.exe\"";

/// What shows a process.
pub fn show(pid: u32) -> String {
    format!("tasklist /FI \"PID eq {pid}\"")
}

/// The process group of a command; there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {}

/// Fails: no command can be run.
pub fn shell(_: &str) -> io::Result<Command> {
    Err(io::Error::new(ErrorKind::Unsupported, NO_COMMANDS.unwrap_or_default()))
}

/// No process is ended by a signal.
pub fn signal_in(_: ExitStatus) -> Option<i32> {
    None
}

impl Group {
    /// No process has a group.
    pub fn of(_: &Child) -> Option<Self> {
        None
    }

    /// Asks all of it to end.
    pub fn ask_to_end(self) {
        match self {}
    }

    /// Ends all of it at once.
    pub fn kill(self) {
        match self {}
    }

    /// Whether anything of it is left.
    pub fn is_alive_after_its_shell(self) -> bool {
        match self {}
    }
}
