//! Power cuts, on a file system of our own: what was not on the disk at that moment is gone. And a disk without room.
//!
//! The disk is a file with an ext4 in it, mounted where only the processes of the test see it. `shutdown` cuts it off: nothing
//! more is written, not even the journal. What the next mount finds is what a machine finds that lost its power.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::report::lasting;
use crate::support::{
    Home, Listener, Outcome, P2P, PATIENCE, lines_of, outcome, read_to_end, refusal, say,
    wait_for_end,
};

/// Without the kindness of an ext4 to those who rename a file that they have not synced: others have none.
const OPTIONS: &str = "loop,noauto_da_alloc";

/// A disk that only the processes of one test see; gone with them.
struct Disk {
    holder: Child,
    /// What it is told to do, and what became of it.
    orders: Mutex<(ChildStdin, Receiver<String>)>,
    /// Holds the image and the place where it is mounted.
    dir: TempDir,
}

impl Disk {
    /// A place for one; `None`, with a word why, where that is not allowed.
    fn new() -> Option<Self> {
        let mut command = Command::new("unshare");
        // standard error of what fails is part of the result
        let each = "while read -r order; do said=$(eval \"$order\" 2>&1); echo \"$? $said\" | tr '\\n' ' '; echo; done";
        command.args(["--mount", "bash", "-c", each]);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let mut holder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let orders = holder.stdin.take().unwrap();
        let results = lines_of(holder.stdout.take().unwrap());
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("mnt")).unwrap();
        let disk = Self { holder, orders: Mutex::new((orders, results)), dir };
        if let Err(why) = disk.order("true") {
            skipped!("no file systems of our own here: {why}");
            return None;
        }
        Some(disk)
    }

    /// A disk with an empty ext4 on it, mounted.
    fn with_ext4() -> Option<Self> {
        let disk = Self::new()?;
        let (image, place) = (disk.image(), disk.dir.path().join("mnt"));
        let made = disk
            .order(&format!(
                "command -v xfs_io && truncate -s 48M {image} && mkfs.ext4 -q -F {image}"
            ))
            .and_then(|()| disk.order(&format!("mount -o {OPTIONS} {image} {}", place.display())));
        if let Err(why) = made {
            skipped!("no disk that can be cut off here: {why}");
            return None;
        }
        Some(disk)
    }

    fn image(&self) -> String {
        self.dir.path().join("image").display().to_string()
    }

    /// Has the process that holds the mounts do this.
    fn order(&self, order: &str) -> Result<(), String> {
        let mut wire = self.orders.lock().unwrap();
        let (orders, results) = &mut *wire;
        writeln!(orders, "{order}").map_err(|error| error.to_string())?;
        let result = results.recv_timeout(PATIENCE).map_err(|error| error.to_string())?;
        match result.trim().split_once(' ') {
            Some(("0", _)) => Ok(()),
            None if result.trim() == "0" => Ok(()),
            _ => Err(format!("{order}: {}", result.trim())),
        }
    }

    /// The same, where it has to work.
    #[track_caller]
    fn does(&self, order: &str) {
        self.order(order).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Where it is mounted, as everybody can name it.
    fn path(&self) -> PathBuf {
        let place = self.dir.path().join("mnt");
        let place = place.strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(place)
    }

    fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// Gets ready to cut it off.
    fn cutter(&self) -> Cutter {
        let mut command = Command::new("xfs_io");
        command.arg("-x").arg(self.path()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = lines_of(child.stderr.take().unwrap());
        let mut cutter = Cutter { child, said };
        cutter.order("ready");
        cutter
    }

    /// The power is back, and everybody who had a file open is gone.
    fn comes_back(&self) {
        let place = self.dir.path().join("mnt").display().to_string();
        let image = self.image();
        self.does(&format!("umount {place}"));
        self.does(&format!("mount -o {OPTIONS} {image} {place}"));
    }

    /// p2p with a home on it.
    fn p2p(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(P2P);
        command.env_clear().env("P2P_HOME", self.home()).env("P2P_NAME", "bob");
        command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(&mut self.p2p(arguments), None)
    }

    fn peers(&self) -> BTreeSet<String> {
        let listed = objects(&self.run(&["peers", "--json"]).stdout);
        let listed = listed.iter().filter(|object| object["event"] == "peer");
        listed.map(|peer| peer["addr"].as_str().unwrap().to_owned()).collect()
    }

    /// What the history has, each text with its number.
    fn history(&self) -> Vec<(u64, String)> {
        messages(&self.run(&["log", "--json"]).stdout)
    }

    fn listener(&self) -> Listener {
        Listener::spawn(self.p2p(&["listen", "-p", "0", "-b", "127.0.0.1"]))
    }
}

/// What cuts a disk off, started and waiting, so that the moment is as short as can be.
struct Cutter {
    child: Child,
    said: Receiver<String>,
}

impl Cutter {
    /// The power goes: what is not on the disk now will never be.
    fn cut(mut self, power: &AtomicU8) {
        power.store(GOING, Ordering::SeqCst);
        self.order("shutdown\ndone");
        power.store(GONE, Ordering::SeqCst);
        drop(self.child.stdin.take());
        assert!(wait_for_end(&mut self.child).success());
    }

    /// Has it do this, and waits until it is done: the last of it is a word that it does not know, and says so.
    fn order(&mut self, order: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{order}").unwrap();
        self.said.recv_timeout(PATIENCE).unwrap();
    }
}

/// The disk works.
const ON: u8 = 0;

/// It is being cut off. What is said now counts for nothing: a machine without power says nothing, and a kernel whose journal
/// is aborted under it may say that a sync has worked.
const GOING: u8 = 1;

/// It is cut off.
const GONE: u8 = 2;

fn is_gone(power: &AtomicU8) -> bool {
    power.load(Ordering::SeqCst) == GONE
}

impl Drop for Disk {
    fn drop(&mut self) {
        // the mounts go with the last process that sees them
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn objects(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The messages among these objects, each text with its number.
fn messages(stdout: &str) -> Vec<(u64, String)> {
    let objects = objects(stdout);
    let messages = objects.iter().filter(|object| object["event"] == "message");
    let numbered = |m: &Value| (m["seq"].as_u64().unwrap(), m["body"].as_str().unwrap().to_owned());
    messages.map(numbered).collect()
}

/// What somebody has sent, one after the other, and what he was told.
#[derive(Debug, Default)]
struct Told {
    /// The texts that were acknowledged, in their order.
    acknowledged: Vec<String>,
    /// Their ids, if they had some.
    ids: Vec<String>,
    /// How many that were sent after the cut were refused.
    refused_late: usize,
    /// Those that were sent after the cut, and acknowledged.
    false_late: Vec<String>,
}

/// Long enough that pages are turned often.
fn padding() -> String {
    "x".repeat(400)
}

/// Says one thing after the other as a plain program, until a few times after the cut.
fn plain_sender(to: SocketAddr, port: u16, prefix: &str, power: &AtomicU8) -> Told {
    const LATE: usize = 4;
    let (mut told, padding) = (Told::default(), padding());
    let mut late = 0;
    for number in 0.. {
        let is_late = is_gone(power);
        late += usize::from(is_late);
        if late > LATE {
            break;
        }
        let text = format!("{prefix}-{number}-{padding}");
        let is_acknowledged = TcpStream::connect(to).is_ok_and(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(format!("127.0.0.1:{port} n{port} {text}").as_bytes()).is_ok()
                && stream.shutdown(Shutdown::Write).is_ok()
                && read_to_end(&mut stream).starts_with(b"P2P/1 OK ")
        });
        match (is_acknowledged, is_late) {
            (true, true) => told.false_late.push(text),
            (false, true) => told.refused_late += 1,
            (true, false) if power.load(Ordering::SeqCst) == ON => told.acknowledged.push(text),
            _ => {}
        }
    }
    told
}

/// Says one thing after the other in a session, until it ends.
fn session_sender(home: &Home, to: &str, prefix: &str, power: &AtomicU8) -> Told {
    let mut command = home.command();
    command.args(["send", to, "--lines", "--json", "-t", "3s"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let (text, padding) = (prefix.to_owned(), padding());
    let feeder = std::thread::spawn(move || {
        for number in 1.. {
            if writeln!(pipe, "{text}-{number}-{padding}").is_err() {
                break;
            }
        }
    });
    let mut told = Told::default();
    for line in lines_of(child.stdout.take().unwrap()) {
        let object: Value = serde_json::from_str(&line).unwrap();
        if object["status"] == "acked" && power.load(Ordering::SeqCst) == ON {
            told.acknowledged.push(format!("{prefix}-{}-{}", object["line"], self::padding()));
            told.ids.push(object["id"].as_str().unwrap().to_owned());
        }
    }
    wait_for_end(&mut child);
    feeder.join().unwrap();
    told
}

/// What a round has shown.
#[derive(Debug, Default)]
struct Figures {
    rounds: usize,
    acknowledged: usize,
    missing: usize,
    refused_late: usize,
    folds: usize,
    turned: usize,
    torn: usize,
    handed_out: usize,
    nowhere: usize,
    sent_again: usize,
    known_and_gone: usize,
}

/// One cut under load, and what is there afterwards.
fn round(disk: &Disk, alice: &Home, number: usize, is_durable: bool, sum: &mut Figures) {
    // so many records that the peers file is written anew soon
    let peers = disk.home().join("peers");
    let text = fs::read_to_string(&peers).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&peers, format!("{first}\n").repeat(250) + &text).unwrap();
    disk.does("sync");
    let known = disk.peers();
    let inode = |name: &str| fs::metadata(disk.home().join(name)).ok().map(|m| m.ino());
    let (first_peers, first_page) = (inode("peers"), inode("messages.ndjson"));
    let listener = disk.listener();
    let (to, target) = (listener.address(), listener.target());
    let power = AtomicU8::new(ON);
    let cutter = disk.cutter();
    let (told, handed_out) = std::thread::scope(|scope| {
        let power = &power;
        let mut senders = Vec::new();
        for port in 7001..7005 {
            let prefix = format!("r{number}p{port}");
            senders.push(scope.spawn(move || plain_sender(to, port, &prefix, power)));
        }
        let prefix = format!("r{number}s");
        senders.push(scope.spawn(move || session_sender(alice, &target, &prefix, power)));
        let editor = scope.spawn(|| edit(disk, power));
        let reader = scope.spawn(|| read_what_is_new(disk, power));
        // at another moment of its work in each round
        std::thread::sleep(Duration::from_millis(fastrand::u64(50..700)));
        sum.folds += usize::from(inode("peers") != first_peers);
        sum.turned += usize::from(inode("messages.ndjson") != first_page);
        cutter.cut(power);
        editor.join().unwrap();
        let told: Vec<Told> = senders.into_iter().map(|s| s.join().unwrap()).collect();
        (told, reader.join().unwrap())
    });
    listener.signal("TERM");
    let (status, _) = listener.wait();
    // it refuses, or ends because nobody knows what is on the disk
    assert!(matches!(status.code(), Some(0 | 8)), "{status}");
    disk.comes_back();

    let now = disk.peers();
    assert!(known.is_subset(&now), "peers are gone: {:?}", known.difference(&now));
    // on an ext4 the end of a file may be as long as it was, and nothing but zeros
    let tail = fs::read(&peers).unwrap();
    sum.torn += usize::from(tail.last() != Some(&b'\n'));
    // the next change ends that, and the one after it drops it
    for _ in 0..2 {
        let added =
            disk.run(&["peers", "add", &format!("p{number}"), &format!("10.0.1.1:{}", number + 1)]);
        assert_eq!(added.status.code(), Some(0), "{}", added.report());
    }
    disk.run(&["peers"]).succeeds();
    assert!(now.is_subset(&disk.peers()));
    let said = disk.run(&["log", "--json"]);
    assert!(matches!(said.status.code(), Some(0 | 1)), "{}", said.report());
    sum.torn += usize::from(!said.stderr.is_empty());
    let history = disk.history();
    let gaps: Vec<_> = history.windows(2).filter(|pair| pair[0].0 + 1 != pair[1].0).collect();
    let shown = |pair: &&[(u64, String)]| (pair[0].0, pair[1].0);
    assert!(
        gaps.is_empty(),
        "a hole in the history: {:?}",
        gaps.iter().map(shown).collect::<Vec<_>>()
    );
    let numbers: HashMap<&str, u64> =
        history.iter().map(|(seq, text)| (text.as_str(), *seq)).collect();
    assert_eq!(numbers.len(), history.len(), "a message is there twice");
    for Told { acknowledged, refused_late, false_late, .. } in &told {
        assert!(false_late.is_empty(), "acknowledged without a disk: {false_late:?}");
        let is_there = |text: &&String| numbers.contains_key(text.as_str());
        // what is before the first of them went out of the history in order
        let first = acknowledged.iter().position(|text| is_there(&text)).unwrap_or(if is_durable {
            0
        } else {
            acknowledged.len()
        });
        let missing = acknowledged[first..].iter().filter(|text| !is_there(text)).count();
        let tail = acknowledged[first..].iter().rev().take_while(|text| !is_there(text)).count();
        assert!(
            missing == 0 || !is_durable,
            "{missing} of {} acknowledged messages are missing",
            acknowledged.len()
        );
        assert_eq!(missing, tail, "something else than the tail is missing");
        sum.acknowledged += acknowledged.len();
        sum.missing += missing;
        sum.refused_late += refused_late;
    }
    for (seq, text) in &handed_out {
        let now = numbers.get(text.as_str());
        assert!(now.is_none_or(|now| now == seq), "{seq} is {now:?} now");
    }
    // what was not handed out is handed out now
    let said = disk.run(&["log", "--new", "--json"]);
    sum.nowhere += usize::from(said.stderr.contains("points nowhere"));
    let all: BTreeSet<_> =
        handed_out.into_iter().chain(messages(&said.stdout)).map(|(_, text)| text).collect();
    sum.handed_out += all.len();
    let of_this_round = |text: &&&str| text.starts_with(&format!("r{number}"));
    let lost: Vec<_> =
        numbers.keys().filter(of_this_round).filter(|text| !all.contains(**text)).collect();
    assert!(lost.is_empty(), "{} messages were handed out to nobody", lost.len());

    // a listener goes on where the last one was, and knows what has come
    let listener = disk.listener();
    let text = format!("after {number}");
    assert!(
        say(listener.address(), format!("127.0.0.1:7001 n7001 {text}").as_bytes())
            .starts_with(b"P2P/1 OK")
    );
    let last = history.last().map_or(0, |(seq, _)| *seq);
    let session = told.last().unwrap();
    for (text, id) in session.acknowledged.iter().zip(&session.ids).rev().take(3) {
        let said = alice.run(["send", &listener.target(), "--id", id, text]);
        assert_eq!(said.status.code(), Some(0), "{}", said.report());
        sum.sent_again += 1;
    }
    assert!(matches!(listener.stop().0.code(), Some(0)));
    let after = disk.history();
    assert!(after.contains(&(last + 1, text)), "the numbers do not go on");
    for text in session.acknowledged.iter().rev().take(3) {
        let times = after.iter().filter(|(_, t)| t == text).count();
        assert!(times <= 1 && (times == 1 || !is_durable), "{times} times after it was sent again");
        sum.known_and_gone += 1 - times;
    }
    sum.rounds += 1;
}

/// Changes the list again and again until the cut.
fn edit(disk: &Disk, power: &AtomicU8) {
    let mut number = 0;
    while !is_gone(power) {
        number += 1;
        let said = disk.run(&["peers", "set", "kept", "--tag", &format!("t{number}")]);
        assert!(matches!(said.status.code(), Some(0 | 2 | 8)), "{}", said.report());
        let back = disk.run(&["peers", "set", "kept", "--untag", &format!("t{number}")]);
        assert!(matches!(back.status.code(), Some(0 | 2 | 8)), "{}", back.report());
    }
}

/// Takes what is new again and again until the cut.
fn read_what_is_new(disk: &Disk, power: &AtomicU8) -> Vec<(u64, String)> {
    let mut handed_out = Vec::new();
    while !is_gone(power) {
        let said = disk.run(&["log", "--new", "--json"]);
        assert!(matches!(said.status.code(), Some(0 | 1 | 2 | 8)), "{}", said.report());
        handed_out.extend(messages(&said.stdout));
    }
    handed_out
}

/// Cuts until the time is over, and at least some times.
fn cuts(is_durable: bool, time: Duration) {
    const MIN_ROUNDS: usize = 5;
    let Some(disk) = Disk::with_ext4() else { return };
    let alice = Home::new("alice");
    fs::create_dir(disk.home()).unwrap();
    // pages of some hundred messages
    let config = format!("[listen]\ndurable = {is_durable}\nhistory = 600000\n");
    fs::write(disk.home().join("config.toml"), config).unwrap();
    disk.run(&["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    let (start, mut sum) = (Instant::now(), Figures::default());
    while sum.rounds < MIN_ROUNDS || start.elapsed() < time {
        round(&disk, &alice, sum.rounds, is_durable, &mut sum);
    }
    figures!("{sum:?}");
    assert!(sum.acknowledged > 100 * sum.rounds, "too little was going on: {sum:?}");
}

#[test]
fn a_power_cut_takes_nothing_that_a_durable_listener_has_acknowledged() {
    cuts(true, lasting(Duration::from_secs(12)));
}

#[test]
fn a_power_cut_takes_only_the_newest_messages_of_a_listener_that_is_not_durable() {
    cuts(false, lasting(Duration::from_secs(12)));
}

#[test]
fn a_page_of_the_history_that_was_turned_survives_as_long_as_the_next_one() {
    let Some(disk) = Disk::with_ext4() else { return };
    fs::create_dir(disk.home()).unwrap();
    fs::write(disk.home().join("config.toml"), "[listen]\nhistory = 20000\n").unwrap();
    let listener = disk.listener();
    let (page, padding) = (disk.home().join("messages.ndjson"), padding());
    let number = || fs::metadata(&page).unwrap().ino();
    let (first, mut said) = (number(), 0);
    while number() == first {
        assert!(said < 1000, "no page is turned");
        said += 1;
        let text = format!("10.9.9.9:9 x {said}-{padding}");
        assert!(say(listener.address(), text.as_bytes()).starts_with(b"P2P/1 OK"));
    }
    // whoever remembers what he has read has the page synced that he is on
    disk.run(&["log", "--new"]).succeeds();
    let power = AtomicU8::new(ON);
    disk.cutter().cut(&power);
    listener.signal("KILL");
    listener.wait();
    disk.comes_back();
    let numbers: Vec<_> = disk.history().into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(
        numbers,
        (1..=said).collect::<Vec<u64>>(),
        "a page is gone and the next one is there"
    );
    figures!("{said} messages on two pages, all there");
}

#[test]
fn a_key_that_was_shown_survives_a_power_cut() {
    const MIN_ROUNDS: usize = 8;
    let Some(disk) = Disk::with_ext4() else { return };
    let (start, time) = (Instant::now(), lasting(Duration::from_secs(6)));
    let (mut rounds, mut shown, mut whole) = (0, 0, 0);
    while rounds < MIN_ROUNDS || start.elapsed() < time {
        let home = disk.path().join(format!("{rounds}/deep/home"));
        let mut id = disk.p2p(&["id"]);
        id.env("P2P_HOME", &home);
        let (cutter, power) = (disk.cutter(), AtomicU8::new(ON));
        let mut child = id.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        // every other time it is given the time that it needs
        let wait = if rounds % 2 == 0 {
            PATIENCE
        } else {
            Duration::from_micros(fastrand::u64(1000..12_000))
        };
        let deadline = Instant::now() + wait;
        let mut said = Vec::new();
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            said.push(line);
        }
        cutter.cut(&power);
        wait_for_end(&mut child);
        disk.comes_back();
        whole += usize::from(home.join("key").exists());
        let again = outcome(&mut id, None);
        assert_eq!(again.status.code(), Some(0), "{}", again.report());
        if let Some(key) = said.iter().find(|line| line.starts_with("key\t")) {
            assert!(
                again.stdout.lines().any(|line| line == key),
                "{key} is gone: {}",
                again.report()
            );
            shown += 1;
        }
        disk.does(&format!("rm -r {}", disk.dir.path().join(format!("mnt/{rounds}")).display()));
        rounds += 1;
    }
    figures!(
        "{rounds} cuts while a key was made: {shown} had been shown and were there, {whole} were there in all, the others were made anew"
    );
}

#[test]
fn a_disk_without_room_loses_nothing_and_works_again_when_there_is_some() {
    let Some(disk) = Disk::new() else { return };
    let place = disk.dir.path().join("mnt").display().to_string();
    if let Err(why) = disk.order(&format!("mount -t tmpfs -o size=64k,mode=700 none {place}")) {
        skipped!("no small disk here: {why}");
        return;
    }
    let sink = Home::new("sink");
    let at_sink = Listener::start(&sink);
    let listener = disk.listener();
    for text in ["one", "two"] {
        assert!(
            say(listener.address(), format!("10.9.9.9:9 x {text}").as_bytes())
                .starts_with(b"P2P/1 OK")
        );
    }
    listener.stop();
    disk.run(&["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    disk.run(&["send", &at_sink.target(), "first"]).succeeds();
    disk.run(&["log", "--new", "-n", "1"]).succeeds();

    // the listener that meets the full disk later
    let listener = disk.listener();
    // all but one page is taken by somebody else
    let space = rustix::fs::statvfs(disk.path()).unwrap();
    let page = usize::try_from(space.f_frsize).unwrap();
    let free = usize::try_from(space.f_bavail).unwrap() * page;
    fs::write(disk.path().join("filler"), vec![b'x'; free - page]).unwrap();
    let (mut entered, mut refused) = (0, 0);
    while refused < 3 {
        let number = entered + refused + 1;
        assert!(number < 1000, "the disk is never full");
        let said =
            disk.run(&["peers", "add", &format!("p{number}"), &format!("10.1.0.1:{number}")]);
        match said.status.code() {
            Some(0) => entered += 1,
            _ => {
                said.fails(8, "error: cannot write ");
                refused += 1;
            }
        }
    }
    let peers = disk.peers();
    assert_eq!(peers.len(), 1 + 2 + entered);
    // no page is left now
    let space = rustix::fs::statvfs(disk.path()).unwrap();
    assert_eq!(space.f_bavail, 0);

    // what only reads works as ever
    let (history, sent) = (disk.history(), disk.run(&["log", "--sent"]).stdout);
    let key = || {
        let said = disk.run(&["id"]);
        said.succeeds().stdout.lines().find(|line| line.starts_with("key\t")).unwrap().to_owned()
    };
    let our_key = key();
    assert_eq!(history.len(), 2);
    disk.run(&["peers"]).succeeds();
    // a change is refused, and a message goes out all the same
    for change in [&["peers", "set", "kept", "--tag", "t"][..], &["peers", "rm", "kept"]] {
        disk.run(change).fails(8, "error: cannot write ");
    }
    disk.run(&["config", "init"]).fails(8, "No space left on device");
    assert!(!disk.home().join("config.toml").exists());
    let mut id = disk.p2p(&["id"]);
    let other = disk.path().join("other");
    outcome(id.env("P2P_HOME", &other), None).fails(8, "No space left on device");
    assert!(!other.join("key").exists() && !other.join("key.tmp").exists());
    // a cursor that cannot be written is told, and what was handed out may come again
    let handed_out = disk.run(&["log", "--new=other"]);
    handed_out.fails(8, "error: cannot write ");
    disk.run(&["log", "--new"]).succeeds();
    let long = "y".repeat(2 * page);
    let posted = disk.run(&["send", &at_sink.target(), &long]);
    posted.fails(0, "warning: ");
    assert!(sink.run(["log"]).stdout.contains(&long));
    // a listener keeps what it has room for, and acknowledges nothing else
    let answers: Vec<_> = (0..40)
        .map(|n| {
            say(listener.address(), format!("10.9.9.9:9 x {n}-{}", "z".repeat(200)).as_bytes())
        })
        .collect();
    let acknowledged = answers.iter().filter(|answer| answer.starts_with(b"P2P/1 OK")).count();
    assert!(acknowledged < 40 && refusal(&answers[39]) == "busy");
    listener.stop();
    let now = disk.history();
    assert_eq!(now.len(), 2 + acknowledged);
    assert_eq!(now[..2], history);
    assert_eq!(disk.peers(), peers);
    assert!(disk.run(&["log", "--sent"]).stdout.starts_with(&sent));

    // room again
    disk.does(&format!("mount -o remount,size=1m {place}"));
    assert_eq!((disk.peers(), disk.history()), (peers.clone(), now.clone()));
    assert_eq!(key(), our_key);
    disk.run(&["peers", "set", "kept", "--tag", "t"]).succeeds();
    disk.run(&["peers", "rm", "kept"]).succeeds();
    disk.run(&["peers", "add", "last", "10.2.0.1:1"]).succeeds();
    assert_eq!(disk.peers().len(), peers.len());
    disk.run(&["config", "init"]).succeeds();
    outcome(&mut id, None).succeeds();
    assert_eq!(disk.run(&["log", "--new=other"]).succeeds().stdout.lines().count(), now.len());
    disk.run(&["send", &at_sink.target(), "last"]).succeeds();
    let listener = disk.listener();
    assert!(say(listener.address(), b"10.9.9.9:9 x last").starts_with(b"P2P/1 OK"));
    listener.stop();
    let last = (now.last().unwrap().0 + 1, "last".to_owned());
    assert_eq!(disk.history().last(), Some(&last));
    figures!(
        "64 KiB: {entered} changes of the list had room, {refused} were refused, {acknowledged} of 40 messages were kept; nothing was lost, and all worked with more room"
    );
}
