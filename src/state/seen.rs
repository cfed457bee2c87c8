//! The ids of messages that have arrived, so that one that is sent again is known also by the next listener.
//!
//! ```text
//! 1795255200123 4711 9c41… backup-7
//! ```
//!
//! A line is a time in milliseconds, the message's number in the history, its sender's key and its id. The history is
//! written first and has the id, too: what a kill has kept from this file is found there by the number. Whoever listens for
//! the home is its one writer.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::append::append;
use super::dir::{StateDir, cannot, read_all};
use super::ledger::{RECEIVED, last_number};
use super::reader::Reader;
use crate::exit::Failure;
use crate::id::MessageId;
use crate::key::PublicKey;

const SEEN_FILE: &str = "messages.seen";
const FOLD_FILE: &str = "messages.seen.tmp";

/// How long an id is remembered: a script that repeats a message does so within a day.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How many ids of one key are remembered, the newest; who repeats a message has not sent thousands since.
const MAX_IDS_OF_KEY: usize = 4096;

/// How many ids are remembered in all: 32 keys that send without end, or thousands that do not.
const MAX_IDS: usize = 32 * MAX_IDS_OF_KEY;

/// The file is written anew when it has this many lines more than twice the ids.
const FOLD_SLACK: usize = 4096;

/// Largest file that is read: three times all ids with the slack, each line as long as it can be.
const MAX_SEEN_FILE_BYTES: u64 = 128 * 1024 * 1024;

/// The ids that are remembered.
#[derive(Debug)]
pub struct Seen {
    dir: StateDir,
    file: File,
    keys: HashMap<PublicKey, Ids>,
    count: usize,
    /// Lines in the file.
    lines: usize,
    /// The number in the history of the last message that is in the file.
    last: u64,
    /// Something could not be written, and is only remembered.
    has_gap: bool,
}

/// The ids of one key.
#[derive(Debug, Default)]
struct Ids {
    /// Each with the time in milliseconds when it came last.
    known: HashMap<MessageId, u64>,
    /// In the order in which they came.
    order: VecDeque<(u64, MessageId)>,
}

/// A message that has arrived.
#[derive(Clone, Debug)]
pub struct SeenMessage {
    /// When.
    pub time: SystemTime,
    /// Its number in the history; 0 without one.
    pub seq: u64,
    /// Whose it is.
    pub key: PublicKey,
    /// Its id.
    pub id: MessageId,
}

/// What a record of the history says of its id.
#[derive(Deserialize)]
struct Kept {
    time: String,
    id: MessageId,
    from: KeptFrom,
}

#[derive(Deserialize)]
struct KeptFrom {
    key: PublicKey,
}

impl Seen {
    /// Reads what is remembered, and what the history has beyond it. `dir` is the state directory.
    pub fn open(open_dir: impl Fn() -> Result<StateDir, Failure>) -> Result<Self, Failure> {
        let dir = open_dir()?;
        let path = dir.path_of(SEEN_FILE);
        let file = dir.file_or_new(SEEN_FILE)?;
        let length = file.metadata().map_or(0, |m| m.len());
        let bytes = read_all(&file, length, MAX_SEEN_FILE_BYTES)
            .map_err(|error| cannot("read", &path, error))?;
        let mut seen =
            Self { dir, file, keys: HashMap::new(), count: 0, lines: 0, last: 0, has_gap: false };
        let is_sound = seen.read(&bytes);
        let found = seen.read_history(open_dir)?;
        if !is_sound || found {
            seen.fold()?;
        }
        Ok(seen)
    }

    /// Whether this message has come before.
    pub fn has(&self, key: &PublicKey, id: &MessageId, now: SystemTime) -> bool {
        let time = self.keys.get(key).and_then(|ids| ids.known.get(id));
        time.is_some_and(|time| !is_old(*time, now))
    }

    /// Remembers these messages. After an error they are remembered for as long as this process lives.
    pub fn add(&mut self, messages: &[SeenMessage]) -> Result<(), Failure> {
        if messages.is_empty() {
            return Ok(());
        }
        let lines: String = messages.iter().map(SeenMessage::line).collect();
        for message in messages {
            self.remember(millis(message.time), message.key, message.id.clone());
            self.last = self.last.max(message.seq);
        }
        self.lines += messages.len();
        // after a gap the next line would say that there is none
        if self.has_gap || self.lines > 2 * self.count + FOLD_SLACK {
            self.has_gap = true;
            self.fold()?;
            self.has_gap = false;
            return Ok(());
        }
        let path = self.dir.path_of(SEEN_FILE);
        let appended = append(&self.file, lines.as_bytes()).map(drop);
        self.has_gap = appended.is_err();
        appended.map_err(|error| cannot("write", &path, error))
    }

