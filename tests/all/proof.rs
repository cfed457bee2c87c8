//! What counts as proof: receivers of every sort, and never a false `read` or `acked`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use crate::support::Home;

/// What a receiver does with each connection.
type Behaviour = fn(TcpStream);

/// A plain program: it takes connections one after the other until its test is over.
struct Receiver {
    port: u16,
    _thread: JoinHandle<()>,
}

impl Receiver {
    fn start(behaviour: Behaviour) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                thread::spawn(move || behaviour(stream));
            }
        });
        Self { port, _thread: thread }
    }
}

fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

fn read_once(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0; 1024]);
}

/// Longer than any time limit of these tests.
fn hold(stream: TcpStream) {
    thread::sleep(Duration::from_secs(10));
    drop(stream);
}

fn cut(stream: TcpStream) {
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

/// What each receiver deserves, for a short text and for one of 3,000 bytes (which goes in parts).
const RECEIVERS: &[(&str, Behaviour, &str)] = &[
    ("reads to the end and closes", |mut s| drop(read_all(&mut s)), "read"),
    ("reads once and closes", |mut s| read_once(&mut s), "read"),
    (
        "reads once, answers in words and closes",
        |mut s| {
            read_once(&mut s);
            let _ = s.write_all(b"whatever you say");
        },
        "read",
    ),
    (
        "reads, says that it has read, and keeps the connection",
        |mut s| {
            read_once(&mut s);
            let _ = s.write_all(b"ACK from 7000");
            hold(s);
        },
        "read",
    ),
    (
        "reads late",
        |mut s| {
            thread::sleep(Duration::from_millis(100));
            drop(read_all(&mut s));
        },
        "read",
    ),
    (
        "never reads and closes",
        |s| {
            thread::sleep(Duration::from_millis(50));
            drop(s);
        },
        "unconfirmed",
    ),
    ("never reads and closes at once", drop, "unconfirmed"),
    ("never reads and keeps the connection", hold, "unconfirmed"),
    (
        "cuts the connection unread",
        |s| {
            // earlier than that nothing is sent, and it counts as unreachable
            thread::sleep(Duration::from_millis(50));
            cut(s);
        },
        "unconfirmed",
    ),
    (
        "cuts the connection after reading",
        |mut s| {
            read_once(&mut s);
            cut(s);
        },
        "unconfirmed",
    ),
    (
        "greets, never reads, and keeps the connection",
        |mut s| {
            let _ = s.write_all(b"Connected to the server. Welcome!");
            hold(s);
        },
        "unconfirmed",
    ),
    (
        "reads a few bytes and closes",
        |mut s| {
            let _ = s.read(&mut [0; 10]);
        },
        "unconfirmed",
    ),
    (
        "acknowledges other bytes",
        |mut s| {
            read_all(&mut s);
            let _ = s.write_all(b"P2P/1 OK 3 00000000 name=liar port=1\n");
        },
        "unconfirmed",
    ),
    (
        "acknowledges before it has read",
        |mut s| {
            let _ = s.write_all(b"P2P/1 OK 3 00000000\n");
            hold(s);
        },
        "unconfirmed",
    ),
    ("answers without end", |mut s| while s.write_all(&[b'x'; 65536]).is_ok() {}, "unconfirmed"),
    (
        "refuses",
        |mut s| {
            read_all(&mut s);
            let _ = s.write_all(b"P2P/1 NO busy retry=5\n");
        },
        "failed",
    ),
];

#[test]
fn no_receiver_gets_more_credit_than_it_deserves() {
    let sizes = [("short", 5), ("long", 3000)];
    let mut checks = Vec::new();
    for &(what, behaviour, deserved) in RECEIVERS {
        for (size, bytes) in sizes {
            checks.push(thread::spawn(move || {
                let receiver = Receiver::start(behaviour);
                let home = Home::new("alice");
                let target = format!("127.0.0.1:{}", receiver.port);
                let text = "x".repeat(bytes);
                // with and without the greeting that asks for a key
                for secure in ["off", "prefer"] {
                    let call = ["send", "-t", "2500ms", "--secure", secure, &target, &text];
                    let status = home.json(&call)[0]["status"].as_str().unwrap().to_owned();
                    let exit = home.run(call).status.code();
                    // who does not answer the greeting is sent nothing
                    let greeted = bytes > 1000 || secure == "prefer";
                    let expected = match deserved {
                        "unconfirmed" if greeted && status == "failed" => ("failed", 4),
                        "read" => ("read", 0),
                        "failed" => ("failed", 6),
                        _ => ("unconfirmed", 5),
                    };
                    let found = (status.as_str(), exit.unwrap());
                    assert_eq!(found, expected, "{what}, {size}, {secure}");
                }
            }));
        }
    }
    for check in checks {
        check.join().unwrap();
    }
}

#[test]
fn a_stopped_receiver_is_unconfirmed_after_one_time_limit() {
    // the kernel takes the connection and the bytes; no program ever does
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    let said = Home::new("alice").run(["send", "-t", "300ms", "--secure", "off", &target, "hi"]);
    said.is(
        5,
        "",
        &format!(
            "error: cannot tell whether {target} has it: no answer within 300ms\n\
             hint: it may have arrived; to wait longer: -t 30s\n"
        ),
    );
}

#[test]
fn a_plain_program_gets_a_long_text_in_parts_that_it_can_read() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    let reader = thread::spawn(move || {
        let mut messages = Vec::new();
        // a greeting first, to find out who reads, then the parts
        while messages.len() < 5 {
            let (mut stream, _) = socket.accept().unwrap();
            messages.push(String::from_utf8(read_all(&mut stream)).unwrap());
        }
        messages
    });
    let text = "नमस्ते दुनिया ".repeat(80);
    let home = Home::new("alice");
    let objects = home.json(&["send", &target, &text]);
    assert_eq!((&objects[0]["status"], &objects[0]["parts"]), (&"read".into(), &4.into()));
    let messages = reader.join().unwrap();
    assert_eq!(messages[0], "127.0.0.1:5000 alice connect");
    assert!(messages.iter().all(|message| message.len() <= 1000));
    let header = "127.0.0.1:5000 alice ";
    let parts: String = messages[1..].iter().map(|m| m.strip_prefix(header).unwrap()).collect();
    assert_eq!(parts, text);
}

