//! The state directory that all invocations share: the one door to the disk.
//!
//! `dir` opens it and its files safely, `lock` orders writers, `append` adds to a file without ever tearing a record,
//! `peers_file` keeps the peer book, `history` what arrived, `presence` who listens. No network here, and no lock
//! outlives a call.

mod append;
pub mod dir;
pub mod history;
mod lock;
pub mod peers_file;
pub mod presence;
mod record;
