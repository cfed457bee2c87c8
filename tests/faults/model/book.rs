//! The peer book on disk: three open books over one directory, kills at any byte, and an editor, against the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use p2p::address::Address;
use p2p::book::{Caps, Edit, PeerBook, Reached};
use p2p::key::PublicKey;
use p2p::message::{Arrival, Kind};
use p2p::peer::Wire;
use p2p::state::peers_file::{PeersFile, Place};
use p2p::trust::Trust;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::file::{self, Content, millis};
use super::rules::{Entry, Heard, Room, Rules};
use super::{quick_home, try_all, write_ours};

/// Small, so that there is never enough of it.
const ROOM: Room = Room { peers: 12, claims: 4 };

/// How many books are open at once.
const BOOKS: usize = 3;

/// How many machines there are, each with two ports.
const MACHINES: u8 = 12;

/// What `src/state/peers_file.rs` says of itself: so many more records than twice the peers, and the file is folded.
const FOLD_SLACK: usize = 256;

/// The number of an address.
type At = u8;

/// What is done to a book.
#[derive(Clone, Debug)]
enum Act {
    Add {
        at: At,
        name: u8,
        tag: Option<u8>,
        key: Option<u8>,
    },
    Set {
        at: At,
        name: Option<u8>,
        tag: Option<u8>,
        untag: Option<u8>,
    },
    Trust {
        at: At,
        key: u8,
    },
    /// `from` is another machine, if it is not the one of the address.
    Hear {
        at: At,
        from: Option<u8>,
        name: u8,
        key: Option<u8>,
        exit: bool,
    },
    Reach {
        at: At,
        name: Option<u8>,
        key: Option<u8>,
    },
    Miss {
        at: At,
    },
    Remove {
        at: At,
    },
    Prune {
        minutes: u64,
    },
    /// Two names in turn, so many times.
    Flood {
        at: At,
        times: u16,
    },
}

/// What an editor that knows nothing of us does to the file.
#[derive(Clone, Debug)]
enum Edited {
    /// Rubbish between the lines.
    Rubbish {
        line: u16,
        bytes: Vec<u8>,
        in_place: bool,
    },
    /// A record of a later version at the end.
    Later,
    /// Lines by hand at the end, the last perhaps without its newline.
    ByHand {
        peers: Vec<(At, u8, bool)>,
        ends: bool,
    },
    Emptied,
}

#[derive(Clone, Debug)]
enum Step {
    Act {
        book: usize,
        act: Act,
    },
    /// The writer dies after this share of what it has appended.
    Killed {
        book: usize,
        act: Act,
        share: u16,
    },
    /// The writer dies while it folds, or the power goes before the rename is on the disk.
    KilledFolding {
        book: usize,
        act: Act,
        left_over: u16,
        other_file: bool,
        dies: bool,
    },
    Reopen {
        book: usize,
    },
    Edit(Edited),
    /// Sets the clock to one of several times.
    Clock(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let at = || 0..2 * MACHINES;
    let (name, tag, key) = (|| 0..5_u8, || 0..2_u8, || 0..2_u8);
    let maybe = |weight, number: std::ops::Range<u8>| prop::option::weighted(weight, number);
    prop_oneof![
        3 => (at(), name(), maybe(0.2, tag()), maybe(0.2, key()))
            .prop_map(|(at, name, tag, key)| Act::Add { at, name, tag, key }),
        3 => (at(), maybe(0.3, name()), maybe(0.4, tag()), maybe(0.6, tag()))
            .prop_map(|(at, name, tag, untag)| Act::Set { at, name, tag, untag }),
        1 => (at(), key()).prop_map(|(at, key)| Act::Trust { at, key }),
        12 => (at(), maybe(0.4, 0..MACHINES), name(), maybe(0.3, key()), prop::bool::weighted(0.2))
            .prop_map(|(at, from, name, key, exit)| Act::Hear { at, from, name, key, exit }),
        3 => (at(), maybe(0.7, name()), maybe(0.4, key()))
            .prop_map(|(at, name, key)| Act::Reach { at, name, key }),
        1 => at().prop_map(|at| Act::Miss { at }),
        3 => at().prop_map(|at| Act::Remove { at }),
        1 => prop::sample::select(vec![0, 90, 2000]).prop_map(|minutes| Act::Prune { minutes }),
        1 => (at(), 100..200_u16).prop_map(|(at, times)| Act::Flood { at, times }),
    ]
}

fn edited() -> impl Strategy<Value = Edited> {
    // no line that an address or a newline makes one of ours
    let rubbish = vec(prop_oneof![Just(0), Just(b'{'), Just(b'\r'), 14..=u8::MAX], 1..40);
    let peer = (0..2 * MACHINES, 0..5_u8, any::<bool>());
    prop_oneof![
        5 => (any::<u16>(), rubbish, any::<bool>())
            .prop_map(|(line, bytes, in_place)| Edited::Rubbish { line, bytes, in_place }),
        1 => Just(Edited::Later),
        4 => (vec(peer, 1..10), any::<bool>())
            .prop_map(|(peers, ends)| Edited::ByHand { peers, ends }),
        1 => Just(Edited::Emptied),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let book = || 0..BOOKS;
    prop_oneof![
        30 => (book(), act()).prop_map(|(book, act)| Step::Act { book, act }),
        6 => (book(), act(), any::<u16>())
            .prop_map(|(book, act, share)| Step::Killed { book, act, share }),
        2 => (book(), act(), any::<u16>(), any::<bool>(), any::<bool>()).prop_map(
            |(book, act, left_over, other_file, dies)| Step::KilledFolding {
                book, act, left_over, other_file, dies
            }
        ),
        1 => book().prop_map(|book| Step::Reopen { book }),
        4 => edited().prop_map(Step::Edit),
        3 => (0..CLOCKS.len()).prop_map(Step::Clock),
    ]
}

/// Where a clock may be, in hours from now: it was set back by a day and more, a bit, or is ahead.
const CLOCKS: [i64; 4] = [0, -2, -30, 1];

fn address(at: At) -> Address {
    Address::new(ip(at / 2), 7000 + u16::from(at % 2))
}

fn ip(machine: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, machine + 1])
}

