//! What p2p does, shown from outside: the program as its users run it, and the listener as its peers meet it.

#![expect(unreachable_pub, reason = "fixtures are public to the other files of this test")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails says so, one that measures too"
)]

#[macro_use]
mod support;

mod hosts;
mod raw;
mod terminal;

mod attacks;
mod broadcast;
mod calls;
mod completion;
mod config;
mod console;
mod corpus;
mod dialects;
mod enough;
mod faq;
mod hooks;
mod house;
mod keys;
mod lan;
mod learning;
mod limits;
mod listen;
mod log;
mod manual;
mod many;
mod output;
mod peers;
mod proof;
mod readme;
mod recipes;
mod retry;
mod send;
mod service;
mod sessions;
mod state;