    fn remember(&mut self, time: u64, key: PublicKey, id: MessageId) {
        let ids = self.keys.entry(key).or_default();
        match ids.known.insert(id.clone(), time) {
            None => self.count += 1,
            // a line that is there twice would be forgotten with the first of them
            Some(before) if before == time => return,
            Some(_) => {}
        }
        ids.order.push_back((time, id));
        while ids.order.len() > MAX_IDS_OF_KEY {
            self.count -= ids.forget_oldest();
        }
        if self.count > MAX_IDS {
            self.forget_oldest();
        }
    }

    /// Forgets the oldest sixteenth of all: to look for them one by one would cost more than to keep them.
    fn forget_oldest(&mut self) {
        let mut times: Vec<u64> =
            self.keys.values().flat_map(|ids| ids.order.iter().map(|(time, _)| *time)).collect();
        let part = times.len() / 16;
        let (_, last, _) = times.select_nth_unstable(part);
        let last = *last;
        self.forget_until(|time| time <= last);
    }

    fn forget_until(&mut self, is_old: impl Fn(u64) -> bool) {
        for ids in self.keys.values_mut() {
            while ids.order.front().is_some_and(|(time, _)| is_old(*time)) {
                self.count -= ids.forget_oldest();
            }
        }
        self.keys.retain(|_, ids| !ids.order.is_empty());
    }

    fn knows(&self, key: &PublicKey, id: &MessageId) -> bool {
        self.keys.get(key).is_some_and(|ids| ids.known.contains_key(id))
    }

    /// Takes the lines of the file; false if one of them is damaged or unfinished.
    fn read(&mut self, bytes: &[u8]) -> bool {
        let now = SystemTime::now();
        let mut is_sound = bytes.is_empty() || bytes.ends_with(b"\n");
        let text = String::from_utf8_lossy(bytes);
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            self.lines += 1;
            match SeenMessage::read(line) {
                Some((time, seq, message)) => {
                    self.last = self.last.max(seq);
                    // a time that was damaged makes no id forgotten
                    let message =
                        message.filter(|(key, id)| !is_old(time, now) || !self.knows(key, id));
                    if let Some((key, id)) = message {
                        self.remember(time, key, id);
                    }
                }
                None => is_sound = false,
            }
        }
        is_sound
    }

    /// Takes what the history has beyond the last line; true if there was anything.
    fn read_history(
        &mut self,
        open_dir: impl Fn() -> Result<StateDir, Failure>,
    ) -> Result<bool, Failure> {
        let newest = last_number(&self.dir, RECEIVED)?;
        if newest == self.last {
            return Ok(false);
        }
        // a history that was begun anew counts from 1 again
        let after = if newest < self.last { 0 } else { self.last };
        let mut history = Reader::open(open_dir()?, RECEIVED, after);
        while let Some(entry) = history.read()? {
            let Ok(kept) = serde_json::from_slice::<Kept>(&entry.line) else { continue };
            let Ok(time) = humantime::parse_rfc3339(&kept.time) else { continue };
            if !self.knows(&kept.from.key, &kept.id) {
                self.remember(millis(time), kept.from.key, kept.id);
            }
        }
        self.last = newest;
        Ok(true)
    }

    /// Writes the file anew, without what is no longer remembered.
    fn fold(&mut self) -> Result<(), Failure> {
        let now = SystemTime::now();
        self.forget_until(|time| is_old(time, now));
        // the first line only says how far the history was read
        let mut lines = format!("{} {} - -\n", millis(now), self.last);
        for (key, ids) in &self.keys {
            ids.order.iter().for_each(|(time, id)| lines += &format!("{time} 0 {key} {id}\n"));
        }
        let path = self.dir.path_of(FOLD_FILE);
        let mut file = self.dir.fresh_file(FOLD_FILE)?;
        let done = file
            .write_all(lines.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| self.dir.rename(FOLD_FILE, SEEN_FILE));
        if let Err(error) = done {
            let _ = self.dir.remove(FOLD_FILE);
            return Err(cannot("write", &path, error));
        }
        (self.file, self.lines) = (file, lines.lines().count());
        Ok(())
    }
}

