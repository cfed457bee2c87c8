//! Sessions between two p2p: TLS 1.3 with raw public keys on the port of the plain wire.
//!
//! `tls` says who is at both ends, `frames` reads and writes what is said inside, `incoming` is the listener's side with its
//! `answers`, `outgoing` the caller's. Nothing of the cryptography is ours.

mod answers;
pub mod frames;
pub mod incoming;
mod limited;
pub mod outgoing;
pub mod tls;
