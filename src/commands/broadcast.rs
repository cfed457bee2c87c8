//! `p2p broadcast`: one message to many peers at once, with one result for each.

use std::time::SystemTime;

use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::commands::text::{MessageArgs, TextArgs};
use crate::config::Time;
use crate::escape::shell_word;
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::outreach::{self, Plan};
use crate::peer::Peer;
use crate::quorum::Quorum;
use crate::report::Errand;

/// Send one message to many peers
///
/// It goes to every known peer that has not left, but for those that we only know from others. A peer that has moved gets it
/// only at the address where it was seen last. Each peer's result is one line, as it finishes: address, name, status,
/// milliseconds. So many as -j says begin at once; one that does not answer soon makes room for the next, so that many
/// silent peers together cost one time limit.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p broadcast Deploy starts\n  \
    p2p broadcast --to alice --to 10.18.0.7:5000 Lunch\n  \
    uptime | p2p broadcast --active 1h --except printer\n\n  \
    # fails unless four of five have it within a minute\n  \
    p2p broadcast --to @web --quorum 80% --retry-for 1m 'deploy v1.2'\n\n\
    Exit status: 0 enough have it, 3 some but too few; if none has it, 4 it was not sent, 5 some may have \
    it, 6 all refused it or their commands failed, 7 identity or encryption; 1 there is nobody; 130 interrupted, and reported so far.")]
pub struct Args {
    #[command(flatten)]
    text: TextArgs,
    /// Only to these peers; may be repeated
    ///
    /// PEER is a name, HOST:PORT, or @TAG.
    #[arg(long, value_name = "PEER")]
    to: Vec<String>,
    /// Not to these peers; may be repeated
    #[arg(long, value_name = "PEER")]
    except: Vec<String>,
    /// Only to peers that were seen in this time
    #[arg(long, value_name = "TIME")]
    active: Option<Time>,
    /// How many need it: all, any, N, N% [default: all]
    ///
    /// N is a number of peers, N% a part of them, as 50%.
    #[arg(long, value_name = "QUORUM", default_value_t = Quorum::All, hide_default_value = true)]
    quorum: Quorum,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags_with(args.jobs))?;
    check_words(&home, args)?;
    let peers = choose(&home, args)?;
    let message = args.message.read(&args.text)?;
    if peers.is_empty() {
        let nobody = Failure::new(Code::Nothing, "there is no peer to send to");
        return Err(if args.to.is_empty() && args.except.is_empty() && args.active.is_none() {
            let how =
                "peers are learned when they write; to enter one: p2p peers add NAME HOST:PORT";
            nobody.hint(left_out(&home).unwrap_or_else(|| how.to_owned()))
        } else {
            nobody
        });
    }
    if args.to.is_empty()
        && let Some(left_out) = left_out(&home)
    {
        home.ui.talk(left_out);
    }
    let errand = Errand::Message(message);
    let plan = Plan { quorum: args.quorum, checks: false };
    let tally = block_on(outreach::run_all(&mut home, peers, &errand, plan))??;
    tally.conclude(&home.ui)
}

/// Who is left out of what goes to everybody, and how to change that: those that we only know from others.
fn left_out(home: &Home) -> Option<String> {
    let all = home.peers.book().iter().filter(|peer| peer.is_hearsay() && !peer.is_kept());
    let count = all.count();
    let how = "to meet them: p2p bootstrap --meet";
    (count > 0).then(|| format!("known only from others, and left out: {count}; {how}"))
}

/// Other commands take their peers as words. Here all words are the text, and it goes to everybody.
fn check_words(home: &Home, args: &Args) -> Result<(), Failure> {
    let [first, _, ..] = args.text.words() else { return Ok(()) };
    let is_peer =
        first.starts_with('@') || home.peer(first).is_ok_and(|peer| peer.has_given_name());
    if !is_peer || !args.to.is_empty() {
        return Ok(());
    }
    let message = format!("`{first}` would be the first word of a text for all peers");
    Err(Failure::new(Code::Usage, message).hint(format!(
        "to send to it: p2p broadcast --to {} TEXT; if it is text, put all of it in quotes",
        shell_word(first)
    )))
}

fn choose(home: &Home, args: &Args) -> Result<Vec<Peer>, Failure> {
    let mut peers = if args.to.is_empty() { home.all_peers() } else { home.peers_named(&args.to)? };
    let except = home.peers_named(&args.except)?;
    let now = SystemTime::now();
    // wherever it is by now
    let is_same =
        |a: &Peer, b: &Peer| a.address == b.address || (a.key.is_some() && a.key == b.key);
    peers.retain(|peer| !except.iter().any(|e| is_same(e, peer)));
    if let Some(Time(active)) = args.active {
        peers.retain(|peer| peer.age(now).is_some_and(|age| age <= active));
    }
    Ok(peers)
}
