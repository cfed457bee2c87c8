//! The list of peers: which of them, in which order, and the table.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::mem::forget;
use std::time::SystemTime;

use unicode_width::UnicodeWidthStr as _;
use wildmatch::WildMatch;

use super::args::{Args, Sort, SourceArg};
use crate::acquaint;
use crate::address::Address;
use crate::event::{Event, Listed, rfc3339};
use crate::exit::{Code, Exit, Failure};
use crate::home::{Home, block_on};
use crate::lan;
use crate::name::Name;
use crate::outreach;
use crate::peer::{ACTIVE_FOR, Peer, Source};
use crate::report::Errand;
use crate::tag::Tag;
use crate::ui::stdout_is_terminal;

/// The columns of the table.
const HEADER: [&str; 6] = ["NAME", "ADDRESS", "STATE", "SEEN", "TAGS", "KEY"];

/// Lists the peers that are wanted.
pub(super) fn run(mut home: Home, args: &Args) -> Result<Exit, Failure> {
    let near = match args.lan {
        Some(time) => {
            let time = time.map_or(lan::DEFAULT_TIME, |time| time.0);
            let found = block_on(acquaint::look_around(&mut home, time))??;
            Some(found.into_iter().map(|peer| peer.address).collect())
        }
        None => None,
    };
    let only = match Only::read(&home, &args.only, near) {
        // as a test it is silent
        Err(failure) if failure.code == Code::UnknownPeer => return home.ui.nothing(failure),
        only => only?,
    };
    if args.check {
        check(&mut home, &only, args)?;
    }
    let now = SystemTime::now();
    let wanted = |peer: &&Peer| only.has(peer) && is_wanted(peer, args, now);
    let mut peers: Vec<&Peer> = home.peers.book().iter().filter(wanted).collect();
    if peers.is_empty() {
        return home.ui.nothing("no such peers");
    }
    match args.sort {
        // that is the order of the book
        Sort::Addr => {}
        Sort::Name => peers.sort_by_key(|p| (p.name.is_none(), &p.name)),
        Sort::Seen => peers.sort_by_key(|p| Reverse(p.last_seen)),
    }
    if stdout_is_terminal() && !home.ui.json {
        return print_table(&home, &peers, now).map(|()| Exit::Done);
    }
    let mut lines = String::new();
    for peer in peers {
        if home.ui.json {
            lines += &Event::Peer(Listed::new(peer, now)).line();
        } else {
            add_row(&mut lines, peer, now);
        }
    }
    home.ui.data(lines.as_bytes())?;
    // the process is about to end, and to take thousands of peers apart takes a tenth of its time
    forget(home);
    Ok(Exit::Done)
}

/// The peers that `--only` and `--lan` mean.
struct Only {
    named: Named,
    /// Those that were found in the local network, if it was asked.
    near: Option<HashSet<Address>>,
}

enum Named {
    All,
    These {
        addresses: HashSet<Address>,
        /// All that are called so, whoever says it.
        names: Vec<String>,
        patterns: Vec<WildMatch>,
    },
}

impl Only {
    fn read(
        home: &Home,
        words: &[String],
        near: Option<HashSet<Address>>,
    ) -> Result<Self, Failure> {
        if words.is_empty() {
            return Ok(Self { named: Named::All, near });
        }
        // neither names nor addresses have these
        let (patterns, words): (Vec<_>, Vec<_>) =
            words.iter().cloned().partition(|word| word.contains(['*', '?']));
        let is_name = |word: &String| !word.contains(':') && !word.starts_with('@');
        let (names, words): (Vec<_>, Vec<_>) = words.into_iter().partition(is_name);
        let called = |p: &Peer, word: &str| p.name.as_ref().is_some_and(|n| n.is_called(word));
        for name in &names {
            if !home.peers.book().iter().any(|peer| called(peer, name)) {
                // that says which name was perhaps meant
                home.peer(name)?;
            }
        }
        let named = Named::These {
            addresses: home.peers_named(&words)?.into_iter().map(|peer| peer.address).collect(),
            names,
            patterns: patterns.iter().map(|pattern| WildMatch::new(pattern)).collect(),
        };
        Ok(Self { named, near })
    }

    fn has(&self, peer: &Peer) -> bool {
        self.near.as_ref().is_none_or(|near| near.contains(&peer.address))
            && match &self.named {
                Named::All => true,
                Named::These { patterns, .. } => {
                    let name = peer.name.as_ref().map(Name::word);
                    self.names(peer)
                        || name.is_some_and(|name| patterns.iter().any(|p| p.matches(&name)))
                }
            }
    }

    /// Whether the peer is named, and not only like a pattern.
    fn names(&self, peer: &Peer) -> bool {
        let Named::These { addresses, names, .. } = &self.named else { return false };
        let called = |word: &String| peer.name.as_ref().is_some_and(|n| n.is_called(word));
        addresses.contains(&peer.address) || names.iter().any(called)
    }
}

