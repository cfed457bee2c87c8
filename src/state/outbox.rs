//! The ledger of sent messages, which any number of commands write at once.

use std::time::Duration;

use super::dir::StateDir;
use super::ledger::{Ledger, SENT};
use super::lock::Lock;
use crate::exit::Failure;

const LOCK_FILE: &str = "sent.lock";

/// Adds objects; `line` gets a record and its number and makes the line of it.
pub fn add<R>(
    dir: StateDir,
    max_bytes: u64,
    lock_wait: Duration,
    records: &[R],
    line: impl Fn(&R, u64) -> String,
) -> Result<(), Failure> {
    let _lock = Lock::acquire(&dir, LOCK_FILE, lock_wait)?;
    Ledger::open(dir, SENT, max_bytes)?.append(records, line)
}
