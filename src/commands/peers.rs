//! `p2p peers`: the list of peers, and what a person may change in it.

use std::time::SystemTime;

use clap::{Subcommand, ValueEnum};
use unicode_width::UnicodeWidthStr as _;

use crate::address::Address;
use crate::config::{Time, parse_jobs};
use crate::event::{Event, Listed, rfc3339};
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::global::Global;
use crate::home::{Home, block_on};
use crate::name::Name;
use crate::outreach;
use crate::peer::{ACTIVE_FOR, Peer, Source};
use crate::report::Errand;
use crate::settings::Flags;
use crate::ui::stdout_is_terminal;

/// List and edit the peers that are known
///
/// On a terminal a table; into a pipe one line each, tab-separated and without a header: name, address, state (active,
/// stale, left, static), and when the peer was last seen.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Exit status: 0 there are such peers, 1 there are none.")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only peers that were seen lately: in this time, or in the last hour
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    active: Option<Option<Time>>,
    /// Only peers that came to be known in this way
    #[arg(long, value_name = "SOURCE", value_enum)]
    source: Option<SourceArg>,
    /// Greet them first; those that do not answer become stale
    #[arg(long)]
    check: bool,
    /// With --check: how many peers are contacted at once [default: 64]
    #[arg(short, long, value_name = "N", value_parser = parse_jobs, requires = "check")]
    jobs: Option<usize>,
    /// With --check: time limit for each peer [default: 5s]
    #[arg(short, long, value_name = "TIME", requires = "check")]
    timeout: Option<Time>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SourceArg {
    /// Entered by hand or in the configuration
    Static,
    /// It wrote to us, or we reached it
    Heard,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Enter a peer by hand, or give one another name
    Add {
        /// Its name here, in one word
        // an argument called `name` would be taken for the global option
        #[arg(value_name = "NAME")]
        given_name: String,
        /// Its address
        #[arg(value_name = "HOST:PORT")]
        addr: String,
    },
    /// Forget peers
    Rm {
        /// Whom: known names, or HOST:PORT
        #[arg(value_name = "PEER", required = true)]
        peers: Vec<String>,
    },
    /// Forget the peers, none of them entered by hand, that were not seen for some time
    Prune {
        /// Not seen for this time
        #[arg(long, value_name = "TIME")]
        older: Time,
        /// Only say which
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the command.
pub fn run(global: &Global, args: Args) -> Result<Exit, Failure> {
    let flags = Flags { timeout: args.timeout, jobs: args.jobs, ..Flags::default() };
    let home = Home::open(global, &flags)?;
    match args.action {
        None => list(home, &args),
        Some(Action::Add { given_name, addr }) => add(home, &given_name, &addr),
        Some(Action::Rm { peers }) => remove(home, &peers),
        Some(Action::Prune { older, dry_run }) => prune(home, older, dry_run),
    }
}

fn list(mut home: Home, args: &Args) -> Result<Exit, Failure> {
    if args.check {
        check(&mut home)?;
    }
    let now = SystemTime::now();
    let mut peers: Vec<&Peer> =
        home.peers.book().iter().filter(|p| is_wanted(p, args, now)).collect();
    if peers.is_empty() {
        return home.ui.nothing("no such peers");
    }
    peers.sort_by_key(|p| (p.name.is_none(), p.name.clone(), p.address.clone()));
    let table = stdout_is_terminal() && !home.ui.json;
    if table {
        print_table(&home, &peers, now)?;
    } else {
        for peer in peers {
            home.ui.report(row(peer, now).join("\t"), &Event::Peer(Listed::new(peer, now)))?;
        }
    }
    Ok(Exit::Done)
}

/// Greets all peers, also those that have left: they may be back.
fn check(home: &mut Home) -> Result<(), Failure> {
    let peers: Vec<_> =
        home.peers.book().iter().filter(|p| !home.is_self(&p.address)).cloned().collect();
    let reports = block_on(outreach::run_quietly(home, peers, &Errand::Connect))??;
    outreach::note(home, &reports, true);
    Ok(())
}

fn is_wanted(peer: &Peer, args: &Args, now: SystemTime) -> bool {
    let lately = args.active.is_none_or(|time| {
        let time = time.map_or(ACTIVE_FOR, |t| t.0);
        !peer.left && !peer.unanswered && peer.age(now).is_some_and(|age| age <= time)
    });
    let source = args.source.is_none_or(|source| match source {
        SourceArg::Static => peer.is_given(),
        SourceArg::Heard => !peer.is_given() && peer.source == Source::Heard,
    });
    lately && source
}

/// Name, address, state, last seen; `-` stands for what is not known.
fn row(peer: &Peer, now: SystemTime) -> [String; 4] {
    let name = peer.name.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let seen = peer.last_seen.map_or_else(|| "-".to_owned(), rfc3339);
    [name, peer.address.to_string(), peer.state(now).word().to_owned(), seen]
}

fn print_table(home: &Home, peers: &[&Peer], now: SystemTime) -> Result<(), Failure> {
    let header = ["NAME", "ADDRESS", "STATE", "SEEN"].map(str::to_owned);
    let lines = peers.iter().map(|peer| {
        let [name, address, state, _] = row(peer, now);
        [name, address, state, ago(peer, now)]
    });
    let rows: Vec<_> = std::iter::once(header).chain(lines).collect();
    let widths: Vec<usize> = (0..4)
        .map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0))
        .collect();
    let mut table = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let pad = if column < 3 { widths[column] + 2 - cell.width() } else { 0 };
            table.push_str(cell);
            table.push_str(&" ".repeat(pad));
        }
        table.push('\n');
    }
    home.ui.data(table.as_bytes())
}

