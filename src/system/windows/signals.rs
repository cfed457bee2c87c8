//! What Windows has in the place of signals: Ctrl-C, the end of the console, the end of the session. Ctrl-Break is left to
//! the system, which ends us at once, whatever we are doing.

use std::io;

use tokio::signal::windows::{CtrlC, CtrlClose, CtrlShutdown, ctrl_c, ctrl_close, ctrl_shutdown};

use crate::system::Signal;

/// What ends us, as it arrives.
#[derive(Debug)]
pub struct Signals {
    interrupt: CtrlC,
    shutdown: CtrlShutdown,
    close: CtrlClose,
}

impl Signals {
    /// From here on these do not end the process by themselves; the end of a console does so after some seconds.
    pub fn new() -> io::Result<Self> {
        Ok(Self { interrupt: ctrl_c()?, shutdown: ctrl_shutdown()?, close: ctrl_close()? })
    }

    /// The next of them.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.shutdown.recv() => Signal::Terminate,
            _ = self.close.recv() => Signal::HangUp,
        }
    }
}

/// Does nothing: whoever is stuck in a write is ended by Ctrl-Break.
pub fn second_ends_all() -> io::Result<()> {
    Ok(())
}
