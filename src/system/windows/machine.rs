//! This machine and our place on it: its name, the folders of the user, the limits of a process, who reads our output.

use std::env;
use std::io;
use std::path::PathBuf;
use std::thread;

use crate::system::Folder;

/// Why there is no folder of the user, when there is none.
pub const NO_FOLDER: &str = "APPDATA or LOCALAPPDATA is not set";

/// `ERROR_TOO_MANY_OPEN_FILES`, `WSAEMFILE`.
const NO_FILES: [i32; 2] = [4, 10024];

/// `ERROR_NOT_ENOUGH_MEMORY`, `ERROR_OUTOFMEMORY`, `ERROR_NO_SYSTEM_RESOURCES`, `WSAENOBUFS`.
const NO_MEMORY: [i32; 4] = [8, 14, 1450, 10055];

/// What this machine is called.
pub fn name() -> String {
    env::var_os("COMPUTERNAME").unwrap_or_default().to_string_lossy().into_owned()
}

/// The usual folder for this kind of files: what the user has written may follow them to other machines, the rest stays.
pub fn folder(folder: Folder) -> Option<PathBuf> {
    let variable = match folder {
        Folder::Config => "APPDATA",
        Folder::State | Folder::Data => "LOCALAPPDATA",
    };
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Windows has no limit on open sockets that a process could raise.
pub fn raise_open_files(connections: usize) -> usize {
    connections
}

/// Windows has no limit on open files that a process could meet at its start.
pub fn allows_open_files(_count: u64) -> bool {
    true
}

/// Whether an error says that there are too many open files.
pub fn lacks_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| NO_FILES.contains(&code))
}

/// Whether an error says that there is no memory left for another connection.
pub fn lacks_memory(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| NO_MEMORY.contains(&code))
}

/// Blocks for ever: that a reader has gone is found out by the next line.
pub fn wait_for_reader_gone(_: &io::Stdout) {
    loop {
        thread::park();
    }
}

/// Windows keeps no dumps of programs unless its owner says so.
pub fn keep_out_of_core_dumps() {}
