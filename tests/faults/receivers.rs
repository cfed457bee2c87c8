//! Receivers of every bad sort, and texts of every size: exit 0 only if every byte was read, `acked` only if that was said.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use p2p::codec::verdict::{Sum, Verdict};
use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::raw::credentials;
use crate::support::{Home, Listener, PATIENCE, outcome};

/// The sizes of the texts.
const SIZES: [usize; 7] = [0, 1, 900, 1000, 1400, 64 * 1024, 1024 * 1024];

/// The time limit of each call.
const LIMIT: &str = "1500ms";

/// Longer than the time limit.
const LONG: Duration = Duration::from_secs(3);

/// A connection of a plain receiver, and all that it has read from it.
struct Caller {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Caller {
    /// Reads once; false at the end.
    fn read_once(&mut self, most: usize) -> bool {
        let mut part = vec![0; most];
        let count = self.stream.read(&mut part).unwrap_or(0);
        self.read.extend(&part[..count]);
        count > 0
    }

    fn read_all(&mut self) {
        while self.read_once(65536) {}
    }

    fn say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// What a p2p would acknowledge by now.
    fn verdict(&self) -> String {
        let sum = Sum::of(&self.read);
        Verdict::Ok { sum, name: None, port: None, key: None }.encode()
    }

    fn reset(&self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

type Behaviour = fn(&mut Caller);

/// What a receiver does, and whether it may be believed to have a text.
const PLAIN: &[(&str, Behaviour)] = &[
    ("reads all, closes", Caller::read_all),
    ("reads once, closes", |c| {
        c.read_once(1024);
    }),
    ("reads all, acknowledges", |c| {
        c.read_all();
        let verdict = c.verdict();
        c.say(verdict.as_bytes());
    }),
    ("reads all, acknowledges, resets", |c| {
        c.read_all();
        let verdict = c.verdict();
        c.say(verdict.as_bytes());
        c.reset();
    }),
    ("reads all, acknowledges one byte less", |c| {
        c.read_all();
        let short = Sum::of(&c.read[..c.read.len().saturating_sub(1)]);
        let verdict = Verdict::Ok { sum: short, name: None, port: None, key: None };
        c.say(verdict.encode().as_bytes());
    }),
    ("reads all, acknowledges another checksum", |c| {
        c.read_all();
        let verdict = format!("P2P/1 OK {} 00000000\n", c.read.len());
        c.say(verdict.as_bytes());
    }),
    ("acknowledges unread, keeps it", |c| {
        c.say(b"P2P/1 OK 1000 12345678\n");
        std::thread::sleep(LONG);
    }),
    ("trickles its acknowledgement", |c| {
        c.read_all();
        for byte in c.verdict().bytes() {
            if !c.say(&[byte]) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }),
    ("trickles without end", |c| {
        while c.say(b"P") {
            std::thread::sleep(Duration::from_millis(20));
        }
    }),
    ("reads all, trickles without end", |c| {
        c.read_all();
        while c.say(b"P") {
            std::thread::sleep(Duration::from_millis(20));
        }
    }),
    ("answers without end", |c| while c.say(&[b'x'; 65536]) {}),
    ("reads all, answers rubbish", |c| {
        c.read_all();
        c.say(&[0, 0xff, 0x1b, b'[', b'P', b'2', b'P', b'\n'].repeat(100));
    }),
    ("reads all, answers half an acknowledgement", |c| {
        c.read_all();
        let verdict = c.verdict();
        c.say(&verdict.as_bytes()[..verdict.len() / 2]);
    }),
    ("reads all, resets", |c| {
        c.read_all();
        c.reset();
    }),
    ("reads once, resets", |c| {
        c.read_once(100);
        c.reset();
    }),
    ("reads 10 bytes, closes", |c| {
        c.read_once(10);
    }),
    ("closes unread", |_| {}),
    ("closes unread, late", |_| std::thread::sleep(Duration::from_millis(100))),
    ("never reads, keeps it", |_| std::thread::sleep(LONG)),
    ("reads all, keeps it", |c| {
        c.read_all();
        std::thread::sleep(LONG);
    }),
    ("reads slowly, closes", |c| {
        while c.read_once(100) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }),
    ("reads all but the end", |c| while c.read.len() < 100 && c.read_once(50) {}),
    ("refuses", |c| {
        c.read_all();
        c.say(b"P2P/1 NO busy\n");
    }),
];

/// A plain receiver; each connection is noted when it is over.
struct Receiver {
    target: String,
    over: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Receiver {
    /// `greets` is for one that acknowledges greetings as a p2p does that takes no sessions: it gets long texts whole.
    fn start(behaviour: Behaviour, greets: bool) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = socket.local_addr().unwrap().to_string();
        let (begun, over) = (AtomicUsize::new(0), Arc::new(Mutex::new(Vec::new())));
        let receiver = Self { target, over: Arc::clone(&over) };
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let is_first = begun.fetch_add(1, Ordering::SeqCst) == 0;
                let over = Arc::clone(&over);
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(LONG)).unwrap();
                    stream.set_write_timeout(Some(LONG)).unwrap();
                    let mut caller = Caller { stream, read: Vec::new() };
                    if greets && is_first {
                        caller.read_all();
                        let verdict = caller.verdict();
                        caller.say(verdict.as_bytes());
                    } else {
                        behaviour(&mut caller);
                    }
                    let Caller { stream, read } = caller;
                    // noted before it is closed, and so before anybody can know
                    over.lock().unwrap().push(read);
                    drop(stream);
                });
            }
        });
        receiver
    }

    /// Whether it has read all of a text, in whatever parts.
    fn has(&self, text: &str) -> bool {
        let over = self.over.lock().unwrap();
        let mut parts: Vec<&[u8]> = over
            .iter()
            .filter_map(|read| read.splitn(3, |byte| *byte == b' ').nth(2))
            .filter(|part| *part != b"connect")
            .collect();
        // parts follow one another, whichever of their connections was noted first
        parts.sort_by_key(|part| {
            text.as_bytes().windows(part.len().max(1)).position(|w| w == *part)
        });
        parts.concat() == text.as_bytes()
    }
}

