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
    /// Whether it has to be encrypted [default: prefer]
    #[arg(long, value_name = "WHEN", value_parser = choices::secure())]
    secure: Option<Secure>,
}

/// How often and how long a peer is tried
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct TryArgs {
    /// Time limit of one try: find the host, connect, get the answer [default: 5s]
    #[arg(short, long, value_name = "TIME")]
    timeout: Option<Time>,
    /// Try again so often, where that is safe and may help
    #[arg(long, value_name = "N")]
    retry: Option<u32>,
    /// Try again for this long, after pauses from 200ms to 5s
    #[arg(long, value_name = "TIME")]
    retry_for: Option<Time>,
}

/// How many peers are called at once
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct JobsArg {
    /// How many peers are contacted at once [default: 64]
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
