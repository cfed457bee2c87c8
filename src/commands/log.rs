//! `p2p log`: reads the history that `listen` keeps, and that of what was sent.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::SystemTime;

use crate::arrived::Arrived;
use crate::book::PeerBook;
use crate::changes::Changes;
use crate::config::Time;
use crate::escape::escape;
use crate::event::{Event, rfc3339};
use crate::exit::{Code, Exit, Failure};
use crate::global::Global;
use crate::home::Home;
use crate::line::{Form, line};
use crate::lookup::is_surely_named;
use crate::message::Arrival;
use crate::name::Name;
use crate::peer::Peer;
use crate::posted::{Posted, Sent};
use crate::senders::Senders;
use crate::settings::Flags;
use crate::state::cursor::{Cursor, CursorName};
use crate::state::dir::StateDir;
use crate::state::ledger::{Pages, RECEIVED, SENT};
use crate::state::reader::{Entry, Mark, Reader};
use crate::topic::{Topic, TopicGlob};
use crate::ui::stdout_is_terminal;

/// With -f and nothing else, so many messages come before those that are new, as with tail(1).
const BEFORE_FOLLOWING: u64 = 10;

/// Lines are written in pieces of about this many bytes.
const OUTPUT_BYTES: usize = 64 * 1024;

/// Read the history of messages
///
/// One line for each message, the oldest first: time, address, name, text. The text is escaped as by `p2p listen`.
///
/// With --new only what came since the last call with --new, which is remembered under a name; calls that overlap
/// share it, and each message is handed out to one of them. What --since and --from leave out counts as handed out. If
/// a call is ended before it has written all, the next one begins where that one did.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:\n  \
    p2p log -n 20\n  \
    p2p log --since 1h --from alice\n\n  \
    # each message once, in calls that may overlap\n  \
    p2p log --new | while read -r time addr name text; do echo \"$name: $text\"; done\n\n  \
    p2p log -f --json | jq -r .body\n\n\
    Exit status: 0 there are such messages, 1 there are none.")]
pub struct Args {
    /// Only the last so many
    ///
    /// With --new, the first so many of the new ones. A text that was sent to many counts once.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Only those that are not older
    ///
    /// TIME is a length as 1h, or a time in UTC as 2026-01-31T18:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Only from these peers; may be repeated
    ///
    /// With --sent, those that were sent to them.
    #[arg(long, value_name = "PEER")]
    from: Vec<String>,
    /// Only of these topics; may be repeated
    ///
    /// GLOB is a word, or a pattern with * and ?.
    #[arg(long, value_name = "GLOB")]
    topic: Vec<TopicGlob>,
    /// Messages that were sent, with what became of them
    #[arg(long)]
    sent: bool,
    /// Only what came since the last such call
    ///
    /// It is what no call with this cursor has handed out. Without a name, the cursor is called `default`.
    #[arg(long, value_name = "CURSOR", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "default")]
    new: Option<CursorName>,
    /// Go on with those that are still to come
    #[arg(short, long)]
    follow: bool,
    /// Print the exact bytes of each text
    ///
    /// What cannot be seen is not escaped.
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// A time in the past.
#[derive(Clone, Copy, Debug)]
struct Since(SystemTime);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = |Time(time): Time| SystemTime::now().checked_sub(time);
        let ago = text.parse().ok().and_then(ago);
        // a time without its zone is one of UTC, as everything that p2p prints
        let whole = [text.to_owned(), format!("{text}:00"), format!("{text} 00:00:00")];
        let at = || whole.iter().find_map(|text| humantime::parse_rfc3339_weak(text).ok());
        ago.or_else(at).map(Self).ok_or_else(|| {
            "neither a length of time as 1h30m nor a time in UTC as 2026-01-31 or 2026-01-31T18:00:00Z".into()
        })
    }
}

/// Which messages are wanted, and how they are shown.
struct View {
    since: Option<SystemTime>,
    peers: Vec<Peer>,
    /// Names that no peer has any more, as the history has them.
    names: Vec<String>,
    /// Whether peers do not matter.
    is_for_all: bool,
    senders: Senders,
    topics: Vec<TopicGlob>,
    /// The peers, to mark names that are only claims for a person who reads.
    book: Option<PeerBook>,
    form: Form,
    json: bool,
}

/// What was read, and what was passed over.
#[derive(Default)]
struct Sum {
    shown: u64,
    bad: usize,
    lost: u64,
}