/// A text in which no two places look the same.
fn text_of(size: usize) -> String {
    let mut text = String::with_capacity(size + 16);
    let mut number = 0;
    while text.len() < size {
        text += &format!("{number:07}.");
        number += 1;
    }
    text.truncate(size);
    text
}

/// Does each piece of work, several at a time.
fn side_by_side<T: Send>(work: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
    let work = Mutex::new(work.into_iter());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..12)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let next = work.lock().unwrap().next();
                        match next {
                            Some(next) => done.push(next()),
                            None => return done,
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// Sends a text from a file; gives the exit status, the status in words, and how long it took.
fn send(home: &Home, target: &str, text: &str, more: &[&str]) -> (i32, String, String) {
    let file = home.path().with_extension("text");
    std::fs::write(&file, text).unwrap();
    let mut command = home.command();
    command.args(["--json", "send", "--allow-empty", "-t", LIMIT, "-f"]).arg(file);
    command.args(more).arg(target);
    let start = Instant::now();
    let said = outcome(&mut command, None);
    let took = start.elapsed();
    assert!(took < LONG * 3, "{took:?}{}", said.report());
    let first = said.stdout.lines().next().unwrap_or("{}");
    let object: serde_json::Value = serde_json::from_str(first).unwrap();
    let status = object["status"].as_str().unwrap_or("not sent").to_owned();
    (said.status.code().unwrap_or(-1), status, said.report())
}

/// A table of outcomes, a line for each receiver.
fn tell(outcomes: &BTreeMap<(String, usize), (i32, String)>) {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((receiver, size), (exit, status)) in outcomes {
        lines.entry(receiver).or_default().push(format!("{size}: {status} {exit}"));
    }
    for (receiver, outcomes) in &lines {
        detail!("{receiver}: {}", outcomes.join(", "));
    }
}

#[test]
fn no_plain_receiver_is_believed_to_have_what_it_has_not_read() {
    let mut work = Vec::new();
    for &(what, behaviour) in PLAIN {
        for greets in [false, true] {
            for size in SIZES {
                // part by part this takes longer than the time that a test has
                let is_endless = size > 64 * 1024 && what.contains("slowly");
                if is_endless {
                    continue;
                }
                work.push(move || {
                    let receiver = Receiver::start(behaviour, greets);
                    let home = Home::new("alice");
                    std::fs::create_dir_all(home.path()).unwrap();
                    let text = text_of(size);
                    if greets {
                        home.run(["ping", "--secure", "off", &receiver.target]).succeeds();
                    }
                    let (exit, status, report) =
                        send(&home, &receiver.target, &text, &["--secure", "off"]);
                    let what = format!("{what}{}", if greets { ", as a p2p" } else { "" });
                    match status.as_str() {
                        "read" | "acked" => {
                            assert_eq!(exit, 0, "{what}, {size}{report}");
                            assert!(receiver.has(&text), "false {status}: {what}, {size}{report}");
                            let says_so = what.contains("acknowledge") && !what.contains("another");
                            assert!(status == "read" || says_so, "{what}, {size}{report}");
                        }
                        // an empty text is nothing for the plain wire
                        _ if size == 0 => assert_eq!(exit, 7, "{what}{report}"),
                        _ => assert!([4, 5, 6].contains(&exit), "{what}, {size}{report}"),
                    }
                    ((what, size), (exit, status))
                });
            }
        }
    }
    let outcomes: BTreeMap<_, _> = side_by_side(work).into_iter().collect();
    tell(&outcomes);
    let count = |wanted: &str| outcomes.values().filter(|(_, status)| status == wanted).count();
    let (read, acked) = (count("read"), count("acked"));
    figures!("{} sends: {read} read, {acked} acked, 0 of them false", outcomes.len());
    assert!(read > 10 && acked > 10, "{read} read, {acked} acked");
}

type Answers = fn(&serde_json::Value, &mut StreamOwned<ServerConnection, TcpStream>) -> bool;

/// What listeners say in a session once they have read a message; false ends it in order.
const IN_SESSIONS: &[(&str, Answers)] = &[
    ("acknowledges", |m, s| say(s, &format!("{{\"type\":\"ok\",\"id\":{}}}\n", m["id"]))),
    ("acknowledges another id", |_, s| say(s, "{\"type\":\"ok\",\"id\":\"other\"}\n")),
    ("acknowledges nothing", |_, s| say(s, "{\"type\":\"ok\"}\n")),
    ("says pong to another", |_, s| say(s, "{\"type\":\"pong\",\"id\":\"other\"}\n")),
    ("greets again", |_, s| say(s, "{\"type\":\"hello\",\"name\":\"again\"}\n")),
    ("says rubbish", |_, s| say(s, "P2P/1 OK 3 00000000\n")),
    ("says half of it", |m, s| {
        say(s, &format!("{{\"type\":\"ok\",\"id\":{}", m["id"]));
        false
    }),
    ("closes", |_, _| false),
    ("resets", |_, s| {
        SockRef::from(&s.sock).set_linger(Some(Duration::ZERO)).unwrap();
        false
    }),
    ("ends its side in the clear", |_, s| {
        s.sock.shutdown(Shutdown::Both).unwrap();
        false
    }),
    ("says nothing", |_, _| true),
    ("says unknown things without end", |_, s| {
        while say(s, &"{\"type\":\"song\"}\n".repeat(1000)) {}
        false
    }),
    ("trickles without end", |_, s| {
        while say(s, " ") {
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }),
    ("refuses", |m, s| {
        say(s, &format!("{{\"type\":\"no\",\"id\":{},\"code\":\"busy\"}}\n", m["id"]))
    }),
];

fn say(stream: &mut StreamOwned<ServerConnection, TcpStream>, text: &str) -> bool {
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok()
}

/// A listener that takes one session after the other and treats messages like this.
fn session_receiver(answers: Answers) -> (String, String) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let (target, credentials) = (socket.local_addr().unwrap().to_string(), credentials(7));
    let key = credentials.public().to_string();
    std::thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            stream.set_read_timeout(Some(LONG)).unwrap();
            stream.set_write_timeout(Some(LONG)).unwrap();
            let session = ServerConnection::new(credentials.server().unwrap()).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(session, stream));
            loop {
                let mut line = String::new();
                if !stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                    break;
                }
                let frame: serde_json::Value = serde_json::from_str(&line).unwrap();
                if frame["type"] == "hello" {
                    if !say(stream.get_mut(), "{\"type\":\"hello\",\"name\":\"odd\"}\n") {
                        break;
                    }
                    continue;
                }
                let mut body = vec![0; frame["size"].as_u64().unwrap_or(0) as usize];
                if stream.read_exact(&mut body).is_err() || !answers(&frame, stream.get_mut()) {
                    break;
                }
            }
        }
    });
    (target, key)
}

