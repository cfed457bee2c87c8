//! The hostile day: every fault and every attack that p2p claims to survive, as a program that prints its figures.
//!
//! Each takes less than a minute; with `P2P_FAULTS_FOR=10m` those that can go on do so for that long each. What needs more than
//! this machine allows says `SKIPPED` and why. `docs/TESTING.md` has the list and what was found.

#![expect(unreachable_pub, reason = "fixtures are public to the other files of this test")]
#![expect(clippy::unwrap_used, reason = "a test that fails says so")]

#[path = "../all/support.rs"]
#[macro_use]
#[expect(dead_code, reason = "each test uses another part of the fixtures")]
mod support;
#[macro_use]
mod report;

#[path = "../all/hosts.rs"]
mod hosts;
#[path = "../all/raw.rs"]
#[expect(dead_code, reason = "each test uses another part of the fixtures")]
mod raw;

mod accepting;
mod damage;
mod kills;
mod links;
mod lossy;
mod model;
mod power;
mod published;
mod receivers;
mod soak;
mod strangers;
mod syscalls;
mod tally;
mod traffic;
mod writers;
