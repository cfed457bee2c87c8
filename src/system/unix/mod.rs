//! The Unix side of the door. Linux is what is tested; what only Linux has says so where it is used.

pub mod disk;
pub mod machine;
pub mod process;
pub mod service;
pub mod signals;
pub mod socket;