fn name(number: u8) -> String {
    ["alice", "bob", "carol", "dave", "eve"][usize::from(number)].to_owned()
}

fn tag(number: u8) -> String {
    ["lab", "web"][usize::from(number)].to_owned()
}

fn key(number: u8) -> PublicKey {
    PublicKey::new([number + 1; 32])
}

/// A directory with open books, and what has to be in them.
struct World {
    home: TempDir,
    books: Vec<PeersFile>,
    /// What the finished lines of the file say.
    rules: Rules,
    /// What its last line says, which lacks its newline: readers pass it over, the next writer takes it.
    tail: Option<(Address, Option<Entry>)>,
    foreign: Vec<Vec<u8>>,
    /// How many lines may be damaged.
    damage: usize,
    folds: usize,
    start: u64,
    clock: usize,
    ticks: u64,
}

impl World {
    fn new() -> Self {
        let home = quick_home();
        let books = (0..BOOKS).map(|_| PeersFile::open(place(&home)).unwrap()).collect();
        Self {
            home,
            books,
            rules: Rules::new(ROOM),
            tail: None,
            foreign: Vec::new(),
            damage: 0,
            folds: 0,
            start: millis(SystemTime::now()),
            clock: 0,
            ticks: 0,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path("peers")).unwrap_or_default()
    }

    fn now(&self) -> u64 {
        let hours = CLOCKS[self.clock] * 3_600_000;
        self.start.saturating_add_signed(hours) + self.ticks * 700
    }

    /// What a writer has to find.
    fn found(&self) -> Rules {
        let mut found = self.rules.clone();
        found.trace.clear();
        match &self.tail {
            Some((address, Some(entry))) => found.put(address, entry.clone()),
            Some((address, None)) => found.remove(address),
            None => {}
        }
        found
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        // nobody sees two things at one moment
        self.ticks += 1;
        match step {
            Step::Act { book, act } => self.act(*book, act, true)?,
            Step::Killed { book, act, share } => self.kill(*book, act, *share)?,
            Step::KilledFolding { book, act, left_over, other_file, dies } => {
                self.kill_folding(*book, act, *left_over, (*other_file, *dies))?;
            }
            Step::Reopen { book } => self.reopen(*book),
            Step::Edit(edited) => self.edit(edited),
            Step::Clock(clock) => self.clock = *clock,
        }
        self.check()
    }

    fn reopen(&mut self, book: usize) {
        self.books[book] = PeersFile::open(place(&self.home)).unwrap();
    }

