//! State files that are cut, mutated or replaced: damage costs what is damaged, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use p2p::address::Address;
use p2p::book::{Caps, Reached};
use p2p::id::MessageId;
use p2p::key::PublicKey;
use p2p::peer::Wire;
use p2p::state::cursor::{Cursor, CursorName};
use p2p::state::dir::StateDir;
use p2p::state::key_file;
use p2p::state::ledger::{Ledger, RECEIVED};
use p2p::state::peers_file::{PeersFile, Place};
use p2p::state::presence::{Listening, Presence, listening};
use p2p::state::reader::{Mark, Reader};
use p2p::state::seen::{Seen, SeenMessage};
use p2p::trust::Trust;
use tempfile::TempDir;

use crate::report::lasting;
use crate::support::{Home, Listener};

const RECORDS: u64 = 24;

fn place(home: &Path) -> Place {
    Place {
        path: home.to_owned(),
        allow_network: true,
        lock_wait: Duration::from_secs(5),
        caps: Caps::default(),
        trust: Trust::Tofu,
        configured: Vec::new(),
    }
}

fn dir(home: &Path) -> StateDir {
    StateDir::create(home, true).unwrap()
}

fn address(number: u64) -> String {
    format!("10.0.0.1:{number}")
}

/// Writes down that this peer has answered.
fn add_peer(peers: &mut PeersFile, number: u64) {
    let address: Address = address(number).parse().unwrap();
    let reached = Reached { address: address.clone(), name: None, wire: Wire::Plain, key: None };
    peers.update(|book| book.reach(&address, reached, SystemTime::now())).unwrap();
}

fn peers_of(home: &Path) -> BTreeSet<String> {
    let peers = PeersFile::open(place(home)).unwrap();
    peers.book().iter().map(|peer| peer.address.to_string()).collect()
}

fn key(number: u64) -> PublicKey {
    PublicKey::new([u8::try_from(number).unwrap(); 32])
}

fn id(number: u64) -> MessageId {
    format!("id{number}").parse().unwrap()
}

/// A line of the history, as long as that of a short message.
fn line(text: &u64, seq: u64) -> String {
    let (time, key) = (humantime::format_rfc3339_millis(SystemTime::now()), key(1));
    format!(
        "{{\"event\":\"message\",\"seq\":{seq},\"time\":\"{time}\",\"id\":\"id{text}\",\"from\":{{\"key\":\"{key}\"}},\"body\":\"text {text}\"}}\n"
    )
}

fn entries(home: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::open(dir(home), RECEIVED, 0);
    let mut found = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        found.push((entry.seq, entry.line));
    }
    found
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The finished lines of a file, each without its newline.
fn whole_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = bytes.split(|&b| b == b'\n').collect();
    lines.pop();
    lines
}

