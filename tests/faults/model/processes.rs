//! The same rules with real processes: commands, a listener and those who talk to it, killed at random moments.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use p2p::address::Address;
use socket2::{Domain, Socket, Type};

use super::file::{self, millis};
use super::rules::{Entry, Heard, Room, Rules};
use super::{SEED, seed};
use crate::report::lasting;
use crate::support::{Home, Listener, PATIENCE, outcome, refusal, wait_for_end};

/// More than there will be: who makes room is tried without processes.
const ROOM: Room = Room { peers: 10_000, claims: 256 };

/// Most commands are done after so many microseconds.
const TIME_OF_COMMAND: u64 = 9_000;

const NAMES: [&str; 5] = ["anna", "ben", "carla", "dan", "emma"];
const TAGS: [&str; 2] = ["lab", "web"];

#[derive(Default)]
struct Count {
    steps: usize,
    commands: usize,
    killed: usize,
    said: usize,
    kills_of_listener: usize,
    sent: usize,
}

struct World {
    home: Home,
    bob: Home,
    at_bob: Listener,
    listener: Option<Listener>,
    rules: Rules,
    random: Rng,
    /// How many machines have made a claim; each may make few.
    sources: u32,
    /// What was acknowledged, in the history of this home and of bob's.
    stored: BTreeSet<String>,
    delivered: BTreeSet<String>,
    key: Option<String>,
    count: Count,
}

impl World {
    fn new(seed: u64) -> Self {
        let bob = Home::new("bob");
        let at_bob = Listener::start(&bob);
        Self {
            home: Home::new("me"),
            bob,
            at_bob,
            listener: None,
            rules: Rules::new(ROOM),
            random: Rng::with_seed(seed),
            sources: 0,
            stored: BTreeSet::new(),
            delivered: BTreeSet::new(),
            key: None,
            count: Count::default(),
        }
    }

