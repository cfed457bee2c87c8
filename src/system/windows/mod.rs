//! The Windows side of the door: what Windows has in the place of what Unix has, and what it does not have. It compiles;
//! nobody has tested it.

pub mod disk;
pub mod machine;
pub mod process;
pub mod service;
pub mod signals;
pub mod socket;