#[test]
fn a_state_file_cut_at_any_byte_keeps_what_comes_before_and_takes_what_comes_next() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let mut peers = PeersFile::open(place(home)).unwrap();
    (1..=6).for_each(|number| add_peer(&mut peers, number));
    let mut ledger = Ledger::open(dir(home), RECEIVED, 1 << 20).unwrap();
    ledger.append(&[1, 2, 3, 4], line).unwrap();
    let mut seen = Seen::open(|| Ok(dir(home))).unwrap();
    let now = SystemTime::now();
    seen.add(&[5, 6, 7].map(|number| SeenMessage {
        time: now,
        seq: 4,
        key: key(1),
        id: id(number),
    }))
    .unwrap();
    drop((peers, ledger, seen));
    let mut cuts = 0;

    let path = home.join("peers");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        write_private(&path, &whole[..cut]);
        let kept = whole_lines(&whole[..cut]).len() as u64;
        add_peer(&mut PeersFile::open(place(home)).unwrap(), 99);
        let found = peers_of(home);
        assert!(
            (1..=kept).chain([99]).all(|n| found.contains(&address(n))),
            "peers cut at {cut}: {found:?}"
        );
        cuts += 1;
    }

    let path = home.join("messages.ndjson");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        write_private(&path, &whole[..cut]);
        let kept: Vec<_> = whole_lines(&whole[..cut]).iter().map(|line| line.to_vec()).collect();
        assert!(entries(home).iter().map(|(_, line)| line).eq(&kept), "history cut at {cut}");
        let mut ledger = Ledger::open(dir(home), RECEIVED, 1 << 20).unwrap();
        ledger.append(&[99], line).unwrap();
        // what lacks only its newline is whole once the next writer has ended it
        let kept = kept.len() + usize::from(whole.get(cut) == Some(&b'\n'));
        let numbers: Vec<_> = entries(home).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=kept as u64 + 1).collect::<Vec<_>>(), "history cut at {cut}");
        cuts += 1;
    }
    write_private(&path, &whole);

    let path = home.join("messages.seen");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        write_private(&path, &whole[..cut]);
        let mut seen = Seen::open(|| Ok(dir(home))).unwrap();
        seen.add(&[SeenMessage { time: now, seq: 4, key: key(1), id: id(99) }]).unwrap();
        for seen in [seen, Seen::open(|| Ok(dir(home))).unwrap()] {
            assert!(seen.has(&key(1), &id(99), now), "seen ids cut at {cut}");
            let in_file = whole_lines(&whole[..cut]);
            let is_in_file =
                |n: &u64| in_file.iter().any(|line| line.ends_with(format!(" id{n}").as_bytes()));
            let forgotten: Vec<_> =
                (1..=7).filter(is_in_file).filter(|n| !seen.has(&key(1), &id(*n), now)).collect();
            assert!(forgotten.is_empty(), "seen ids cut at {cut}: {forgotten:?}");
            // without a whole line nothing says how far the history was read
            let found = (1..=4).all(|n| seen.has(&key(1), &id(n), now));
            assert!(found || !in_file.is_empty(), "not found in the history, cut at {cut}");
            assert!(!seen.has(&key(1), &"id".parse().unwrap(), now), "half an id, cut at {cut}");
        }
        cuts += 1;
    }

    let name: CursorName = "c".parse().unwrap();
    let cursor = || Cursor::lock(&dir(home), RECEIVED, &name, Duration::from_secs(1)).unwrap();
    let mut reader = Reader::open(dir(home), RECEIVED, 2);
    let mark = Mark::of(&reader.read().unwrap().unwrap());
    cursor().save(mark).unwrap();
    let path = home.join("messages.cursor-c");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        write_private(&path, &whole[..cut]);
        let found = cursor().mark().unwrap();
        assert!(
            [None, Some(Mark::default()), Some(mark)].contains(&found),
            "cursor cut at {cut}: {found:?}"
        );
        cursor().save(mark).unwrap();
        assert_eq!(cursor().mark().unwrap(), Some(mark));
        cuts += 1;
    }

    let mut presence = Presence::claim(&dir(home)).unwrap();
    let addr: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    let here = Listening { addr, advertise: None, name: "me".into(), key: Some(key(1)), pid: 7 };
    presence.announce(&here).unwrap();
    let path = home.join("listener");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let found = listening(&dir(home)).unwrap();
        assert!(
            found.is_none() || found.as_ref() == Some(&here),
            "listener cut at {cut}: {found:?}"
        );
        cuts += 1;
    }
    drop(presence);

    let secret = key_file::open_or_make(home, true).unwrap();
    let path = home.join("key");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        write_private(&path, &whole[..cut]);
        match key_file::open_or_make(home, true) {
            Ok(found) => assert_eq!(found, secret, "another key, cut at {cut}"),
            Err(failure) => {
                let said = failure.to_string();
                assert!(said.contains("it is not an Ed25519 key in PEM"), "{said}");
            }
        }
        assert_eq!(fs::read(&path).unwrap(), &whole[..cut], "the key file was changed");
        cuts += 1;
    }
    figures!("{cuts} cuts of seven files, each read and gone on from");
}

/// Damages some bytes as disks, editors and other programs do.
fn mutate(bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        bytes.push(b'x');
    }
    let at = fastrand::usize(..bytes.len());
    let length = fastrand::usize(1..400).min(bytes.len() - at);
    match fastrand::u8(..11) {
        0 => bytes[at] ^= 1 << fastrand::u8(..8),
        1 => bytes[at..at + length].fill(0),
        2 => bytes.insert(at, b'\n'),
        3 => drop(bytes.splice(at..at, *b"\n\n\0\n")),
        4 => drop(bytes.drain(at..at + length)),
        5 => {
            let block = bytes[at..at + length].to_vec();
            let to = fastrand::usize(..=bytes.len());
            bytes.splice(to..to, block);
        }
        6 => drop(bytes.splice(at..at, b"\xff\xfe\xc0\x80".repeat(length))),
        7 => drop(bytes.splice(at..at, (0..length).map(|_| fastrand::u8(..)))),
        8 => drop(bytes.splice(at..at, b"{\"".repeat(length))),
        9 => bytes.truncate(at),
        // now and then so much that it is the greater part by far
        _ if fastrand::u8(..16) == 0 => drop(bytes.splice(at..at, vec![fastrand::u8(..); 1 << 20])),
        _ => bytes[at..at + length].reverse(),
    }
}

