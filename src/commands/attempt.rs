//! How often, how long and by which way a peer is tried: the options of every command that calls peers.

use crate::commands::choices;
use crate::config::{Time, parse_jobs};
use crate::settings::Flags;
use crate::trust::Secure;

/// How a peer is called
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct AttemptArgs {
    #[command(flatten)]
    tries: TryArgs,
    /// Encryption: require, prefer, off [default: prefer]
    ///
    /// require: always, or nothing is sent; prefer: whenever a p2p is there; off: never.
    #[arg(long, value_name = "WHEN", value_parser = choices::secure(), hide_possible_values = true)]
    secure: Option<Secure>,
}

/// How often and how long a peer is tried
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct TryArgs {
    /// Time limit of one try [default: 5s]
    ///
    /// The limit is for all of it: find the host, connect, get the answer.
    #[arg(short, long, value_name = "TIME")]
    timeout: Option<Time>,
    /// Try again so often
    ///
    /// It is done only where that is safe and may help.
    #[arg(long, value_name = "N")]
    retry: Option<u32>,
    /// Try again for this long
    ///
    /// The pauses grow from 200ms to 5s.
    #[arg(long, value_name = "TIME")]
    retry_for: Option<Time>,
}

/// How many peers are called at once
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct JobsArg {
    /// How many are contacted at once [default: 64]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<usize>,
}

impl TryArgs {
    /// What these options say to the settings.
    pub fn flags(self) -> Flags {
        let Self { timeout, retry, retry_for } = self;
        Flags { timeout, retry, retry_for, ..Flags::default() }
    }
}

impl AttemptArgs {
    /// What these options say to the settings.
    pub fn flags(self) -> Flags {
        Flags { secure: self.secure, ..self.tries.flags() }
    }

    /// The same with the number of jobs.
    pub fn flags_with(self, jobs: JobsArg) -> Flags {
        Flags { jobs: jobs.jobs, ..self.flags() }
    }
}
