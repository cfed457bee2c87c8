//! The state directory that all invocations share: the one door to the disk.
//!
//! `dir` opens it and its files safely, `lock` orders writers, `append` adds to a file without ever tearing a record,
//! `peers_file` keeps the peer book, of which `about` finds one peer, a `ledger` what arrived and what was sent, `seen` the ids of what arrived, `presence`
//! who listens, `key_file` the secret key. No network here, and no lock is held across a network wait.

mod about;
mod append;
pub mod cursor;
pub mod dir;
pub mod key_file;
pub mod ledger;
mod lock;
pub mod outbox;
pub mod peers_file;
mod picked;
pub mod presence;
pub mod reader;
pub mod record;
pub mod seen;