/// The original lines that are still whole, each with its place among the original ones.
fn undamaged(original: &[u8], now: &[u8]) -> Vec<usize> {
    let lines: BTreeSet<_> = whole_lines(now).into_iter().collect();
    let is_whole = |(_, line): &(usize, &[u8])| lines.contains(line);
    whole_lines(original).into_iter().enumerate().filter(is_whole).map(|(at, _)| at).collect()
}

#[derive(serde::Deserialize)]
struct Numbered {
    seq: u64,
}

/// The numbers of a history that a reader sees: each higher than all before it.
fn rising(history: &[u8]) -> Vec<u64> {
    let mut rising = Vec::new();
    for line in whole_lines(history) {
        let Ok(Numbered { seq }) = serde_json::from_slice(line) else { continue };
        if seq <= 1 << 53 && seq > *rising.last().unwrap_or(&0) {
            rising.push(seq);
        }
    }
    rising
}

#[test]
fn random_damage_of_a_state_file_costs_only_the_records_that_it_hits() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let mut peers = PeersFile::open(place(home)).unwrap();
    (1..=RECORDS).for_each(|number| add_peer(&mut peers, number));
    let mut ledger = Ledger::open(dir(home), RECEIVED, 1 << 30).unwrap();
    ledger.append(&(1..=RECORDS).collect::<Vec<_>>(), line).unwrap();
    drop((peers, ledger));
    let (of_peers, of_history) = (home.join("peers"), home.join("messages.ndjson"));
    let (whole_peers, whole_history) =
        (fs::read(&of_peers).unwrap(), fs::read(&of_history).unwrap());
    let (start, time) = (Instant::now(), lasting(Duration::from_secs(8)));
    let (mut damaged, mut lost, mut hidden) = ([0; 3], [0; 3], [0; 2]);
    let now = SystemTime::now();
    while start.elapsed() < time {
        let damage = |whole: &[u8]| {
            let mut bytes = whole.to_vec();
            (0..fastrand::u8(1..4)).for_each(|_| mutate(&mut bytes));
            bytes
        };
        let bytes = damage(&whole_peers);
        write_private(&of_peers, &bytes);
        let kept = undamaged(&whole_peers, &bytes);
        let found = peers_of(home);
        assert!(
            kept.iter().all(|at| found.contains(&address(*at as u64 + 1))),
            "peers: {kept:?} of {found:?}"
        );
        for number in [98, 99] {
            add_peer(&mut PeersFile::open(place(home)).unwrap(), number);
        }
        let peers = PeersFile::open(place(home)).unwrap();
        assert_eq!(peers.bad_records(), 0, "the next change drops what is damaged");
        let found = peers_of(home);
        let all = kept.iter().map(|at| *at as u64 + 1).chain([98, 99]);
        assert!(
            all.into_iter().all(|n| found.contains(&address(n))),
            "peers: {kept:?} of {found:?}"
        );
        damaged[0] += 1;
        lost[0] += whole_lines(&whole_peers).len() - kept.len();

        let bytes = damage(&whole_history);
        write_private(&of_history, &bytes);
        let kept = undamaged(&whole_history, &bytes);
        let expected = rising(&bytes);
        let found: Vec<_> = entries(home).into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(found, expected, "history");
        let mut ledger = Ledger::open(dir(home), RECEIVED, 1 << 30).unwrap();
        let next = ledger.last() + 1;
        ledger.append(&[98, 99], line).unwrap();
        let mut more: Vec<_> = entries(home).into_iter().map(|(seq, _)| seq).collect();
        let newest = more.split_off(expected.len().min(more.len()));
        assert_eq!(more, expected, "history");
        // behind a number that is too high nothing is seen until it is reached
        let is_hidden = expected.last().is_some_and(|last| *last >= next);
        // a record that lacked only its newline is whole once the next writer has ended it
        let is_next = newest.ends_with(&[next, next + 1]) && newest.len() <= 3;
        assert!(is_hidden || is_next, "{newest:?} after {expected:?}");
        hidden[0] += kept.iter().filter(|at| !expected.contains(&(**at as u64 + 1))).count();
        hidden[1] += usize::from(is_hidden);
        damaged[1] += 1;
        lost[1] += whole_lines(&whole_history).len() - kept.len();
        write_private(&of_history, &whole_history);

        let of_seen = home.join("messages.seen");
        let _ = fs::remove_file(&of_seen);
        let mut seen = Seen::open(|| Ok(dir(home))).unwrap();
        let ids: Vec<_> = (100..130)
            .map(|n| SeenMessage { time: now, seq: RECORDS, key: key(1), id: id(n) })
            .collect();
        seen.add(&ids).unwrap();
        drop(seen);
        let whole = fs::read(&of_seen).unwrap();
        let bytes = damage(&whole);
        write_private(&of_seen, &bytes);
        let seen = Seen::open(|| Ok(dir(home))).unwrap();
        let whole_ids = whole_lines(&bytes);
        let is_kept = |n: &u64| {
            whole_ids.iter().any(|line| {
                whole_lines(&whole).contains(line) && line.ends_with(format!(" id{n}").as_bytes())
            })
        };
        let kept: Vec<_> = (100..130).filter(is_kept).collect();
        for seen in [seen, Seen::open(|| Ok(dir(home))).unwrap()] {
            let forgotten: Vec<_> =
                kept.iter().filter(|n| !seen.has(&key(1), &id(**n), now)).collect();
            assert!(forgotten.is_empty(), "ids that were not damaged are forgotten: {forgotten:?}");
        }
        damaged[2] += 1;
        lost[2] += 30 - kept.len();
    }
    figures!(
        "peers file, history, seen ids: {damaged:?} times damaged, {lost:?} records hit, none lost besides; {} records of the history stood behind a higher number, and {} times new ones did",
        hidden[0],
        hidden[1]
    );
}