impl Ids {
    /// Forgets the oldest; gives how many ids that were.
    fn forget_oldest(&mut self) -> usize {
        let Some((time, id)) = self.order.pop_front() else { return 0 };
        // the same id may have come again a day later
        if self.known.get(&id) != Some(&time) {
            return 0;
        }
        usize::from(self.known.remove(&id).is_some())
    }
}

impl SeenMessage {
    fn line(&self) -> String {
        let Self { time, seq, key, id } = self;
        format!("{} {seq} {key} {id}\n", millis(*time))
    }

    /// Time, number, and whose message it was, unless the line only tells the number.
    #[expect(clippy::type_complexity, reason = "the parts of a line")]
    fn read(line: &str) -> Option<(u64, u64, Option<(PublicKey, MessageId)>)> {
        let mut words = line.split(' ');
        let (time, seq) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (key, id) = (words.next()?, words.next()?);
        if words.next().is_some() {
            return None;
        }
        let message = match (key, id) {
            ("-", "-") => None,
            _ => Some((key.parse().ok()?, id.parse().ok()?)),
        };
        Some((time, seq, message))
    }
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A clock that was set back makes no id last for longer.
fn is_old(time: u64, now: SystemTime) -> bool {
    millis(now).abs_diff(time) > REMEMBERED_FOR.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ledger::Ledger;

    fn open(home: &tempfile::TempDir) -> Seen {
        Seen::open(|| StateDir::create(home.path(), true)).unwrap()
    }

    fn key(number: u8) -> PublicKey {
        PublicKey::new([number; 32])
    }

    fn id(number: usize) -> MessageId {
        format!("id{number}").parse().unwrap()
    }

    fn message(number: usize, of: u8, time: SystemTime) -> SeenMessage {
        SeenMessage { time, seq: 0, key: key(of), id: id(number) }
    }

    #[test]
    fn an_id_is_known_to_the_next_listener_and_belongs_to_its_key() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        open(&home).add(&[message(1, 1, now), message(2, 1, now)]).unwrap();
        let seen = open(&home);
        assert!(seen.has(&key(1), &id(1), now) && seen.has(&key(1), &id(2), now));
        assert!(!seen.has(&key(1), &id(3), now) && !seen.has(&key(2), &id(1), now));
        let tomorrow = now + REMEMBERED_FOR + Duration::from_secs(1);
        assert!(!seen.has(&key(1), &id(1), tomorrow));
    }