    /// One change by one book; `folds` is false if it cannot put a new file in the place of the old one.
    fn act(&mut self, book: usize, act: &Act, folds: bool) -> Result<(), String> {
        let (before, now) = (self.bytes(), self.now());
        let is_damaged = file::read(&before).bad > 0;
        let mut expected = self.found();
        let updated = self.books[book].update(|book| {
            let found = entries(book);
            (found, do_to_book(book, act, now))
        });
        let (found, was_done) = updated.map_err(|failure| format!("it is refused: {failure}"))?;
        same("what a writer finds", &found, &expected.peers)?;
        let is_right = do_to_rules(&mut expected, act, now);
        if was_done != is_right {
            return Err(format!("a name that is taken: {was_done} instead of {is_right}"));
        }
        let after = self.bytes();
        let is_new_file = !after.starts_with(&before);
        if is_damaged && folds && !is_new_file {
            return Err("damage is not dropped by the next change".to_owned());
        }
        if is_new_file {
            self.folds += 1;
            expected.fold(millis(SystemTime::now()));
            self.damage = 0;
        }
        if after == before {
            return same("nothing was written", &self.found().peers, &expected.peers);
        }
        // what was torn is a line of its own from now on
        self.damage += usize::from(!before.is_empty() && !before.ends_with(b"\n") && !is_new_file);
        let lines = after.iter().filter(|&&b| b == b'\n').count();
        if folds && lines > 2 * expected.peers.len() + FOLD_SLACK {
            return Err(format!("{lines} lines for {} peers", expected.peers.len()));
        }
        (self.rules, self.tail) = (expected, None);
        Ok(())
    }

    /// One change of which only a part is written.
    fn kill(&mut self, book: usize, act: &Act, share: u16) -> Result<(), String> {
        let (before, known) = (self.bytes(), self.found());
        let (rules, tail) = (self.rules.clone(), self.tail.clone());
        self.act(book, act, true)?;
        let after = self.bytes();
        if !after.starts_with(&before) || after == before {
            // it died after all was done, or had nothing to do
            self.reopen(book);
            return Ok(());
        }
        let written = after.len() - before.len();
        let kept = before.len() + written * usize::from(share) / usize::from(u16::MAX);
        write_ours(&self.path("peers"), &after[..kept]);
        self.reopen(book);
        let Content { peers, tail: new_tail, .. } = file::read(&after[..kept]);
        let all = rules.peers.keys().chain(known.peers.keys()).chain(self.rules.peers.keys());
        let all: BTreeSet<_> = all.chain(peers.keys()).cloned().collect();
        for address in all {
            let trace = self.rules.trace.iter().filter(|(a, _)| *a == address);
            let mut may_be: Vec<_> = trace.map(|(_, entry)| entry.as_ref()).collect();
            may_be.extend([&rules, &known, &self.rules].map(|rules| rules.peers.get(&address)));
            if !may_be.contains(&peers.get(&address)) {
                return Err(format!("after a kill {address} is {:?}", peers.get(&address)));
            }
        }
        if kept == before.len() {
            (self.rules, self.tail) = (rules, tail);
        } else {
            self.rules.peers = peers;
            self.tail = new_tail;
        }
        Ok(())
    }

    fn kill_folding(
        &mut self,
        book: usize,
        act: &Act,
        left_over: u16,
        (other_file, dies): (bool, bool),
    ) -> Result<(), String> {
        // a directory in the place of the new file stops the writer exactly there
        let (tmp, peers) = (self.path("peers.tmp"), self.path("peers"));
        let _ = std::fs::remove_file(&tmp);
        std::fs::create_dir(&tmp).unwrap();
        let acted = self.act(book, act, false);
        std::fs::remove_dir(&tmp).unwrap();
        acted?;
        let bytes = self.bytes();
        if other_file && !bytes.is_empty() {
            write_ours(&tmp, &bytes);
            std::fs::rename(&tmp, &peers).unwrap();
        }
        let cut = bytes.len() * usize::from(left_over) / usize::from(u16::MAX);
        write_ours(&tmp, &bytes[..cut]);
        // else there was no room for the new file, and the writer goes on
        if dies {
            self.reopen(book);
        }
        Ok(())
    }