/// What is put in the place of a state file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Impostor {
    Link,
    LinkToNothing,
    HardLink,
    Pipe,
    Socket,
    Directory,
    OpenToOthers,
    OfSomebodyElse,
    ReadOnly,
}

const IMPOSTORS: [Impostor; 9] = [
    Impostor::Link,
    Impostor::LinkToNothing,
    Impostor::HardLink,
    Impostor::Pipe,
    Impostor::Socket,
    Impostor::Directory,
    Impostor::OpenToOthers,
    Impostor::OfSomebodyElse,
    Impostor::ReadOnly,
];

const FILES: [&str; 14] = [
    "peers",
    "peers.lock",
    "peers.tmp",
    "messages.ndjson",
    "messages.1.ndjson",
    "messages.seen",
    "messages.seen.tmp",
    "messages.cursor-default",
    "sent.ndjson",
    "sent.1.ndjson",
    "sent.lock",
    "listener",
    "key",
    "key.tmp",
];

/// Any other user.
const SOMEBODY: u32 = 65_534;

impl Impostor {
    /// Puts it there; what it leads to is outside of the home.
    fn take_place(self, path: &Path, outside: &Path) {
        let text = fs::read(path).unwrap_or_default();
        let target = outside.join("target");
        write_private(&target, &text);
        let _ = fs::remove_file(path);
        match self {
            Self::Link => symlink(&target, path).unwrap(),
            Self::LinkToNothing => symlink(outside.join("nothing"), path).unwrap(),
            Self::HardLink => fs::hard_link(&target, path).unwrap(),
            Self::Pipe => {
                let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap();
                assert!(made.success());
            }
            Self::Socket => drop(UnixListener::bind(path).unwrap()),
            Self::Directory => fs::create_dir(path).unwrap(),
            Self::OpenToOthers | Self::OfSomebodyElse | Self::ReadOnly => {
                write_private(path, &text);
                let mode = match self {
                    Self::OpenToOthers => 0o644,
                    Self::ReadOnly => 0o400,
                    _ => 0o600,
                };
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
                if self == Self::OfSomebodyElse {
                    chown(path, Some(SOMEBODY), None).unwrap();
                }
            }
        }
    }

