//! The commands: one file each, with its arguments (their docs are its help) and the function that runs it.

pub mod attempt;
pub mod bootstrap;
pub mod broadcast;
pub mod choices;
pub mod completions;
pub mod config;
pub mod id;
pub mod leave;
pub mod listen;
pub mod log;
pub mod peers;
pub mod ping;
pub mod send;
pub mod text;
