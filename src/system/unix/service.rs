//! The service manager that has started us: sockets that it hands over, and telling it how we are (sd_listen_fds(3),
//! sd_notify(3)).

use std::io;
use std::net::TcpListener;

use sd_notify::NotifyState;

/// The sockets that were handed over.
pub struct Handed(listenfd::ListenFd);

impl Handed {
    /// Finds them in the environment, and clears the variables by which they are handed over: to be called while this
    /// process has one thread.
    pub fn take() -> Self {
        Self(listenfd::ListenFd::from_env())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The first one, if it is a TCP socket.
    pub fn first(&mut self) -> io::Result<Option<TcpListener>> {
        self.0.take_tcp_listener(0)
    }
}

/// Tells the manager that others can reach us now. Without a manager nobody is told; one that cannot be told has its own
/// time limits.
pub fn ready(status: &str) {
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells the manager that we are about to end.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}