    /// Whether p2p may use it all the same.
    fn may_be_used(self) -> bool {
        self == Self::ReadOnly
    }
}

/// What is there, without following it: which file, of what kind and whose, and what it holds.
fn seen_from_outside(path: &Path) -> (u64, u32, u32, Vec<u8>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let text = if meta.is_file() { fs::read(path).unwrap() } else { Vec::new() };
    (meta.ino(), meta.mode(), meta.uid(), text)
}

#[test]
fn whatever_is_in_the_place_of_a_state_file_is_left_as_it_is() {
    let sink = Home::new("sink");
    let at_sink = Listener::start(&sink);
    let target = at_sink.target();
    let start = crate::syscalls::full_home(&target);
    for name in ["messages.1.ndjson", "sent.1.ndjson"] {
        write_private(&start.file(name), b"");
    }
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skipped!("only root can give a file to somebody else");
    }
    let impostors = IMPOSTORS.into_iter().filter(|i| is_root || *i != Impostor::OfSomebodyElse);
    let cases: Vec<_> = impostors.flat_map(|i| FILES.map(|name| (i, name))).collect();
    let calls = [
        &["peers"][..],
        &["peers", "add", "new", "10.0.0.9:9"],
        &["log"],
        &["log", "--new"],
        &["log", "--sent"],
        &["id"],
        &["send", &target, "text"],
        &["listen", "-p", "0", "-b", "127.0.0.1", "-t", "50ms"],
    ];
    let tally = std::sync::Mutex::new((0, std::collections::BTreeMap::<i32, usize>::new()));
    let done =
        crate::syscalls::each(&cases, lasting(Duration::from_secs(25)), |(impostor, name)| {
            let home = crate::syscalls::copy_of(&start);
            let outside = TempDir::new().unwrap();
            // a new file is made under this name only if there is something to be made
            match *name {
                "key.tmp" => fs::remove_file(home.file("key")).unwrap(),
                "peers.tmp" => {
                    let peers = fs::read_to_string(home.file("peers")).unwrap();
                    write_private(&home.file("peers"), format!("damage\n{peers}").as_bytes());
                }
                _ => {}
            }
            let path = home.file(name);
            impostor.take_place(&path, outside.path());
            let before =
                (seen_from_outside(&path), seen_from_outside(&outside.path().join("target")));
            let mut refused = 0;
            for call in calls {
                let said = home.run(call);
                let what = format!("{impostor:?} as {name}{}", said.report());
                let exit = said.status.code().unwrap_or_else(|| panic!("killed: {what}"));
                assert!([0, 1, 8].contains(&exit), "{what}");
                refused += usize::from(exit == 8 || said.stderr.contains(path.to_str().unwrap()));
                *tally.lock().unwrap().1.entry(exit).or_default() += 1;
                assert!(!outside.path().join("nothing").exists(), "made through a link: {what}");
                let now = seen_from_outside(&outside.path().join("target"));
                assert_eq!(now, before.1, "changed outside of the home: {what}");
                if !impostor.may_be_used() {
                    assert_eq!(seen_from_outside(&path), before.0, "changed: {what}");
                }
            }
            // the fold is the one thing that can be left for later
            let is_fold = ["peers.tmp", "messages.seen.tmp"].contains(name);
            assert!(
                refused > 0 || is_fold || impostor.may_be_used(),
                "{impostor:?} as {name} is used by all"
            );
            tally.lock().unwrap().0 += usize::from(refused > 0);
        });
    let (refused, exits) = tally.into_inner().unwrap();
    figures!(
        "{done} of {} impostors, each met by {} commands: {refused} refused; exits {exits:?}",
        cases.len(),
        calls.len()
    );
}

#[test]
fn a_home_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        skipped!("only root can give a directory to somebody else");
        return;
    }
    let home = Home::new("me");
    home.run(["peers", "add", "kept", "10.0.0.1:1"]).succeeds();
    chown(home.path(), Some(SOMEBODY), None).unwrap();
    let before = fs::read(home.file("peers")).unwrap();
    for call in [&["peers"][..], &["peers", "add", "b", "10.0.0.2:2"], &["log"], &["id"]] {
        home.run(call).fails(8, "it belongs to another user");
    }
    assert_eq!(fs::read(home.file("peers")).unwrap(), before);
    assert!(!home.file("key").exists());
}