#[test]
fn in_a_session_only_an_acknowledgement_is_one() {
    let mut work = Vec::new();
    for &(what, answers) in IN_SESSIONS {
        for size in SIZES {
            work.push(move || {
                let (target, key) = session_receiver(answers);
                let home = Home::new("alice");
                home.run(["peers", "add", "odd", &target, "--key", &key]).succeeds();
                let (exit, status, report) = send(&home, "odd", &text_of(size), &[]);
                let expected = match what {
                    "acknowledges" => (0, "acked"),
                    "refuses" => (6, "failed"),
                    _ => (5, "unconfirmed"),
                };
                assert_eq!((exit, status.as_str()), expected, "{what}, {size}{report}");
                ((what.to_owned(), size), (exit, status))
            });
        }
    }
    let outcomes: BTreeMap<_, _> = side_by_side(work).into_iter().collect();
    tell(&outcomes);
    figures!("{} sends in sessions: 0 false acked", outcomes.len());
}

#[test]
fn what_was_not_sent_to_a_stopped_listener_never_arrives() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let target = at_bob.target();
    let alice = Home::new("alice");
    alice.run(["ping", &target]).succeeds();
    at_bob.signal("STOP");
    let work: Vec<_> = SIZES[1..]
        .iter()
        .flat_map(|&size| [(size, "known"), (size, "first"), (size, "plain")])
        .map(|(size, way)| {
            let (alice, target) = (&alice, target.clone());
            move || {
                let stranger = Home::new("stranger");
                std::fs::create_dir_all(stranger.path()).unwrap();
                let mut text = format!("{way}{size}-{}", text_of(size));
                text.truncate(size.max(16));
                let (home, more) = match way {
                    "known" => (alice, &[][..]),
                    "first" => (&stranger, &[][..]),
                    _ => (&stranger, &["--secure", "off"][..]),
                };
                // each in a file of its own
                let file = stranger.path().with_extension("text");
                std::fs::write(&file, &text).unwrap();
                let mut command = home.command();
                command.args(["send", "-t", LIMIT, "-f"]).arg(file).args(more).arg(&target);
                let exit = outcome(&mut command, None).status.code().unwrap();
                assert!([4, 5].contains(&exit), "{way}, {size}: {exit}");
                (way, size, text, exit)
            }
        })
        .collect();
    let done = side_by_side(work);
    at_bob.signal("CONT");
    // behind all that was in its queue
    alice.run(["send", "--retry-for", "10s", &target, "last"]).succeeds();
    let start = Instant::now();
    while !bob.json(&["log"]).iter().any(|message| message["body"] == "last") {
        assert!(start.elapsed() < PATIENCE);
    }
    at_bob.stop();
    let log = bob.json(&["log"]);
    let mut late = 0;
    for (way, size, text, exit) in &done {
        let there = log.iter().filter(|message| message["body"] == text.as_str()).count();
        assert!(there <= 1, "{way}, {size}: {there} times");
        assert!(*exit == 5 || there == 0, "not sent, and it is there: {way}, {size}");
        late += there;
    }
    let doubtful = done.iter().filter(|(.., exit)| *exit == 5).count();
    figures!(
        "{} sends to a stopped listener: {} not sent, {doubtful} in doubt, of which {late} came when it went on",
        done.len(),
        done.len() - doubtful
    );
}