/// Runs the command.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let home = Home::open(global, &Flags::default())?;
    let (peers, names) = known(&home, &args.from)?;
    let view = View {
        since: args.since.map(|since| since.0),
        is_for_all: args.from.is_empty(),
        senders: Senders::new(peers.clone()),
        peers,
        names,
        topics: args.topic.clone(),
        book: (stdout_is_terminal() && !args.raw).then(|| home.peers.book().clone()),
        form: if args.raw { Form::Raw } else { Form::Escaped },
        json: home.ui.json,
    };
    let pages = if args.sent { SENT } else { RECEIVED };
    let place = &home.settings.place;
    let opened = if args.follow || args.new.is_some() {
        Some(StateDir::create(&place.path, place.allow_network)?)
    } else {
        StateDir::open(&place.path, place.allow_network)?
    };
    let mut sum = Sum::default();
    if let Some(dir) = opened {
        match &args.new {
            Some(cursor) => hand_out(&home, args, &view, pages, cursor, &mut sum)?,
            None => show(&home, dir, args, &view, pages, &mut sum)?,
        }
    }
    warn(&home, &sum);
    if sum.shown > 0 || args.follow { Ok(Exit::Done) } else { home.ui.nothing("no such messages") }
}

/// The peers that these words mean, and the words that are the name of no peer that is known now.
fn known(home: &Home, words: &[String]) -> Result<(Vec<Peer>, Vec<String>), Failure> {
    let (mut peers, mut names) = (Vec::new(), Vec::new());
    for word in words {
        match home.peers_named(std::slice::from_ref(word)) {
            Err(failure) if failure.code == Code::UnknownPeer && !word.starts_with('@') => {
                names.push(word.clone());
            }
            found => peers.extend(found?),
        }
    }
    Ok((peers, names))
}

fn warn(home: &Home, sum: &Sum) {
    let path = home.settings.place.path.display();
    if sum.bad > 0 {
        home.ui.warn(format!("damaged lines passed over in the history of {path}: {}", sum.bad));
    }
    if sum.lost > 0 {
        home.ui.warn(format!(
            "messages that went out of the history before they were read: {}",
            sum.lost
        ));
    }
}

/// Shows what is there, and with -f what comes.
fn show(
    home: &Home,
    dir: StateDir,
    args: &Args,
    view: &View,
    pages: Pages,
    sum: &mut Sum,
) -> Result<(), Failure> {
    let is_bare = args.follow && args.since.is_none();
    let count = args.count.or(is_bare.then_some(BEFORE_FOLLOWING));
    // whatever the last ones are, they are found without reading all
    let mut reader = match count {
        Some(count) if view.is_everything() => Reader::open_last(dir, pages, count)?,
        _ => Reader::open(dir, pages, 0),
    };
    let mut changes =
        if args.follow { Some(Changes::watch(&home.settings.place.path)) } else { None };
    let mut last = VecDeque::new();
    let mut output = Output { home, lines: Vec::new() };
    while let Some(entry) = reader.read()? {
        let Some((lines, messages)) = view.lines(&entry, sum) else { continue };
        match count {
            None => output.add(lines, messages, sum)?,
            Some(count) => {
                last.push_back((lines, messages));
                if last.len() as u64 > count {
                    last.pop_front();
                }
            }
        }
    }
    for (lines, messages) in last {
        output.add(lines, messages, sum)?;
    }
    output.flush()?;
    sum.bad += reader.bad();
    while let Some(changes) = &mut changes {
        if !changes.wait() {
            break;
        }
        while let Some(entry) = reader.read()? {
            if let Some((lines, messages)) = view.lines(&entry, sum) {
                output.add(lines, messages, sum)?;
            }
        }
        output.flush()?;
    }
    Ok(())
}

/// Hands out what is new under this cursor, and with -f what comes. The cursor is locked only while there is something
/// to read, and moves when that is written.
fn hand_out(
    home: &Home,
    args: &Args,
    view: &View,
    pages: Pages,
    name: &CursorName,
    sum: &mut Sum,
) -> Result<(), Failure> {
    let place = &home.settings.place;
    let mut changes = if args.follow { Some(Changes::watch(&place.path)) } else { None };
    let mut entries = 0;
    loop {
        let dir = || StateDir::create(&place.path, place.allow_network);
        let cursor = Cursor::lock(&dir()?, pages, name, place.lock_wait)?;
        let mark = cursor.mark()?;
        let (mut reader, found) = Reader::resume(dir()?, pages, mark.unwrap_or_default())?;
        if mark.is_none() || !found {
            home.ui.warn("the cursor points nowhere, so all that is kept counts as new");
        }
        let mut output = Output { home, lines: Vec::new() };
        let mut reached = None;
        while args.count.is_none_or(|count| entries < count) {
            let Some(entry) = reader.read()? else { break };
            if let Some((lines, messages)) = view.lines(&entry, sum) {
                entries += 1;
                output.add(lines, messages, sum)?;
            }
            reached = Some(Mark::of(&entry));
        }
        output.flush()?;
        if let Some(mark) = reached {
            // else a power cut could take back what the cursor says was read
            reader.sync()?;
            cursor.save(mark)?;
        }
        drop(cursor);
        sum.bad += reader.bad();
        sum.lost += reader.lost();
        let enough = args.count.is_some_and(|count| entries >= count);
        let goes_on = !enough && changes.as_mut().is_some_and(Changes::wait);
        if !goes_on {
            return Ok(());
        }
    }
}

