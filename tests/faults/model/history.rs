//! The history with its readers, cursors and remembered ids: kills at any byte, pages that turn, rubbish between the
//! lines, against a list in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use p2p::key::PublicKey;
use p2p::state::cursor::Cursor;
use p2p::state::dir::StateDir;
use p2p::state::ledger::{Ledger, RECEIVED};
use p2p::state::reader::{Mark, Reader};
use p2p::state::seen::{Seen, SeenMessage};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::file::millis;
use super::{quick_home, try_all, write_ours};

/// Both pages together; a few records make a page.
const MAX_BYTES: u64 = 4000;

const CURRENT: &str = "messages.ndjson";
const OLDER: &str = "messages.1.ndjson";
const SEEN: &str = "messages.seen";

/// How many readers follow.
const FOLLOWERS: usize = 2;

/// A day, in milliseconds: so long an id is remembered.
const DAY: u64 = 24 * 3600 * 1000;

/// Where the clock may be, in hours from now.
const CLOCKS: [i64; 3] = [0, -2, -30];

/// Where a writer dies.
#[derive(Clone, Debug)]
enum Dies {
    No,
    /// After this share of the bytes for the history.
    Storing(u16),
    /// After the old page has got its new name.
    Turning,
    /// After this share of the bytes for the ids.
    Remembering(u16),
}

#[derive(Clone, Debug)]
enum Step {
    /// Messages with texts of these sizes, from one of two keys.
    Append {
        sizes: Vec<u16>,
        key: u8,
        dies: Dies,
    },
    Reopen,
    /// One of those that follow reads all there is.
    Follow(usize),
    /// Somebody reads from this share of the numbers on.
    ReadFrom(u16),
    /// `p2p log --new -n COUNT`, which may die before it has written how far it is, or in the middle of that.
    HandOut {
        count: usize,
        saved: u16,
    },
    Rubbish(Vec<u8>),
    /// Sets the clock to one of several times.
    Clock(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let dies = prop_oneof![
        6 => Just(Dies::No),
        2 => any::<u16>().prop_map(Dies::Storing),
        // all but the newline
        1 => Just(Dies::Storing(u16::MAX - 1)),
        1 => Just(Dies::Turning),
        2 => any::<u16>().prop_map(Dies::Remembering),
    ];
    let rubbish = vec(prop_oneof![Just(0), Just(b'{'), Just(b'\r'), 14..=u8::MAX], 1..40);
    prop_oneof![
        12 => (vec(0..400_u16, 1..5), 0..2_u8, dies)
            .prop_map(|(sizes, key, dies)| Step::Append { sizes, key, dies }),
        2 => Just(Step::Reopen),
        4 => (0..FOLLOWERS).prop_map(Step::Follow),
        2 => any::<u16>().prop_map(Step::ReadFrom),
        4 => (1..8_usize, prop_oneof![2 => Just(u16::MAX), 1 => any::<u16>()])
            .prop_map(|(count, saved)| Step::HandOut { count, saved }),
        1 => rubbish.prop_map(Step::Rubbish),
        1 => (0..CLOCKS.len()).prop_map(Step::Clock),
    ]
}

/// A record before it has its number.
#[derive(Clone)]
struct Text {
    id: String,
    key: PublicKey,
    time: u64,
    size: u16,
}

impl Text {
    fn line(&self, seq: u64) -> String {
        let Self { id, key, time, size } = self;
        let time = humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(*time));
        let body = "x".repeat(usize::from(*size));
        format!(
            "{{\"seq\":{seq},\"time\":\"{time}\",\"id\":\"{id}\",\"from\":{{\"key\":\"{key}\"}},\"body\":\"{body}\"}}\n"
        )
    }
}

struct World {
    home: TempDir,
    ledger: Ledger,
    seen: Seen,
    /// Every record that was ever whole, without its newline.
    lines: BTreeMap<u64, Vec<u8>>,
    /// The ids that have to be known, and those that may be.
    known: HashMap<(PublicKey, String), u64>,
    perhaps: HashMap<(PublicKey, String), u64>,
    followers: Vec<(Reader, u64)>,
    /// The last number that was handed out for good.
    handed: u64,
    start: u64,
    clock: usize,
    ids: u64,
    turns: usize,
    read: usize,
}