    #[test]
    fn a_busy_key_does_not_make_us_forget_a_quiet_one_and_all_is_bounded() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let mut seen = open(&home);
        seen.add(&[message(0, 1, now)]).unwrap();
        for start in (0..20_000).step_by(500) {
            let batch: Vec<_> =
                (start..start + 500).map(|number| message(number, 2, now)).collect();
            seen.add(&batch).unwrap();
        }
        for seen in [seen, open(&home)] {
            assert!(seen.has(&key(1), &id(0), now));
            assert!(
                seen.has(&key(2), &id(19_999), now)
                    && seen.has(&key(2), &id(20_000 - MAX_IDS_OF_KEY), now)
            );
            assert!(!seen.has(&key(2), &id(20_000 - MAX_IDS_OF_KEY - 1), now));
            assert_eq!(seen.count, MAX_IDS_OF_KEY + 1);
            assert!(seen.lines <= 2 * seen.count + FOLD_SLACK);
        }
    }

    #[test]
    fn many_keys_are_bounded_together_and_the_oldest_goes_first() {
        let home = tempfile::tempdir().unwrap();
        let mut seen = open(&home);
        let start = SystemTime::now();
        for of in 0..40 {
            let time = start + Duration::from_secs(of.into());
            let batch: Vec<_> =
                (0..MAX_IDS_OF_KEY).map(|number| message(number, of, time)).collect();
            seen.add(&batch).unwrap();
        }
        assert!(seen.count <= MAX_IDS && seen.count > MAX_IDS * 3 / 4);
        let counted: usize = seen.keys.values().map(|ids| ids.known.len()).sum();
        assert_eq!(counted, seen.count);
        assert!(!seen.has(&key(0), &id(0), start) && seen.has(&key(39), &id(0), start));
    }

    #[test]
    fn what_could_not_be_written_once_is_written_with_the_next() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let mut seen = open(&home);
        seen.file = File::open(home.path().join(SEEN_FILE)).unwrap();
        assert!(seen.add(&[SeenMessage { seq: 1, ..message(1, 1, now) }]).is_err());
        seen.add(&[SeenMessage { seq: 2, ..message(2, 1, now) }]).unwrap();
        drop(seen);
        let seen = open(&home);
        assert!(seen.has(&key(1), &id(1), now) && seen.has(&key(1), &id(2), now));
    }

    #[test]
    fn a_torn_line_is_taken_out_before_it_can_be_read_as_another_one() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        open(&home).add(&[message(1, 1, now)]).unwrap();
        let path = home.path().join(SEEN_FILE);
        let torn =
            std::fs::read_to_string(&path).unwrap() + &format!("{} 0 {} id", millis(now), key(1));
        std::fs::write(&path, torn).unwrap();
        open(&home).add(&[message(2, 1, now)]).unwrap();
        let seen = open(&home);
        assert!(seen.has(&key(1), &id(1), now) && seen.has(&key(1), &id(2), now));
        assert!(!seen.has(&key(1), &"id".parse().unwrap(), now));
    }

    #[test]
    fn an_id_that_is_there_again_or_with_a_damaged_time_is_not_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        open(&home).add(&[message(1, 1, now), message(2, 1, now)]).unwrap();
        let path = home.path().join(SEEN_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        let (first, _) = text.split_once('\n').unwrap();
        let damaged = text.replace(&millis(now).to_string(), "17");
        let again = format!("{first}\n").repeat(MAX_IDS_OF_KEY + 1);
        std::fs::write(&path, text + &again + &damaged).unwrap();
        for seen in [open(&home), open(&home)] {
            assert!(seen.has(&key(1), &id(1), now) && seen.has(&key(1), &id(2), now));
        }
    }

    #[test]
    fn ids_of_ever_new_keys_are_taken_and_read_in_no_time() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let mut seen = open(&home);
        let one = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            let time = now + Duration::from_millis(number as u64);
            SeenMessage { time, seq: 0, key: PublicKey::new(bytes), id: id(number) }
        };
        let start = std::time::Instant::now();
        for batch in (0..MAX_IDS + 30_000).collect::<Vec<_>>().chunks(256) {
            seen.add(&batch.iter().map(|number| one(*number)).collect::<Vec<_>>()).unwrap();
        }
        drop(seen);
        assert!(open(&home).count <= MAX_IDS);
        // one look at all of them for each new one would take minutes
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn what_a_kill_has_kept_from_the_file_is_found_in_the_history() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let dir = || StateDir::create(home.path(), true).unwrap();
        let mut ledger = Ledger::open(dir(), RECEIVED, 1_000_000).unwrap();
        let time = humantime::format_rfc3339_millis(now);
        let line = |number: &usize, seq| {
            format!(
                "{{\"seq\":{seq},\"time\":\"{time}\",\"id\":\"id{number}\",\"from\":{{\"key\":\"{}\"}}}}\n",
                key(1)
            )
        };
        ledger.append(&[1, 2, 3], line).unwrap();
        let mut seen = open(&home);
        assert!((1..=3).all(|number| seen.has(&key(1), &id(number), now)));
        ledger.append(&[4, 5], line).unwrap();
        seen.add(&[SeenMessage { seq: 4, ..message(4, 1, now) }]).unwrap();
        drop(seen);
        // torn in the middle of an id that it would be without its end
        let path = home.path().join(SEEN_FILE);
        let torn =
            std::fs::read_to_string(&path).unwrap() + &format!("{} 5 {} id", millis(now), key(1));
        std::fs::write(&path, torn).unwrap();
        for _ in 0..2 {
            let seen = open(&home);
            assert!((1..=5).all(|number| seen.has(&key(1), &id(number), now)));
            assert_eq!((seen.last, seen.count), (5, 5));
        }
        // a history that was begun anew
        std::fs::remove_file(home.path().join(RECEIVED.current)).unwrap();
        let mut ledger = Ledger::open(dir(), RECEIVED, 1_000_000).unwrap();
        ledger.append(&[6], line).unwrap();
        assert!(open(&home).has(&key(1), &id(6), now));
    }
}
