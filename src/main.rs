//! The binary: hands the arguments over and ends the process.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(p2p::run(std::env::args_os()))
}
