//! The wire without any I/O: bytes in, readings out, and back.
//!
//! `conversation` understands what every known dialect sends (each in `dialects`) and gives a `reading`, `writing` makes
//! the canonical forms, `verdict` is the line by which two p2p recognise each other, `receipt` what plain programs say
//! instead; `frame` is what two p2p say inside a session, `acquaintances` the list of peers there. None of them knows sockets, files or time.

pub mod acquaintances;
pub mod conversation;
mod dialects;
pub mod frame;
pub mod reading;
pub mod receipt;
pub mod verdict;
pub mod writing;