    fn step(&mut self) {
        self.count.steps += 1;
        self.rules.trace.clear();
        match self.random.u32(..100) {
            0..40 => self.change(),
            40..75 => self.say(),
            75..83 => self.send(),
            83..88 => self.id(),
            88..91 => self.second_listener(),
            91..94 => self.listener = None,
            _ => drop(self.listener()),
        }
        self.check();
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.usize(..of.len())]
    }

    /// Addresses of this machine, from where anybody can talk here, and claims.
    fn address(&mut self) -> Address {
        let (host, port) = (self.random.u8(1..7), 7000 + self.random.u16(..2));
        let here = self.random.bool();
        let ip = if here { IpAddr::from([127, 0, 1, host]) } else { [10, 0, 0, host].into() };
        Address::new(ip, port)
    }

    fn key(&mut self) -> String {
        let number = self.random.u8(1..4);
        p2p::key::PublicKey::new([number; 32]).to_string()
    }

    /// A person changes the list.
    fn change(&mut self) {
        let (address, name) = (self.address(), self.pick(&NAMES));
        let (tag, untag) = (self.pick(&TAGS), self.pick(&TAGS));
        let (shown, key, tags) = (address.to_string(), self.key(), self.random.bool());
        let is_known = self.rules.peers.contains_key(&address);
        let mut after = self.rules.clone();
        let (words, status): (Vec<&str>, i32) = match self.random.u32(..10) {
            0..4 => {
                let fits = after.add(&address, name, tags.then_some(tag), None);
                let mut words = vec!["add", name, &shown];
                words.extend(tags.then_some(["--tag", tag]).iter().flatten());
                (words, if fits { 0 } else { 2 })
            }
            4..7 if is_known && tag != untag => {
                let named = tags.then_some(name);
                let fits = after.set(&address, named, Some(tag), Some(untag));
                let mut words = vec!["set", &shown, "--tag", tag, "--untag", untag];
                words.extend(named.map(|name| ["--name", name]).iter().flatten());
                (words, if fits { 0 } else { 2 })
            }
            7 => {
                after.trust(&address, &key);
                (vec!["trust", &shown, "--key", &key], 0)
            }
            8 => {
                after.prune(3_600_000, now());
                (vec!["prune", "--older", "1h"], 0)
            }
            _ if is_known => {
                after.remove(&address);
                (vec!["rm", &shown], 0)
            }
            _ => return,
        };
        let mut command = self.home.command();
        command.arg("peers").args(words);
        if self.random.u32(..3) > 0 {
            self.count.commands += 1;
            let said = outcome(&mut command, None);
            assert_eq!(said.status.code(), Some(status), "{}", said.report());
            self.rules = after;
        } else {
            self.kill(command);
            self.may_be(&after);
        }
    }

    /// Starts a command and kills it after a moment.
    fn kill(&mut self, mut command: std::process::Command) {
        self.count.killed += 1;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(self.random.u64(..TIME_OF_COMMAND)));
        // it may be done
        let _ = child.kill();
        wait_for_end(&mut child);
    }

    /// Something may have been done or not: takes what the file says, if it is one of both for each peer.
    fn may_be(&mut self, after: &Rules) {
        let found = self.file();
        let all = self.rules.peers.keys().chain(after.peers.keys()).chain(found.keys());
        for address in all.collect::<BTreeSet<_>>() {
            let entry = found.get(address);
            let [old, new] = [&self.rules, after].map(|r| r.peers.get(address).map(timeless));
            assert!(entry == old.as_ref() || entry == new.as_ref(), "{address} is {entry:?}");
        }
        let keep = |address: &Address| {
            let is_new = found.get(address) == after.peers.get(address).map(timeless).as_ref();
            let rules = if is_new { after } else { &self.rules };
            Some((address.clone(), rules.peers.get(address)?.clone()))
        };
        self.rules.peers = found.keys().filter_map(keep).collect();
    }

    fn file(&self) -> BTreeMap<Address, Entry> {
        let content = file::read(&std::fs::read(self.home.file("peers")).unwrap_or_default());
        assert_eq!(content.bad, 0, "damaged lines in the peers file");
        content.peers.iter().map(|(address, e)| (address.clone(), timeless(e))).collect()
    }

    fn listener(&mut self) -> SocketAddr {
        let home = &self.home;
        self.listener.get_or_insert_with(|| Listener::start(home)).address()
    }

    /// Somebody talks to the listener, which may be killed meanwhile.
    fn say(&mut self) {
        let to = self.listener();
        let (address, name) = (self.address(), self.pick(&NAMES));
        let what = self.pick(&["connect", "exit", "text", "text", "text"]);
        let text = format!("text{}", self.count.steps);
        let observed = self.rules.peers.get(&address).and_then(|entry| entry.observed);
        let from = match (address.ip(), observed) {
            // the listener takes a loopback address in a header for that of the connection
            (Some(ip), _) if ip.is_loopback() => ip,
            (_, Some(before)) if self.random.bool() => before,
            _ => {
                self.sources += 1;
                let [_, _, high, low] = self.sources.to_be_bytes();
                [127, 2, high, low].into()
            }
        };
        let words = if what == "text" { text.clone() } else { what.to_owned() };
        let exit = what == "exit";
        let (named, time) = (name.to_owned(), now());
        let heard = Heard { address: address.clone(), name: named, from, key: None, exit, time };
        let mut after = self.rules.clone();
        // nobody is entered for going
        if !exit || after.peers.contains_key(&address) {
            after.hear(&heard);
        }
        let message = format!("{address} {name} {words}");
        self.count.said += 1;
        if self.random.u32(..4) > 0 {
            let reply = ask(from, to, message.as_bytes());
            assert!(reply.starts_with(b"P2P/1 OK "), "{message}: {}", refusal(&reply));
            self.rules = after;
        } else {
            self.count.kills_of_listener += 1;
            let asked = thread::spawn(move || ask(from, to, message.as_bytes()));
            thread::sleep(Duration::from_micros(self.random.u64(..2_000)));
            // that kills it
            self.listener = None;
            if asked.join().unwrap().starts_with(b"P2P/1 OK ") {
                self.rules = after;
            } else {
                return self.may_be(&after);
            }
        }
        if what == "text" {
            self.stored.insert(text);
        }
    }

    /// We send to bob.
    fn send(&mut self) {
        let target = self.at_bob.target();
        let (address, text): (Address, _) =
            (target.parse().unwrap(), format!("sent{}", self.count.steps));
        let key = self.bob.json(&["id"])[0]["key"].as_str().unwrap().to_owned();
        let mut after = self.rules.clone();
        after.reach(&address, Some("bob"), true, Some(&key), now());
        let mut command = self.home.command();
        command.args(["send", &target, &text]);
        if self.random.u32(..3) > 0 {
            self.count.sent += 1;
            outcome(&mut command, None).succeeds();
            self.rules = after;
            self.delivered.insert(text);
        } else {
            self.kill(command);
            self.may_be(&after);
        }
    }

    /// Our key, once it was told, stays.
    fn id(&mut self) {
        let mut command = self.home.command();
        command.args(["id", "--json"]);
        if self.random.u32(..3) == 0 {
            return self.kill(command);
        }
        let said = outcome(&mut command, None);
        let told: serde_json::Value = serde_json::from_str(&said.succeeds().stdout).unwrap();
        let key = told["key"].as_str().unwrap().to_owned();
        assert_eq!(*self.key.get_or_insert_with(|| key.clone()), key);
    }

    /// There is never more than one listener of a home.
    fn second_listener(&mut self) {
        if self.listener.is_some() {
            let said = self.home.run(["listen", "-p", "0", "-b", "127.0.0.1"]);
            said.fails(8, "cannot listen: process ");
        }
    }

    fn check(&self) {
        let (found, expected) = (self.file(), &self.rules.peers);
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(address, e)| (address.clone(), timeless(e))).collect();
        let all: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
        for address in all {
            assert_eq!(found.get(address), expected.get(address), "{address}");
        }
    }

    /// What was acknowledged is in the histories, each once, and what is listed is what is in the file.
    fn check_all(&mut self) {
        let listed: BTreeSet<String> = self.home.peer_addresses().into_iter().collect();
        let expected = self.rules.peers.keys().map(ToString::to_string).collect();
        assert_eq!(listed, expected);
        for (home, arguments, acknowledged) in [
            (&self.home, ["log", "--json"].as_slice(), &self.stored),
            (&self.bob, &["log", "--json"], &self.delivered),
            (&self.home, &["log", "--sent", "--json"], &self.delivered),
        ] {
            let said = home.run(arguments);
            said.succeeds();
            let objects = said.stdout.lines().map(|l| serde_json::from_str(l).unwrap());
            let objects: Vec<serde_json::Value> = objects.collect();
            let bodies = objects.iter().map(|object| object["body"].as_str().unwrap_or_default());
            let mut times: BTreeMap<&str, usize> = BTreeMap::new();
            bodies.for_each(|body| *times.entry(body).or_default() += 1);
            for text in acknowledged {
                assert_eq!(times.get(text.as_str()), Some(&1), "{text} in {arguments:?}");
            }
            assert!(times.values().all(|times| *times == 1), "something is there twice: {times:?}");
        }
        let left_over = self.home.file("peers.tmp");
        assert!(!left_over.exists(), "{} is left over", left_over.display());
    }
}