impl World {
    fn new() -> Self {
        let home = quick_home();
        let dir = || StateDir::create(home.path(), true).unwrap();
        let followers = (0..FOLLOWERS).map(|_| (Reader::open(dir(), RECEIVED, 0), 0)).collect();
        Self {
            ledger: Ledger::open(dir(), RECEIVED, MAX_BYTES).unwrap(),
            seen: Seen::open(|| StateDir::create(home.path(), true)).unwrap(),
            home,
            lines: BTreeMap::new(),
            known: HashMap::new(),
            perhaps: HashMap::new(),
            followers,
            handed: 0,
            start: millis(SystemTime::now()),
            clock: 0,
            ids: 0,
            turns: 0,
            read: 0,
        }
    }

    fn dir(&self) -> StateDir {
        StateDir::create(self.home.path(), true).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_default()
    }

    fn last(&self) -> u64 {
        self.lines.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Append { sizes, key, dies } => self.append(sizes, *key, dies)?,
            Step::Reopen => self.reopen(),
            Step::Follow(number) => {
                let (mut reader, last) = self.followers.remove(*number);
                let read = self.read_all(&mut reader, last, usize::MAX)?;
                self.followers.insert(*number, (reader, read.unwrap_or(last)));
            }
            Step::ReadFrom(share) => {
                let after = self.last() * u64::from(*share) / u64::from(u16::MAX);
                let mut reader = Reader::open(self.dir(), RECEIVED, after);
                self.read_all(&mut reader, after, usize::MAX)?;
            }
            Step::HandOut { count, saved } => self.hand_out(*count, *saved)?,
            Step::Rubbish(bytes) => {
                let mut page = self.bytes(CURRENT);
                if !page.is_empty() && !page.ends_with(b"\n") {
                    // editors end the last line
                    page.push(b'\n');
                    self.reopen();
                }
                write_ours(&self.path(CURRENT), &[page.as_slice(), bytes, b"\n"].concat());
                self.take_whole_lines()?;
            }
            Step::Clock(clock) => self.clock = *clock,
        }
        self.check()
    }

    fn reopen(&mut self) {
        self.ledger = Ledger::open(self.dir(), RECEIVED, MAX_BYTES).unwrap();
        self.seen = Seen::open(|| StateDir::create(self.home.path(), true)).unwrap();
    }

    fn append(&mut self, sizes: &[u16], key: u8, dies: &Dies) -> Result<(), String> {
        let now = self.start.saturating_add_signed(CLOCKS[self.clock] * 3_600_000);
        let texts: Vec<_> = sizes
            .iter()
            .map(|size| {
                self.ids += 1;
                // each is the beginning of a later one
                let id = format!("m{}", self.ids);
                Text { id, key: PublicKey::new([key + 1; 32]), time: now, size: *size }
            })
            .collect();
        let (before, older) = (self.bytes(CURRENT), self.bytes(OLDER));
        self.ledger.append(&texts, Text::line).map_err(|failure| failure.to_string())?;
        let (after, turned) = (self.bytes(CURRENT), self.bytes(OLDER) != older);
        self.turns += usize::from(turned);
        let size: usize = after.len() - if turned { 0 } else { before.len() };
        if turned && before.len() + size < MAX_BYTES as usize / 2 {
            return Err("the page is turned too early".to_owned());
        }
        if !turned && before.len() + size > MAX_BYTES as usize / 2 + 1 && !before.is_empty() {
            return Err(format!("a page of {} bytes", after.len()));
        }
        let first = self.ledger.last() + 1 - texts.len() as u64;
        if first <= self.last() {
            return Err(format!("number {first} is given a second time"));
        }
        let ids: Vec<_> = texts.iter().map(|t| ((t.key, t.id.clone()), t.time)).collect();
        match dies {
            Dies::Storing(share) if !turned => {
                let grown = after.len() - before.len();
                let kept = before.len() + cut(grown, *share);
                return self.die(Some((CURRENT, &after[..kept])), ids);
            }
            Dies::Turning if turned => return self.die(Some((CURRENT, b"")), ids),
            _ => {}
        }
        for (seq, text) in (first..).zip(&texts) {
            self.lines.insert(seq, text.line(seq).trim_end().as_bytes().to_vec());
        }
        let messages: Vec<_> = (first..)
            .zip(&texts)
            .map(|(seq, text)| SeenMessage {
                time: UNIX_EPOCH + Duration::from_millis(text.time),
                seq,
                key: text.key,
                id: text.id.parse().unwrap(),
            })
            .collect();
        // they are acknowledged before their ids are written
        self.known.extend(ids);
        let before = self.bytes(SEEN);
        self.seen.add(&messages).map_err(|failure| failure.to_string())?;
        let after = self.bytes(SEEN);
        if let Dies::Remembering(share) = dies
            && after.starts_with(&before)
        {
            let kept = before.len() + cut(after.len() - before.len(), *share);
            return self.die(Some((SEEN, &after[..kept])), Vec::new());
        }
        Ok(())
    }

    /// The writer has died, and this is what it has left.
    fn die(
        &mut self,
        file: Option<(&str, &[u8])>,
        ids: Vec<((PublicKey, String), u64)>,
    ) -> Result<(), String> {
        if let Some((name, bytes)) = file {
            write_ours(&self.path(name), bytes);
        }
        self.take_whole_lines()?;
        self.reopen();
        self.take_whole_lines()?;
        // who repeats what is in the history is told that it is
        let is_kept = |id: &str| {
            let id = format!("\"id\":\"{id}\"");
            self.lines.values().any(|line| String::from_utf8_lossy(line).contains(&id))
        };
        let (kept, lost): (Vec<_>, Vec<_>) = ids.into_iter().partition(|((_, id), _)| is_kept(id));
        self.known.extend(kept);
        self.perhaps.extend(lost);
        Ok(())
    }

    /// Takes what is whole by now into the list. Nothing that was there may be another one.
    fn take_whole_lines(&mut self) -> Result<(), String> {
        for name in [OLDER, CURRENT] {
            for (seq, line) in objects(&self.bytes(name)) {
                let known = self.lines.entry(seq).or_insert_with(|| line.clone());
                if *known != line {
                    return Err(format!("two records have the number {seq}"));
                }
            }
        }
        Ok(())
    }

    fn hand_out(&mut self, count: usize, saved: u16) -> Result<(), String> {
        let name = "default".parse().unwrap();
        let wait = Duration::from_secs(5);
        let cursor = Cursor::lock(&self.dir(), RECEIVED, &name, wait).unwrap();
        let mark = cursor.mark().unwrap();
        let resumed = Reader::resume(self.dir(), RECEIVED, mark.unwrap_or_default());
        let (mut reader, found) = resumed.map_err(|failure| failure.to_string())?;
        if mark.is_none() || !found {
            return Err("the cursor points nowhere".to_owned());
        }
        let Some(last) = self.read_all(&mut reader, self.handed, count)? else { return Ok(()) };
        let path = self.path("messages.cursor-default");
        let before = std::fs::read(&path).unwrap();
        // a line that is so short is written by one call, whole or not at all
        if saved > u16::MAX / 2 {
            let line = self.lines[&last].clone();
            cursor.save(Mark::of(&p2p::state::reader::Entry { seq: last, line })).unwrap();
            self.handed = last;
        } else {
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
        Ok(())
    }

    /// Reads on behind this number: each record once, in order, none left out that is still there.
    fn read_all(
        &mut self,
        reader: &mut Reader,
        after: u64,
        most: usize,
    ) -> Result<Option<u64>, String> {
        let kept: Vec<u64> = [OLDER, CURRENT]
            .iter()
            .flat_map(|name| objects(&self.bytes(name)))
            .map(|(seq, _)| seq)
            .collect();
        let (mut last, mut gone, lost) = (after, 0, reader.lost());
        for _ in 0..most {
            let next = kept.iter().find(|seq| **seq > last);
            let read = reader.read().map_err(|failure| failure.to_string())?;
            let Some(entry) = read else {
                match next {
                    Some(next) => return Err(format!("{next} is not read")),
                    None => break,
                }
            };
            // a page that was open may have what is no longer kept
            if entry.seq <= last || next.is_none_or(|next| entry.seq > *next) {
                return Err(format!("behind {last} comes {} and not {next:?}", entry.seq));
            }
            if self.lines.get(&entry.seq) != Some(&entry.line) {
                return Err(format!("number {} is another record", entry.seq));
            }
            self.read += 1;
            gone += if last > 0 { entry.seq - last - 1 } else { 0 };
            last = entry.seq;
        }
        if reader.lost() - lost != gone {
            return Err(format!("{} are told as lost, not {gone}", reader.lost() - lost));
        }
        Ok((last > after).then_some(last))
    }

    /// The pages are whole and bounded, and the ids are known.
    fn check(&mut self) -> Result<(), String> {
        let objects: Vec<_> =
            [OLDER, CURRENT].iter().flat_map(|name| objects(&self.bytes(name))).collect();
        for pair in objects.windows(2) {
            if pair[1].0 != pair[0].0 + 1 {
                return Err(format!("{} follows {}", pair[1].0, pair[0].0));
            }
        }
        if objects.last().map_or(0, |(seq, _)| *seq) != self.last() {
            return Err(format!("{} is not there", self.last()));
        }
        if let Some((seq, _)) = objects.iter().find(|(seq, l)| self.lines.get(seq) != Some(l)) {
            return Err(format!("{seq} is not what was stored"));
        }
        let now = SystemTime::now();
        for ((key, id), time) in &self.known {
            let has = self.seen.has(key, &id.parse().unwrap(), now);
            let is_young = *time + DAY > millis(now);
            if has != is_young {
                return Err(format!("id {id} is remembered: {has}, but it has to be {is_young}"));
            }
        }
        // nothing that is part of an id is one
        for number in [self.ids + 1, self.ids * 10 + 11] {
            let id = format!("m{number}").parse().unwrap();
            if (1..3).any(|key| self.seen.has(&PublicKey::new([key; 32]), &id, now)) {
                return Err(format!("{id} never came"));
            }
        }
        for ((key, id), _) in self.known.iter().chain(&self.perhaps) {
            let other = PublicKey::new([3 - key.as_bytes()[0]; 32]);
            if self.seen.has(&other, &id.parse().unwrap(), now) {
                return Err(format!("{id} came from the other key"));
            }
        }
        Ok(())
    }
}

