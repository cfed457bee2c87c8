//! Hooks: commands of the user that are run when something arrives.
//!
//! `rules` says which command is run for what, and what it is told; `runner` runs so many at once, in a thread of its
//! own; `process` is one of them, from its start until nothing of it is left; `output` is where they print to. Nothing that a peer sends is ever part of
//! a command: it is on stdin and in the environment.

pub mod output;
pub mod process;
pub mod rules;
pub mod runner;