    fn edit(&mut self, edited: &Edited) {
        let mut bytes = self.bytes();
        // editors end the last line
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
            self.rules = self.found();
            self.damage += usize::from(self.tail.take().is_none());
        }
        let mut in_place = true;
        match edited {
            Edited::Rubbish { line, bytes: rubbish, in_place: here } => {
                let lines: Vec<_> = bytes.split_inclusive(|&b| b == b'\n').collect();
                let at = usize::from(*line) * lines.len() / usize::from(u16::MAX);
                let (head, rest) = (lines[..at].concat(), lines[at..].concat());
                bytes = [&head, rubbish.as_slice(), b"\n", &rest].concat();
                self.damage += 1;
                in_place = *here;
            }
            Edited::Later => {
                let line = format!("{{\"v\":2,\"where\":{}}}", self.ticks);
                self.foreign.push(line.clone().into_bytes());
                bytes.extend((line + "\n").into_bytes());
            }
            Edited::ByHand { peers, ends } => {
                for (number, (at, named, by_hand)) in peers.iter().enumerate() {
                    let (addr, name) = (address(*at), name(*named));
                    let source = if *by_hand { ",\"source\":\"static\"" } else { "" };
                    bytes.extend(
                        format!("{{\"v\":1,\"addr\":\"{addr}\",\"name\":\"{name}\"{source}}}")
                            .bytes(),
                    );
                    let entry = Entry { name: Some(name), by_hand: *by_hand, ..Entry::default() };
                    if *ends || number + 1 < peers.len() {
                        bytes.push(b'\n');
                        self.rules.put(&addr, entry);
                    } else {
                        self.tail = Some((addr, Some(entry)));
                    }
                }
            }
            Edited::Emptied => {
                bytes.clear();
                self.rules.peers.clear();
                self.foreign.clear();
                self.damage = 0;
            }
        }
        if in_place {
            return write_ours(&self.path("peers"), &bytes);
        }
        write_ours(&self.path("edited"), &bytes);
        std::fs::rename(self.path("edited"), self.path("peers")).unwrap();
    }

    /// What the file says, what is read anew, and what an open book has read, are what they have to be.
    fn check(&mut self) -> Result<(), String> {
        let content = file::read(&self.bytes());
        same("the file", &content.peers, &self.rules.peers)?;
        if content.bad > self.damage {
            return Err(format!("{} lines are damaged, not {}", content.bad, self.damage));
        }
        let mut foreign = content.foreign;
        foreign.sort();
        self.foreign.sort();
        if foreign != self.foreign {
            return Err("a record of a later version is not kept as it is".to_owned());
        }
        let fresh = PeersFile::open(place(&self.home)).map_err(|failure| failure.to_string())?;
        same("what is read", &entries(fresh.book()), &self.rules.peers)?;
        if fresh.bad_records() != content.bad {
            return Err(format!("{} records pass for damaged", fresh.bad_records()));
        }
        let turn = self.ticks as usize % BOOKS;
        self.books[turn].reload();
        let open = entries(self.books[turn].book());
        if open == self.found().peers {
            // it has looked at the last line under the lock
            return Ok(());
        }
        same("what an open book has", &open, &self.rules.peers)
    }
}

fn place(home: &TempDir) -> Place {
    Place {
        path: home.path().to_owned(),
        allow_network: true,
        lock_wait: Duration::from_secs(5),
        caps: Caps { peers: ROOM.peers, unverified: ROOM.claims, ..Caps::default() },
        trust: Trust::Tofu,
        configured: Vec::new(),
    }
}

fn entries(book: &PeerBook) -> BTreeMap<Address, Entry> {
    book.iter().map(|peer| (peer.address.clone(), Entry::of(peer))).collect()
}

/// Says where two books differ.
fn same(
    what: &str,
    found: &BTreeMap<Address, Entry>,
    expected: &BTreeMap<Address, Entry>,
) -> Result<(), String> {
    let all: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    match all.into_iter().find(|address| found.get(address) != expected.get(address)) {
        None => Ok(()),
        Some(address) => Err(format!(
            "{what}: {address} is\n{:?}\nand not\n{:?}",
            found.get(address),
            expected.get(address)
        )),
    }
}

