//! What `p2p peers` is called with.

use clap::{Subcommand, ValueEnum};

use crate::commands::attempt::TryArgs;
use crate::config::{Time, parse_jobs};
use crate::key::PublicKey;
use crate::tag::Tag;

/// List and edit the peers that are known
///
/// On a terminal a table; into a pipe one line each, tab-separated and without a header: name, address, state (active,
/// stale, left, static, learned, lan), when the peer was last seen, its tags with commas between, and its key. What is not known is `-`.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_long_help = "Examples:\n  \
    p2p peers --only 'web*' --active\n\n  \
    # who answers now, here and in the local network\n  \
    p2p peers --check -t 2s\n  \
    p2p peers --lan --check\n\n  \
    p2p peers add alice 10.18.0.4:6000 --tag lab\n  \
    p2p peers set alice --tag deploy --untag lab\n  \
    p2p peers trust alice\n  \
    p2p peers rm @old\n\n\
    Exit status: 0 there are such peers, 1 there are none.")]
pub struct Args {
    #[command(subcommand)]
    pub(super) action: Option<Action>,
    /// Only these; may be repeated
    ///
    /// PEER is a name, HOST:PORT, @TAG, or a pattern with * and ? for names.
    #[arg(long, value_name = "PEER")]
    pub(super) only: Vec<String>,
    /// Only peers that were seen lately
    ///
    /// It was in this time, or in the last hour.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    pub(super) active: Option<Option<Time>>,
    /// Only these: static, heard, learned, lan
    ///
    /// static: entered by hand or in the configuration; heard: it wrote to us, or we reached it, and nobody had told of it
    /// before; learned: another peer has told of it; lan: it was found in the local network.
    #[arg(long, value_name = "SOURCE", value_enum, hide_possible_values = true)]
    pub(super) source: Option<SourceArg>,
    /// List those of the local network
    ///
    /// It is asked first, for 2s; less may miss some. Whoever announces himself there is listed, and not greeted.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    pub(super) lan: Option<Option<Time>>,
    /// Greet them first
    ///
    /// Those that do not answer become stale. Of those that we only know from others, only the ones that are meant: with
    /// --lan, with --source, or by name or address, at most 256.
    #[arg(long)]
    pub(super) check: bool,
    /// In the order of name, addr or seen [default: name]
    ///
    /// Those without a name come last; the one last seen comes first.
    #[arg(long, value_name = "BY", value_enum, default_value_t)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(super) sort: Sort,
    /// With --check: how many at once [default: 64]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs, requires = "check")]
    pub(super) jobs: Option<usize>,
    /// With --check: time limit of each [default: 5s]
    #[arg(short, long, value_name = "TIME", requires = "check")]
    pub(super) timeout: Option<Time>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SourceArg {
    /// Entered by hand or in the configuration
    Static,
    /// It wrote to us, or we reached it, and nobody had told of it before
    Heard,
    /// Another peer has told of it
    Learned,
    /// It was found in the local network
    Lan,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// By name, those without one last
    #[default]
    Name,
    /// By address
    Addr,
    /// The one last seen first
    Seen,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Enter a peer by hand
    ///
    /// A peer that is known already gets the name.
    Add {
        /// Its name here, in one word; blanks become _
        // an argument called `name` would be taken for the global option
        #[arg(value_name = "NAME")]
        given_name: String,
        /// Its address
        #[arg(value_name = "HOST:PORT")]
        addr: String,
        /// Give it this tag, so that @TAG means it; may be repeated
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<Tag>,
        /// Its key, as `p2p id` prints it there
        #[arg(long, value_name = "KEY")]
        key: Option<PublicKey>,
    },
    /// Change a peer's name and tags
    ///
    /// Its name is given with --name NAME. A peer that has a name or a tag by hand stays in the list.
    #[command(
        override_usage = "p2p peers set [--name NAME] [--tag TAG]... [--untag TAG]... <PEER>"
    )]
    Set {
        /// Which: a known name, or HOST:PORT
        #[arg(value_name = "PEER")]
        peer: String,
        /// Give it this tag; may be repeated
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<Tag>,
        /// Take this tag from it; may be repeated
        #[arg(long = "untag", value_name = "TAG")]
        untags: Vec<Tag>,
    },
    /// Say which key a peer has
    ///
    /// It is the one that is given, or the one that is there now. From then on nobody with another key is believed to be this peer. A key that is not given is asked for over the network,
    /// where somebody on the way could give another one: compare it with what `p2p id` prints there.
    Trust {
        /// Which: a known name, or HOST:PORT
        #[arg(value_name = "PEER")]
        peer: String,
        /// Its key, as `p2p id` prints it there
        #[arg(long, value_name = "KEY")]
        key: Option<PublicKey>,
        #[command(flatten)]
        tries: TryArgs,
    },
    /// Forget peers
    ///
    /// Of those that others tell of, `p2p bootstrap` learns again.
    Rm {
        /// Whom: known names, HOST:PORT, or @TAG
        #[arg(value_name = "PEER", required = true)]
        peers: Vec<String>,
    },
    /// Forget those that were not seen for some time
    ///
    /// Whoever was entered by hand stays.
    Prune {
        /// Not seen for this time
        #[arg(long, value_name = "TIME")]
        older: Time,
        /// Only say which
        #[arg(long)]
        dry_run: bool,
    },
}
