//! `p2p bootstrap`: greets the static peers of the configuration, the mandatory peers of the course, and gets to know others
//! through them.

use std::time::Duration;

use crate::acquaint;
use crate::commands::attempt::{AttemptArgs, JobsArg};
use crate::commands::text::{MessageArgs, TextArgs};
use crate::config::Time;
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::lan;
use crate::message::Outgoing;
use crate::neighbours::static_peers;
use crate::outreach::{self, Round};
use crate::peer::Peer;
use crate::quorum::Quorum;
use crate::report::{Errand, Tally};
use crate::signals::Caught;

/// Greet the static peers of the configuration
///
/// Each static peer of the configuration gets the CONNECT handshake, all of them at once. Those that answer encrypted are
/// asked which peers they know, and so are up to three other peers that we have met, chosen anew each time; whether those
/// answer does not count. Without static peers, peers that were met before are greeted instead. A peer tells of its peers if its listener has
/// --share-peers.
///
/// Peers of which others tell are entered as learned. Until they are met, what others say is all that is known of them, and
/// messages to all leave them out. With --meet they are greeted as well.
///
/// With --lan whoever announces himself in the local network is greeted, too, and from then on gets messages to all. To
/// look before: p2p peers --lan
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p bootstrap\n  \
    p2p bootstrap --hello 'Team Red is up'\n  \
    p2p bootstrap --lan\n  \
    p2p bootstrap -q --meet\n\n\
    Exit status: 0 at least one answers (and has the message), or as many as --quorum says, 3 too few, 4 or \
    5 none; 1 there is nobody to greet: the configuration has no static peers, and we have met nobody.")]
pub struct Args {
    /// Also send them this message, or - for stdin
    #[arg(long, value_name = "MESSAGE")]
    hello: Option<String>,
    /// Greet those of the local network, too
    ///
    /// They are those that announce themselves with `listen --lan`. The network is asked for 2s; less may miss some.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    lan: Option<Option<Time>>,
    /// Do not ask which peers they know
    #[arg(long)]
    no_learn: bool,
    /// Also greet peers that were only learned
    ///
    /// At most 256 at a time. Who does not answer is left alone until somebody has seen it again.
    #[arg(long)]
    meet: bool,
    /// How many have to answer: all, any, N, N% [default: any]
    ///
    /// N is a number of peers, N% a part of them, as 50%.
    #[arg(long, value_name = "QUORUM", default_value_t = Quorum::Any, hide_default_value = true)]
    quorum: Quorum,
    #[command(flatten)]
    jobs: JobsArg,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags_with(args.jobs))?;
    let message = |hello| MessageArgs::default().read(&TextArgs::given(hello));
    let hello = args.hello.map(message).transpose()?;
    let lan = args.lan.map(|time| time.map_or(lan::DEFAULT_TIME, |time| time.0));
    let (learns, meets) = (!args.no_learn, args.meet);
    let plan = Plan { hello, lan, learns, meets, quorum: args.quorum };
    let tally = block_on(greet(&mut home, plan))??;
    conclude(tally, &home)
}

fn nobody(home: &Home, lan: Option<Duration>) -> Failure {
    let path = home.settings.config_path.display();
    let why = format!("{path} has no static peers");
    match lan {
        Some(time) => {
            let why = format!("{why}, and nobody has answered here within {}", Time(time));
            Failure::new(Code::Nothing, why)
                .hint("do others run `p2p listen --lan`? to ask longer: --lan=5s")
        }
        None => Failure::new(Code::Nothing, why)
            .hint("add them as [[peer]]; `p2p config init` writes an example"),
    }
}

/// What is to become of it.
struct Plan {
    hello: Option<Outgoing>,
    /// How long the local network is asked, if it is.
    lan: Option<Duration>,
    learns: bool,
    meets: bool,
    quorum: Quorum,
}

async fn greet(home: &mut Home, mut plan: Plan) -> Result<Tally, Failure> {
    let signal = outreach::watch_signals()?;
    let mut peers = static_peers(home);
    // a message is for those that somebody has chosen
    let stand_ins = match (&plan.hello, plan.learns) {
        (None, true) => acquaint::others(home, &[]),
        _ => Vec::new(),
    };
    if let Some(time) = plan.lan {
        let near = tokio::select! {
            near = acquaint::look_around(home, time) => near,
            signal = signal.clone().caught() => return Ok(interrupted(&plan, signal)),
        };
        match near {
            Ok(near) if near.is_empty() => {
                let time = Time(time);
                home.ui.talk(format!("nobody in the local network has answered within {time}"));
            }
            Ok(near) => peers.extend(near.into_iter().filter(|peer| !peer.configured)),
            Err(failure) if peers.is_empty() && stand_ins.is_empty() => return Err(failure),
            Err(failure) => home.ui.warn(failure),
        }
    }
    let has_stand_ins = peers.is_empty();
    if has_stand_ins {
        peers = stand_ins;
    }
    if peers.is_empty() && plan.meets && plan.hello.is_none() {
        plan.meets = false;
        peers = acquaint::unmet(home);
    }
    if peers.is_empty() {
        return Err(nobody(home, plan.lan));
    }
    let greeted = outreach::run_round(home, peers.clone(), &Errand::Connect, &signal, true).await?;
    let mut tally = Tally::new(peers.len(), &greeted.reports, plan.quorum, greeted.signal);
    if let Some(hello) = plan.hello.filter(|_| tally.signal.is_none()) {
        let now = |peer: &Peer| home.peers.book().meant_by(&peer.address).cloned();
        let there: Vec<_> = peers.iter().filter_map(now).filter(|p| !p.unanswered).collect();
        let hello = Errand::Message(hello);
        let Round { reports, signal } =
            outreach::run_round(home, there.clone(), &hello, &signal, false).await?;
        let told = Tally::new(there.len(), &reports, plan.quorum, signal);
        // a greeting without the message is not what was asked for
        let failed = tally.targets - told.ok;
        let none = if told.targets > 0 { told.none } else { tally.none };
        tally = Tally { ok: told.ok, failed, none, signal: told.signal, ..tally };
    }
    if plan.learns && tally.signal.is_none() {
        let mut tellers = acquaint::tellers(home, &greeted.reports);
        if !has_stand_ins {
            tellers.extend(acquaint::others(home, &peers));
        }
        tally.signal = acquaint::learn(home, tellers, &signal).await?;
    }
    if plan.meets && tally.signal.is_none() {
        tally.signal = acquaint::meet(home, &signal).await?;
    }
    Ok(tally)
}

/// Nobody was greeted yet.
fn interrupted(plan: &Plan, signal: Caught) -> Tally {
    let (targets, ok, failed, none) = (0, 0, 0, Code::Nothing);
    Tally { targets, ok, failed, quorum: plan.quorum, none, signal: Some(signal) }
}

fn conclude(tally: Tally, home: &Home) -> Result<Exit, Failure> {
    tally.conclude(&home.ui).map_err(|failure| match failure.code {
        Code::Unreachable | Code::Partial => {
            failure.hint("are the addresses right? `p2p config show` tells which file lists them")
        }
        _ => failure,
    })
}