/// False if a name was taken.
fn do_to_book(book: &mut PeerBook, act: &Act, now: u64) -> bool {
    let time = UNIX_EPOCH + Duration::from_millis(now);
    let named = |number: u8| name(number).parse().ok();
    let tags = |number: Option<u8>| number.map(|n| tag(n).parse().unwrap()).into_iter().collect();
    match act.clone() {
        Act::Add { at, name, tag, key: given } => {
            let key = given.map(key);
            let edit = Edit { name: named(name), tags: tags(tag), key, ..Edit::default() };
            return book.add(&address(at), edit).is_ok();
        }
        Act::Set { at, name, tag, untag } => {
            let name = name.and_then(named);
            let edit = Edit { name, tags: tags(tag), untags: tags(untag), key: None };
            return book.set(&address(at), edit).is_ok();
        }
        Act::Trust { at, key: given } => book.trust(&address(at), key(given)),
        Act::Hear { .. } => {
            if let Some(heard) = heard(act, now) {
                book.hear(&arrival(&heard));
            }
        }
        Act::Reach { at, name, key: proved } => {
            let wire = if proved.is_some() { Wire::Native } else { Wire::Plain };
            let name = name.and_then(named);
            let reached = Reached { address: address(at), name, wire, key: proved.map(key) };
            book.reach(&address(at), reached, time);
        }
        Act::Miss { at } => book.miss(&address(at)),
        Act::Remove { at } => book.remove(&address(at)),
        Act::Prune { minutes } => {
            let old = book.older(Duration::from_secs(minutes * 60), time);
            old.iter().for_each(|peer| book.remove(&peer.address));
        }
        Act::Flood { at, times } => {
            for heard in flood(at, times, now) {
                book.hear(&arrival(&heard));
            }
        }
    }
    true
}

/// The same in the model.
fn do_to_rules(rules: &mut Rules, act: &Act, now: u64) -> bool {
    match act.clone() {
        Act::Add { at, name: named, tag: tagged, key: given } => {
            let (tag, key) = (tagged.map(tag), given.map(|given| key(given).to_string()));
            return rules.add(&address(at), &name(named), tag.as_deref(), key.as_deref());
        }
        Act::Set { at, name: named, tag: tagged, untag } => {
            let [tag, untag] = [tagged, untag].map(|number| number.map(tag));
            let name = named.map(name);
            return rules.set(&address(at), name.as_deref(), tag.as_deref(), untag.as_deref());
        }
        Act::Trust { at, key: given } => rules.trust(&address(at), &key(given).to_string()),
        Act::Hear { .. } => {
            if let Some(heard) = heard(act, now) {
                rules.hear(&heard);
            }
        }
        Act::Reach { at, name: named, key: proved } => {
            let (name, key) = (named.map(name), proved.map(|proved| key(proved).to_string()));
            rules.reach(&address(at), name.as_deref(), proved.is_some(), key.as_deref(), now);
        }
        Act::Miss { at } => rules.miss(&address(at)),
        Act::Remove { at } => rules.remove(&address(at)),
        Act::Prune { minutes } => rules.prune(minutes * 60_000, now),
        Act::Flood { at, times } => {
            flood(at, times, now).iter().for_each(|heard| rules.hear(heard));
        }
    }
    true
}

fn heard(act: &Act, time: u64) -> Option<Heard> {
    let Act::Hear { at, from, name: named, key: proved, exit } = act.clone() else { return None };
    Some(Heard {
        address: address(at),
        name: name(named),
        from: ip(from.unwrap_or(at / 2)),
        key: proved.map(|proved| key(proved).to_string()),
        exit,
        time,
    })
}

fn flood(at: At, times: u16, time: u64) -> Vec<Heard> {
    let heard = |number: u16| Heard {
        address: address(at),
        name: name(u8::try_from(number % 2).unwrap()),
        from: ip(at / 2),
        key: None,
        exit: false,
        time,
    };
    (0..times).map(heard).collect()
}

fn arrival(heard: &Heard) -> Arrival {
    Arrival {
        kind: if heard.exit { Kind::Exit } else { Kind::Message },
        time: UNIX_EPOCH + Duration::from_millis(heard.time),
        address: Some(heard.address.clone()),
        name: Some(heard.name.clone()),
        observed: heard.from,
        verified: heard.address.ip() == Some(heard.from),
        key: heard.key.as_ref().map(|key| key.parse().unwrap()),
        id: None,
        topic: None,
        text: b"hi".to_vec(),
    }
}

/// Takes these steps; panics where something is not as it has to be.
fn take(steps: impl IntoIterator<Item = Step>) {
    let mut world = World::new();
    for (number, step) in steps.into_iter().enumerate() {
        if let Err(why) = world.step(&step) {
            panic!("step {number}, {step:?}: {why}");
        }
    }
}

fn by(book: usize, act: Act) -> Step {
    Step::Act { book, act }
}

fn hears(at: At, key: Option<u8>, exit: bool) -> Act {
    Act::Hear { at, from: None, name: 0, key, exit }
}

