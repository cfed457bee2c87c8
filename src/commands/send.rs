//! `p2p send`: one message to one peer, and the truth about what became of it.

use crate::commands::attempt::AttemptArgs;
use crate::commands::text::TextArgs;
use crate::event::{Event, milliseconds};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::message::Proof;
use crate::outreach;
use crate::report::{Errand, Report};

/// Send one message to one peer
///
/// Exit status 0 means that it was delivered: another p2p has stored it and says so, or a plain program has read every
/// byte of it. With --retry or --retry-for only what surely has not arrived is sent again: the plain wire has no ids, so
/// the peer could not tell a repeated message from a new one.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    p2p send alice Backup done\n  \
    df -h | p2p send 10.18.0.4:6000\n  \
    p2p send alice --retry-for 10m Backup done\n  \
    p2p send --require-ack alice v1.2 || echo 'not confirmed' >&2")]
pub struct Args {
    /// To whom: a known name, or HOST:PORT
    peer: String,
    #[command(flatten)]
    text: TextArgs,
    /// Fail if the peer is a plain program, which can read but not acknowledge
    #[arg(long)]
    require_ack: bool,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let mut home = Home::open(global, &args.attempt.flags())?;
    let peer = home.peer(&args.peer)?;
    let errand = Errand::Message(args.text.read()?);
    let mut report = block_on(outreach::run_one(&home, peer, &errand))??;
    outreach::note(&mut home, std::slice::from_ref(&report), false);
    if args.require_ack {
        require_ack(&mut report);
    }
    let usage = report.result.as_ref().is_err_and(|failure| failure.code == Code::Usage);
    if !usage {
        outreach::keep(&home, &errand, std::slice::from_ref(&report));
        home.ui.event(&Event::Sent(report.sent()))?;
    }
    let label = report.named().label();
    let Report { result, parts, time, .. } = report;
    let heard = result?;
    let done = match heard.proof {
        Proof::Acked => "delivered to",
        Proof::Read => "read by",
    };
    let in_parts = if parts > 1 { format!(" in {parts} messages") } else { String::new() };
    home.ui.talk(format!("{done} {label}{in_parts} in {:.1} ms", milliseconds(time)));
    Ok(Exit::Done)
}

fn require_ack(report: &mut Report) {
    if report.result.as_ref().is_ok_and(|heard| heard.proof == Proof::Read) {
        let message = format!(
            "{} has read it but cannot acknowledge: it is a plain program",
            report.peer.label()
        );
        report.result = Err(Failure::new(Code::Unconfirmed, message));
    }
}
