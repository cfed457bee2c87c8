//! Commands of the user: each run by the shell in a process group of its own, so that all of it can be ended.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid,
};
use tokio::process::{Child, Command};

/// Why no commands can be run here, if so.
pub const NO_COMMANDS: Option<&str> = None;

/// What shows the processes that are called p2p.
#[cfg(target_os = "linux")]
pub const SHOW_OURS: &str = "ps -C p2p";

/// What shows the processes that are called p2p.
#[cfg(not(target_os = "linux"))]
pub const SHOW_OURS: &str = "pgrep -l p2p";

/// What shows a process.
pub fn show(pid: u32) -> String {
    format!("ps {pid}")
}

/// The process group of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group(i32);

/// A command for the shell; once started it is in a process group of its own.
pub fn shell(command: &str) -> io::Result<Command> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).process_group(0);
    Ok(shell)
}

/// The number of the signal that has ended a process.
pub fn signal_in(status: ExitStatus) -> Option<i32> {
    status.signal()
}

impl Group {
    /// The group of a process that has not yet been waited for.
    pub fn of(child: &Child) -> Option<Self> {
        i32::try_from(child.id()?).ok().filter(|id| *id > 0).map(Self)
    }

    /// Asks all of it to end; it may have ended by itself.
    pub fn ask_to_end(self) {
        self.signal(Signal::TERM);
    }

    /// Ends all of it at once; it may have ended by itself.
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Whether anything of it is left once its shell has been waited for. As long as that is so, its number is given to
    /// nobody else.
    pub fn is_alive_after_its_shell(self) -> bool {
        let Some(id) = Pid::from_raw(self.0) else { return false };
        // as the first process of a container we inherit what the shell has left, and nobody else waits for it
        while let Ok(Some(_)) = waitpgid(id, WaitOptions::NOHANG) {}
        test_kill_process_group(id).is_ok()
    }

    fn signal(self, signal: Signal) {
        let _ = Pid::from_raw(self.0).map(|id| kill_process_group(id, signal));
    }
}