/// An entry but for its times, which are those of the processes.
fn timeless(entry: &Entry) -> Entry {
    Entry { first: None, last: None, ..entry.clone() }
}

fn now() -> u64 {
    millis(SystemTime::now())
}

/// Says something from this address to a listener that may be gone; gives its whole answer.
fn ask(from: IpAddr, to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    let mut reply = Vec::new();
    if socket.connect(&to.into()).is_err() {
        return reply;
    }
    let mut stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    if stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write)).is_ok() {
        // a reset is an end, too
        let _ = stream.read_to_end(&mut reply);
    }
    reply
}

#[test]
fn processes_that_are_killed_at_random_leave_what_the_rules_say() {
    let (seed, start) = (seed(), Instant::now());
    let time = lasting(Duration::from_secs(15));
    // a failure has it in front of it
    figures!("begins with {SEED}={seed}");
    let mut world = World::new(seed);
    while start.elapsed() < time {
        world.step();
    }
    world.listener = None;
    world.check_all();
    let World { rules, stored, delivered, count, .. } = world;
    assert!(count.steps > 50, "only {} steps", count.steps);
    let Count { steps, commands, killed, said, kills_of_listener, sent } = count;
    figures!(
        "{steps} steps: {commands} commands done and {killed} killed, {said} times talked to the listener, which was \
         killed {kills_of_listener} times meanwhile, {sent} sent; {} messages stored and {} delivered once, {} peers; \
         0 acknowledged missing (seed {seed})",
        stored.len(),
        delivered.len(),
        rules.peers.len()
    );
}
