//! What `p2p listen` is called with.

use crate::commands::choices;
use crate::config::{Advertise, Bind, Run, Time, parse_jobs, parse_listen_port};
use crate::topic::TopicGlob;
use crate::trust::{Accept, Secure, Share};

/// Receive in the foreground
///
/// Each message is one line on stdout: address, name, text. Whatever is in a text, it stays on its line: newlines,
/// tabs, backslashes and everything that cannot be seen appear escaped. SIGINT, SIGTERM or SIGHUP ends the listener;
/// it finishes what is in hand and says goodbye to the peers that know us. A second signal ends it at once.
///
/// Other p2p write in encrypted sessions, and prove their key. What plain programs say is only a claim; on a terminal a name
/// that is no more than that has a ? after it.
///
/// With -x a command is run by /bin/sh for each message, in place of the configuration's hooks for messages. The text
/// is on its stdin, ended by a newline; P2P_EVENT, P2P_FROM (the address), P2P_NAME, P2P_OBSERVED (the IP), P2P_VERIFIED,
/// P2P_TIME and P2P_SIZE tell the rest, and of an encrypted message P2P_KEY, P2P_ID and P2P_TOPIC. It runs in the directory of the listener; what it prints goes to stderr, with --reply its
/// stdout to a sender that waits for it. A message
/// is acknowledged when it is stored and shown, whatever becomes of its hook. Hooks end in any order; with -j 1 in that of
/// the messages. A listener that has enough waits for them.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p listen\n  \
    p2p listen -p 0 -b 127.0.0.1 > messages.log &\n\n  \
    # the next text of one peer\n  \
    p2p listen -1 -t 30s --from alice | cut -d' ' -f3-\n\n  \
    # a command for each message; one that answers\n  \
    p2p listen -x 'notify-send \"$P2P_NAME\" \"$(cat)\"'\n  \
    p2p listen --accept trusted --topic 'lab/*' -x ./measure --reply\n\n  \
    p2p listen -p 6000 --json | jq -r 'select(.event == \"message\") | .body'\n\n\
    Exit status: 0 it was told to stop, or has as many messages as it should; after -t without -n or -1, \
    0 something came, 1 nothing did; with them, 5 too few came.")]
pub struct Args {
    /// The port; 0 takes a free one [default: 5000]
    #[arg(short, long, value_name = "PORT", value_parser = parse_listen_port)]
    pub(super) port: Option<u16>,
    /// Listen on this address of the machine only
    #[arg(short, long, value_name = "ADDR")]
    pub(super) bind: Option<Bind>,
    /// Tell others that this is our address
    ///
    /// It is HOST or HOST:PORT; without a port, the one that we listen on.
    #[arg(short, long, value_name = "HOST")]
    pub(super) advertise: Option<Advertise>,
    /// Stop after one message
    #[arg(short = '1', conflicts_with = "count")]
    pub(super) one: bool,
    /// Stop after so many messages
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// Stop after this time
    #[arg(short, long, value_name = "TIME")]
    pub(super) timeout: Option<Time>,
    /// Whose messages: any, known, trusted [default: any]
    ///
    /// any: everybody's; known: those of peers in the list; trusted: those of peers whose key was given.
    #[arg(long, value_name = "WHO", value_parser = choices::accept(), hide_possible_values = true)]
    pub(super) accept: Option<Accept>,
    /// Encryption: require, prefer, off [default: prefer]
    ///
    /// require: what is not encrypted is refused; prefer: plain programs may write, too; off: nothing is encrypted.
    #[arg(long, value_name = "WHEN", value_parser = choices::listen_secure(), hide_possible_values = true)]
    pub(super) secure: Option<Secure>,
    /// Only from these peers; may be repeated
    ///
    /// They are peers that were entered by hand, by name, @TAG or address. Others are told that they are refused.
    #[arg(long, value_name = "PEER")]
    pub(super) from: Vec<String>,
    /// Only of these topics; may be repeated
    ///
    /// GLOB is a word, or a pattern with * and ?.
    #[arg(long, value_name = "GLOB")]
    pub(super) topic: Vec<TopicGlob>,
    /// Run this command for each message
    #[arg(short = 'x', long = "exec", value_name = "CMD")]
    pub(super) run: Option<Run>,
    /// Send back what the command prints
    ///
    /// Senders that wait for a reply get its output and its exit status.
    #[arg(long, requires = "run")]
    pub(super) reply: bool,
    /// End a command of -x or a hook after this time [default: 30s]
    #[arg(long, hide_short_help = true, value_name = "TIME")]
    pub(super) exec_timeout: Option<Time>,
    /// How many such commands run at once [default: 4]
    #[arg(short, long, hide_short_help = true, value_name = "N", value_parser = parse_jobs)]
    pub(super) jobs: Option<usize>,
    /// First greet the static peers of the configuration
    #[arg(long)]
    pub(super) bootstrap: bool,
    /// Who is told of our peers when asking: any, trusted, nobody [default: trusted]
    ///
    /// trusted: peers whose key was given; any: everybody whose messages are taken.
    #[arg(long, value_name = "WHO", value_parser = choices::share(), hide_possible_values = true)]
    #[arg(hide_short_help = true)]
    pub(super) share_peers: Option<Share>,
    /// Announce us in the local network
    ///
    /// `bootstrap --lan` and `peers --lan` find us then. Everybody there sees our name, our key, our port and the addresses of this machine.
    #[arg(long)]
    pub(super) lan: bool,
    /// Look again, every so often, for a few of the peers that have gone silent: at least 1s [default: never]
    #[arg(long, hide_short_help = true, value_name = "TIME")]
    pub(super) recheck: Option<Time>,
    /// Print the exact bytes of each text
    ///
    /// What cannot be seen is not escaped.
    #[arg(long, conflicts_with = "json")]
    pub(super) raw: bool,
}