/// How long ago a peer was seen, in its largest unit.
fn ago(peer: &Peer, now: SystemTime) -> String {
    let Some(age) = peer.age(now) else { return "never".to_owned() };
    let whole =
        humantime::format_duration(std::time::Duration::from_secs(age.as_secs())).to_string();
    match whole.split(' ').next() {
        Some("0s") | None => "now".to_owned(),
        Some(largest) => format!("{largest} ago"),
    }
}

fn add(mut home: Home, name: &str, addr: &str) -> Result<Exit, Failure> {
    let cannot = |what: &str| format!("cannot use `{what}`");
    let parsed = Name::typed(name).or_fail(Code::Usage).map_err(|f| f.context(cannot(name)))?;
    let address: Address =
        addr.parse().or_fail(Code::Usage).map_err(|f| f.context(cannot(addr)))?;
    let word = parsed.to_string();
    if let Err(other) = home.peers.update(|book| book.add(parsed, &address))? {
        return Err(Failure::new(Code::Usage, format!("`{word}` is already the name of {other}"))
            .hint(format!("choose another name, or forget that one first: p2p peers rm {other}")));
    }
    home.ui.talk(format!("{word} is {address}"));
    home.ui.event(&Event::Done { what: "add", target: address.to_string() })?;
    Ok(Exit::Done)
}

fn remove(mut home: Home, words: &[String]) -> Result<Exit, Failure> {
    let peers = home.peers_named(words)?;
    for peer in &peers {
        if peer.configured {
            let path = home.settings.config_path.display();
            return Err(Failure::new(
                Code::Usage,
                format!("cannot forget {}: {path} lists it", peer.label()),
            )
            .hint("take it out of that file"));
        }
        if home.peers.book().at(&peer.address).is_none() {
            return Err(Failure::new(
                Code::Nothing,
                format!("no known peer has the address {}", peer.address),
            ));
        }
    }
    forget(&mut home, &peers)?;
    report_forgotten(&home, &peers)
}

fn prune(mut home: Home, older: Time, dry_run: bool) -> Result<Exit, Failure> {
    let now = SystemTime::now();
    let peers = if dry_run {
        home.peers.book().older(older.0, now)
    } else {
        home.peers.update(|book| {
            let peers = book.older(older.0, now);
            peers.iter().for_each(|peer| book.remove(&peer.address));
            peers
        })?
    };
    report_forgotten(&home, &peers)
}

fn forget(home: &mut Home, peers: &[Peer]) -> Result<(), Failure> {
    home.peers.update(|book| peers.iter().for_each(|peer| book.remove(&peer.address)))
}

/// The addresses that were forgotten are the data of this command.
fn report_forgotten(home: &Home, peers: &[Peer]) -> Result<Exit, Failure> {
    for peer in peers {
        let event = Event::Done { what: "rm", target: peer.address.to_string() };
        home.ui.result(&peer.address, &event)?;
    }
    Ok(Exit::Done)
}
