//! No service manager of Windows hands over sockets or wants to be told how we are.

use std::io;
use std::net::TcpListener;

/// The sockets that were handed over: none.
pub struct Handed;

impl Handed {
    /// There are none.
    pub fn take() -> Self {
        Self
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        0
    }

    /// There is no first one.
    pub fn first(&mut self) -> io::Result<Option<TcpListener>> {
        Ok(None)
    }
}

/// Nobody is told.
pub fn ready(_: &str) {}

/// Nobody is told.
pub fn stopping() {}