/// Greets those that are wanted, also those that have left: they may be back. Peers that we only know from others are
/// greeted if it is said that they are meant.
fn check(home: &mut Home, only: &Only, args: &Args) -> Result<(), Failure> {
    let are_told_meant = args.source.is_some() || args.lan.is_some();
    let others = |peer: &&Peer| {
        only.has(peer)
            && is_of_source(peer, args.source)
            && (!peer.is_hearsay() || are_told_meant || only.names(peer))
            && !home.is_self(&peer.address)
    };
    let (told, mut peers): (Vec<_>, Vec<_>) =
        home.peers.book().iter().filter(others).cloned().partition(Peer::is_hearsay);
    peers.extend(acquaint::some_of(told, acquaint::MAX_MET));
    let reports = block_on(outreach::run_quietly(home, peers, &Errand::Connect))??;
    outreach::note(home, &reports, true);
    // that a peer is silent is in the table, that it is another one is not
    let failures = reports.iter().filter_map(|report| report.result.as_ref().err());
    failures.filter(|f| f.code.exit() == Exit::Insecure).for_each(|f| home.ui.warn(f));
    Ok(())
}

fn is_wanted(peer: &Peer, args: &Args, now: SystemTime) -> bool {
    let lately = args.active.is_none_or(|time| {
        let time = time.map_or(ACTIVE_FOR, |t| t.0);
        !peer.left && !peer.unanswered && peer.age(now).is_some_and(|age| age <= time)
    });
    lately && is_of_source(peer, args.source)
}

fn is_of_source(peer: &Peer, source: Option<SourceArg>) -> bool {
    source.is_none_or(|source| match source {
        SourceArg::Static => peer.is_given(),
        SourceArg::Heard => !peer.is_given() && peer.source == Source::Heard,
        SourceArg::Learned => !peer.is_given() && peer.source == Source::Learned,
        SourceArg::Lan => !peer.is_given() && peer.source == Source::Lan,
    })
}

/// Adds name, address, state, last seen, tags and key, with tabs between; `-` stands for what is not known.
fn add_row(lines: &mut String, peer: &Peer, now: SystemTime) {
    let dash = "-";
    let name = name(peer);
    let (address, state) = (&peer.address, peer.state(now).word());
    let seen = peer.last_seen.map_or_else(|| dash.to_owned(), rfc3339);
    let tags = tags(peer);
    let tags = if tags.is_empty() { dash } else { &tags };
    // writing to a String cannot fail
    let _ = write!(lines, "{name}\t{address}\t{state}\t{seen}\t{tags}\t");
    let _ = match peer.key {
        Some(key) => writeln!(lines, "{key}"),
        None => writeln!(lines, "{dash}"),
    };
}

fn name(peer: &Peer) -> String {
    peer.name.as_ref().map_or_else(|| "-".to_owned(), Name::word)
}

fn tags(peer: &Peer) -> String {
    let tags: Vec<_> = peer.all_tags().into_iter().map(Tag::as_str).collect();
    tags.join(",")
}

fn print_table(home: &Home, peers: &[&Peer], now: SystemTime) -> Result<(), Failure> {
    let lines = peers.iter().map(|peer| {
        let (address, state) = (peer.address.to_string(), peer.state(now).word().to_owned());
        [name(peer), address, state, ago(peer, now), tags(peer), key_for_eyes(peer)]
    });
    let rows: Vec<_> = std::iter::once(HEADER.map(str::to_owned)).chain(lines).collect();
    // a column that is empty for all is none
    let is_used = |column: usize| rows.iter().skip(1).any(|row| !row[column].is_empty());
    let columns: Vec<_> = (0..HEADER.len()).filter(|&column| is_used(column)).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<_> = columns.iter().map(|&column| widest(column)).collect();
    let mut table = String::new();
    for row in &rows {
        let mut line = String::new();
        for (&column, width) in columns.iter().zip(&widths) {
            line += &row[column];
            line += &" ".repeat(width + 2 - row[column].width());
        }
        table += line.trim_end();
        table.push('\n');
    }
    home.ui.data(table.as_bytes())
}

/// The short form of a key, and whether a person has given it, or it is only what others say.
fn key_for_eyes(peer: &Peer) -> String {
    let Some(key) = peer.key else {
        return peer.said_key().map_or(String::new(), |key| key.fingerprint() + " said");
    };
    let trusted = if peer.is_trusted() { " trusted" } else { "" };
    key.fingerprint() + trusted
}

/// How long ago a peer was seen, in its largest unit.
fn ago(peer: &Peer, now: SystemTime) -> String {
    // what others say has a mark, like a name that is only a claim
    let (age, mark) = match (peer.age(now), peer.said_age(now)) {
        (Some(age), _) => (age, ""),
        (None, Some(age)) => (age, "?"),
        (None, None) => return "never".to_owned(),
    };
    let whole =
        humantime::format_duration(std::time::Duration::from_secs(age.as_secs())).to_string();
    match whole.split(' ').next() {
        Some("0s") | None => format!("now{mark}"),
        Some(largest) => format!("{largest} ago{mark}"),
    }
}