impl View {
    /// Whether nothing is left out.
    fn is_everything(&self) -> bool {
        self.since.is_none() && self.is_for_all && self.topics.is_empty()
    }

    /// The lines of an object, if it is wanted, and how many messages they are.
    fn lines(&self, entry: &Entry, sum: &mut Sum) -> Option<(Vec<u8>, u64)> {
        if let Some((arrived, arrival)) = Arrived::read(&entry.line) {
            let arrived = arrived.numbered(entry.seq);
            return self.is_wanted(&arrival).then(|| (self.received(arrived, &arrival), 1));
        }
        let Some(sent) = Posted::read(&entry.line) else {
            sum.bad += 1;
            return None;
        };
        let sent: Vec<_> = sent.into_iter().filter(|sent| self.is_wanted_sent(sent)).collect();
        let count = sent.len() as u64;
        (count > 0).then(|| (sent.into_iter().flat_map(|sent| self.sent(sent)).collect(), count))
    }

    fn is_named(&self, name: Option<&str>) -> bool {
        let name = name.and_then(|name| name.trim().parse::<Name>().ok());
        name.is_some_and(|name| self.names.iter().any(|word| name.is_called(word)))
    }

    fn is_about(&self, topic: Option<&Topic>) -> bool {
        self.topics.is_empty() || self.topics.iter().any(|glob| glob.matches(topic))
    }

    fn is_wanted(&self, arrival: &Arrival) -> bool {
        self.since.is_none_or(|since| arrival.time >= since)
            && self.is_about(arrival.topic.as_ref())
            && (self.is_for_all
                || self.senders.are_said_to_have_sent(arrival)
                || self.is_named(arrival.name.as_deref()))
    }

    fn is_wanted_sent(&self, sent: &Sent) -> bool {
        let time = sent.time.as_ref().and_then(|time| humantime::parse_rfc3339(time).ok());
        self.since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && self.is_about(sent.topic.as_ref())
            && (self.is_for_all
                || self.is_named(sent.to.name.as_deref())
                || self.peers.iter().any(|peer| peer.address.to_string() == sent.to.addr))
    }

    /// `TIME ADDRESS NAME TEXT`
    fn received(&self, arrived: Arrived, arrival: &Arrival) -> Vec<u8> {
        if self.json {
            return Event::Message(arrived).line().into_bytes();
        }
        let mut bytes = (rfc3339(arrival.time) + " ").into_bytes();
        let is_doubtful = self.book.as_ref().is_some_and(|book| !is_surely_named(book, arrival));
        bytes.extend(line(arrival, self.form, is_doubtful));
        bytes
    }

    /// `TIME ADDRESS NAME STATUS TEXT`
    fn sent(&self, sent: Sent) -> Vec<u8> {
        if self.json {
            return Event::Sent(sent).line().into_bytes();
        }
        let text = sent.body.text().unwrap_or_default();
        let text = match self.form {
            Form::Escaped => escape(&text).into_bytes(),
            Form::Raw => text,
        };
        let name = escape(sent.to.name.as_deref().unwrap_or("-").as_bytes()).replace(' ', "_");
        let time = sent.time.as_deref().unwrap_or("-");
        let mut line = format!("{time} {} {name} {} ", sent.to.addr, sent.status).into_bytes();
        line.extend(text);
        line.push(b'\n');
        line
    }
}

/// Lines that are written together.
struct Output<'a> {
    home: &'a Home,
    lines: Vec<u8>,
}

impl Output<'_> {
    fn add(&mut self, lines: Vec<u8>, messages: u64, sum: &mut Sum) -> Result<(), Failure> {
        sum.shown += messages;
        self.lines.extend(lines);
        if self.lines.len() >= OUTPUT_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.home.ui.data(&std::mem::take(&mut self.lines))
    }
}