#[test]
fn what_can_only_read_does_not_satisfy_require_ack() {
    let receiver = Receiver::start(|mut s| drop(read_all(&mut s)));
    let target = format!("127.0.0.1:{}", receiver.port);
    let home = Home::new("alice");
    home.run(["send", "--require-ack", &target, "hi"])
        .fails(5, "has read it but cannot acknowledge: it is a plain program");
    home.run(["send", &target, "hi"]).is(0, "", "");
}

#[test]
fn who_acknowledged_before_and_does_not_now_is_unconfirmed() {
    let home = Home::new("alice");
    let receiver = Receiver::start(|mut s| {
        let bytes = read_all(&mut s);
        let sum = p2p::codec::verdict::Sum::of(&bytes);
        let silent = bytes.ends_with(b"again");
        let verdict = p2p::codec::verdict::Verdict::Ok { sum, name: None, port: None, key: None };
        if !silent {
            let _ = s.write_all(verdict.encode().as_bytes());
        }
    });
    let target = format!("127.0.0.1:{}", receiver.port);
    home.run(["send", &target, "hi"]).is(0, "", "");
    home.run(["send", "--secure", "off", &target, "again"])
        .fails(5, "it acknowledged before and did not now");
}

#[test]
fn a_refusal_is_told_in_its_own_words() {
    let receiver = Receiver::start(|mut s| {
        let bytes = read_all(&mut s);
        let code: &[u8] = match bytes.last() {
            Some(b'1') => b"P2P/1 NO busy retry=5\n",
            Some(b'2') => b"P2P/1 NO too_large\n",
            Some(b'3') => b"P2P/1 NO insecure\n",
            _ => b"P2P/1 NO \x1b[31m\n",
        };
        let _ = s.write_all(code);
    });
    let target = format!("127.0.0.1:{}", receiver.port);
    let home = Home::new("alice");
    let error = |why: &str| format!("error: {target} refused it: {why}\n");
    let said = |text| home.run(["send", "--secure", "off", &target, text]);
    said("1").is(6, "", &error("it cannot take messages now, try again in 5s"));
    said("2").is(6, "", &error("the message is too large for it"));
    said("3").fails(7, "it takes only encrypted messages");
    said("4").fails(5, "its answer cannot be read");
}