fn adds(at: At, name: u8) -> Act {
    Act::Add { at, name, tag: None, key: None }
}

fn rubbish() -> Step {
    Step::Edit(Edited::Rubbish { line: 0, bytes: vec![0], in_place: true })
}

#[test]
fn who_does_not_prove_the_key_of_an_entry_does_not_change_it() {
    let other = Act::Hear { at: 0, from: None, name: 1, key: Some(1), exit: false };
    let nobody = Act::Hear { at: 0, from: None, name: 1, key: None, exit: true };
    take([by(0, hears(0, Some(0), false)), by(1, other), by(2, nobody)]);
}

#[test]
fn who_claims_an_address_from_elsewhere_does_not_change_its_entry() {
    let claim = |exit| Act::Hear { at: 0, from: Some(9), name: 1, key: None, exit };
    take([by(0, hears(0, None, false)), by(1, claim(false)), by(2, claim(true))]);
}

#[test]
fn claims_have_their_own_room_and_the_oldest_goes() {
    let claim = |at| Act::Hear { at, from: Some(11), name: 0, key: None, exit: false };
    take([by(0, hears(20, None, false))].into_iter().chain((0..8).map(|at| by(1, claim(at)))));
}

#[test]
fn what_a_killed_fold_has_left_is_no_part_of_the_next_one() {
    let long = by(0, Act::Flood { at: 0, times: 100 });
    let (act, whole) = (adds(20, 0), u16::MAX);
    let killed =
        Step::KilledFolding { book: 1, act, left_over: whole, other_file: false, dies: true };
    take([long, killed, rubbish(), by(0, adds(21, 1)), by(2, adds(22, 2))]);
}

#[test]
fn a_book_follows_the_folds_of_others() {
    let shorter = [by(0, adds(0, 0)), by(0, adds(1, 1)), rubbish(), by(0, Act::Remove { at: 0 })];
    take(shorter.into_iter().chain((2..5).map(|at| by(0, adds(at, at)))));
}

#[test]
fn a_flood_of_records_is_folded() {
    take((0..3).map(|book| by(book, Act::Flood { at: 0, times: 200 })));
}

#[test]
fn a_book_that_folds_has_no_more_than_the_file_that_it_wrote() {
    // one that has left more than a day ago
    let (here, left) = (hears(15, None, false), hears(15, None, true));
    take([Step::Clock(2), by(0, here), by(0, left), rubbish(), by(2, adds(0, 0))]);
}

#[test]
fn a_book_that_folds_does_not_throw_out_later_who_has_come_back() {
    let claims = (0..9).map(|at| (at, at % 5, false)).collect();
    let too_many = Step::Edit(Edited::ByHand { peers: claims, ends: true });
    // the fold throws out five of them, one comes back by itself, and the folder writes again
    let back = by(1, hears(0, None, false));
    take([too_many, rubbish(), by(0, Act::Miss { at: 8 }), back, by(0, adds(21, 1))]);
}

#[test]
fn a_clock_that_was_set_back_is_followed_by_the_next_sight() {
    let here = || by(0, hears(0, None, false));
    take([here(), Step::Clock(1), here(), Step::Clock(3), here(), Step::Clock(0), here()]);
}

#[test]
fn a_key_is_at_few_addresses_also_where_it_came_after_plain_words() {
    take((0..10).flat_map(|at| [None, Some(0)].map(|key| by(0, hears(at, key, false)))));
}

#[test]
fn a_torn_record_is_dropped_by_the_next_change_of_any_book() {
    let torn = Step::Killed { book: 1, act: adds(1, 1), share: u16::MAX / 2 };
    take([by(0, adds(0, 0)), torn, by(0, adds(2, 2)), by(0, adds(3, 3))]);
}

#[test]
fn the_list_of_peers_is_what_the_rules_say_whatever_is_killed_and_edited() {
    let folds = std::cell::Cell::new(0);
    let done = try_all(256, vec(step(), 1..140), |steps| {
        let mut world = World::new();
        for (number, step) in steps.iter().enumerate() {
            world.step(step).map_err(|why| format!("step {number}, {step:?}: {why}"))?;
        }
        folds.set(folds.get() + world.folds);
        Ok(())
    });
    let folds = folds.get();
    assert!(folds as u64 >= done.cases / 2, "only {folds} folds");
    figures!(
        "{} cases, {} steps, {folds} folds, 0 differences, {:.1?} (seed {})",
        done.cases,
        done.steps,
        done.time,
        done.seed
    );
}