/// So much of a length; one less than all is all but the last byte.
fn cut(length: usize, share: u16) -> usize {
    match share {
        u16::MAX => length,
        share if share == u16::MAX - 1 => length.saturating_sub(1),
        share => length * usize::from(share) / usize::from(u16::MAX),
    }
}

/// The sound lines that are finished, with their numbers.
fn objects(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let lines = bytes.split_inclusive(|&b| b == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    lines
        .filter_map(|line| {
            let object: serde_json::Value = serde_json::from_slice(line).ok()?;
            Some((object["seq"].as_u64()?, line.to_vec()))
        })
        .collect()
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

#[test]
fn a_record_that_lacks_only_its_newline_does_not_hide_the_next_one() {
    let appends = |dies| Step::Append { sizes: vec![1], key: 0, dies };
    let dies = Dies::Storing(u16::MAX - 1);
    let all = || Step::ReadFrom(0);
    take([appends(Dies::No), all(), appends(dies), appends(Dies::No), all(), Step::Follow(0)]);
}

#[test]
fn what_a_cursor_has_handed_out_comes_once_and_what_it_has_not_noted_again() {
    let append = || Step::Append { sizes: vec![1, 2, 3], key: 0, dies: Dies::No };
    let hand_out = |saved| Step::HandOut { count: 2, saved };
    take([append(), hand_out(u16::MAX), append(), hand_out(0), hand_out(u16::MAX), append()]);
}

#[test]
fn an_id_that_a_kill_has_kept_from_its_file_is_found_in_the_history() {
    let append = |dies| Step::Append { sizes: vec![1, 2, 3], key: 0, dies };
    take([append(Dies::No), append(Dies::Remembering(u16::MAX / 2)), append(Dies::No)]);
}

#[test]
fn a_clock_that_was_set_back_makes_no_id_last_for_years() {
    let home = quick_home();
    let open = || Seen::open(|| StateDir::create(home.path(), true)).unwrap();
    let (now, key) = (SystemTime::now(), PublicKey::new([1; 32]));
    let (hour, id) = (Duration::from_secs(3600), |id: &str| id.parse().unwrap());
    let message = |name, time| SeenMessage { time, seq: 0, key, id: id(name) };
    let mut seen = open();
    seen.add(&[message("wrong", now + 25 * hour), message("nearly", now + 23 * hour)]).unwrap();
    for seen in [seen, open()] {
        assert!(
            !seen.has(&key, &id("wrong"), now),
            "it would be for as long as the clock was wrong"
        );
        assert!(seen.has(&key, &id("nearly"), now));
    }
}

#[test]
fn the_history_hands_out_each_record_once_whatever_is_killed() {
    let (turns, read) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let done = try_all(256, vec(step(), 1..140), |steps| {
        let mut world = World::new();
        for (number, step) in steps.iter().enumerate() {
            world.step(step).map_err(|why| format!("step {number}, {step:?}: {why}"))?;
        }
        turns.set(turns.get() + world.turns);
        read.set(read.get() + world.read);
        Ok(())
    });
    let (turns, read) = (turns.get(), read.get());
    assert!(turns as u64 >= done.cases, "only {turns} pages were turned");
    figures!(
        "{} cases, {} steps, {turns} pages turned, {read} records read, 0 lost, repeated or changed, {:.1?} (seed {})",
        done.cases,
        done.steps,
        done.time,
        done.seed
    );
}
