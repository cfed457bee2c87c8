//! `p2p send`: one message to one peer, or each line as one, and the truth about what became of it.

use crate::commands::attempt::AttemptArgs;
use crate::commands::text::{MAX_TEXT_BYTES, MessageArgs, TextArgs};
use crate::escape::escape;
use crate::event::{Event, milliseconds};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::lines::{self, Delivered, Lines};
use crate::message::Proof;
use crate::outreach;
use crate::peer::Peer;
use crate::report::{Errand, Report};
use crate::ui::stdout_is_terminal;

/// Send one message to one peer
///
/// Exit status 0 means that it was delivered: another p2p has stored it and says so, or a plain program has read every
/// byte of it. To another p2p it goes encrypted, and only to the one whose key is known from the first time. With --retry
/// or --retry-for it is sent again: to a p2p until it is acknowledged, which shows it once; to a plain program only if it
/// surely has not arrived.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p send alice Backup done\n  \
    df -h | p2p send 10.18.0.4:6000\n\n  \
    # once, however often the job is run today\n  \
    p2p send alice --retry-for 10m --id backup-$(date +%F) Backup done\n\n  \
    # each line, as it comes\n  \
    tail -f app.log | p2p send alice --lines --topic app\n\n  \
    # the answer of the peer's command\n  \
    p2p send sensor --reply 'temperature?'\n\n\
    Exit status: 0 it was delivered, 4 it was not sent, 5 it may have arrived, 6 the peer refused it or its command failed, \
    7 identity or encryption.")]
pub struct Args {
    /// To whom: a known name, or HOST:PORT
    #[arg(value_name = "PEER")]
    peer: String,
    #[command(flatten)]
    text: TextArgs,
    /// Send each line of stdin as a message
    ///
    /// Each is sent as it comes. The first that is not acknowledged ends it, and is named.
    #[arg(long, conflicts_with_all = ["message", "file", "id", "reply"])]
    lines: bool,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    attempt: AttemptArgs,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let (mut home, peer) = Home::open_about(global, &args.attempt.flags(), &args.peer)?;
    if args.lines {
        return send_lines(home, peer, &args.message);
    }
    let message = args.message.read(&args.text)?;
    let errand = Errand::Message(message.clone());
    let report = block_on(outreach::run_one(&home, peer, &errand))??;
    outreach::note(&mut home, std::slice::from_ref(&report), false);
    let usage = report.result.as_ref().is_err_and(|failure| failure.code == Code::Usage);
    if !usage {
        outreach::keep(&home, &errand, std::slice::from_ref(&report));
        home.ui.event(&Event::Sent(report.sent(&message)))?;
    }
    tell_of_key(&home, &report);
    let label = report.named().label();
    let Report { result, reply, parts, time, .. } = report;
    if let Some(reply) = reply.filter(|_| !home.ui.json) {
        home.ui.data(&shown(reply))?;
    }
    let heard = result?;
    let done = match heard.proof {
        Proof::Acked => "delivered to",
        Proof::Read => "read by",
    };
    let in_parts = if parts > 1 { format!(" in {parts} messages") } else { String::new() };
    home.ui.talk(format!("{done} {label}{in_parts} in {:.1} ms", milliseconds(time)));
    Ok(Exit::Done)
}

/// A reply as it is printed: its bytes, but on a terminal only what is safe to see there.
fn shown(reply: Vec<u8>) -> Vec<u8> {
    if !stdout_is_terminal() {
        return reply;
    }
    let lines: Vec<_> = reply.split(|byte| *byte == b'\n').map(escape).collect();
    lines.join("\n").into_bytes()
}

/// Tells a person that a key was seen for the first time, and will be expected from now on.
fn tell_of_key(home: &Home, report: &Report) {
    let key = report.reached.as_ref().and_then(|reached| reached.key);
    let entry = home.peers.book().meant_by(&report.peer.address);
    let is_kept = entry.is_some_and(|peer| key.is_some() && peer.key == key);
    if let Some(key) = key.filter(|_| report.peer.key.is_none() && is_kept) {
        let (label, print) = (report.named().label(), key.fingerprint());
        home.ui.talk(format!("{label} has the key {print}, which is remembered"));
    }
}

fn send_lines(mut home: Home, peer: Peer, args: &MessageArgs) -> Result<Exit, Failure> {
    let lines = Lines {
        message: args.message(Vec::new()),
        allows_empty: args.allows_empty(),
        max_bytes: MAX_TEXT_BYTES as usize,
    };
    let Delivered { lines, peer, time } = block_on(lines::send(&mut home, peer, lines))??;
    let (label, time) = (peer.label(), milliseconds(time));
    home.ui.talk(format!("delivered to {label}: {lines} lines in {time:.1} ms"));
    Ok(Exit::Done)
}
