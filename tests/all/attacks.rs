//! What strangers may try on a port that takes sessions: it costs them a connection, and us nothing.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use p2p::key::PublicKey;
use p2p::session::tls::{ALPN, Expected, Keys};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConnection, StreamOwned};

use crate::raw::{Raw, client, credentials, key_of};
use crate::support::{Home, Listener, PATIENCE, connect, read_to_end};

fn message(id: &str, size: usize) -> String {
    format!("{{\"type\":\"message\",\"id\":\"{id}\",\"size\":{size}}}\n")
}

#[test]
fn whatever_is_said_in_a_session_it_is_answered_or_ended() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    let begin = || Raw::begin(to, key);
    let hello = "{\"type\":\"hello\",\"name\":\"bob\",\"port\":PORT,\"version\":\"0.1.0\"}";
    let hello = hello.replace("PORT", &to.port().to_string());

    // without a hello, in pieces, and with what a later version may say
    let mut session = begin();
    session
        .say(b"{\"type\":\"message\",\"id\":\"1\",\"si")
        .say(b"ze\":2,\"later\":[{}]}\nh")
        .say(b"i");
    assert_eq!(session.line(), hello);
    assert_eq!(session.line(), r#"{"type":"ok","id":"1"}"#);
    session
        .say(b"{\"type\":\"song\",\"id\":\"2\",\"size\":3}\nla ")
        .say(message("3", 2).as_bytes())
        .say(b"ho");
    assert_eq!(session.line(), r#"{"type":"no","id":"2","code":"unknown"}"#);
    assert_eq!(session.line(), r#"{"type":"ok","id":"3"}"#);
    session.say(
        b"{\"type\":\"ping\",\"id\":\"4\"}\n{\"type\":\"ok\",\"id\":\"9\"}\n{\"type\":\"leave\"}\n",
    );
    assert_eq!(session.line(), r#"{"type":"pong","id":"4"}"#);
    assert_eq!(session.line(), r#"{"type":"ok"}"#);

    // what is no frame ends it, and nothing that follows is taken
    let long = format!("{{\"type\":\"ping\",\"id\":\"1\",\"x\":\"{}\"}}\n", "x".repeat(5000));
    let nested = format!("{{\"type\":{}\n", "[".repeat(3000));
    for rubbish in [
        "\n",
        "hello\n",
        "{}\n",
        &long,
        &nested,
        &message("a b", 1),
        "\u{0}\u{0}\n",
        &"x".repeat(100_000),
    ] {
        let mut session = begin();
        session.say(message("5", 4).as_bytes()).say(b"fine");
        session.say(rubbish.as_bytes()).say(message("6", 3).as_bytes()).say(b"bad");
        let said = session.rest();
        let lines: Vec<_> = said.lines().skip(1).collect();
        let malformed = r#"{"type":"no","code":"malformed"}"#;
        assert_eq!(lines, [r#"{"type":"ok","id":"5"}"#, malformed], "{rubbish:?}");
    }
    // a size that is too large is refused before any of it is there; one that lies is never complete
    for size in [1_048_577, usize::MAX >> 1] {
        let mut session = begin();
        session.say(message("7", size).as_bytes());
        assert_eq!(session.line(), hello);
        assert_eq!(session.line(), r#"{"type":"no","id":"7","code":"too_large"}"#);
        session.say(message("8", 3).as_bytes()).say(b"bad");
        assert_eq!(session.rest(), "");
    }
    let mut session = begin();
    session.say(message("9", 1_000_000).as_bytes()).say(b"bad");
    session.0.get_mut().sock.shutdown(Shutdown::Write).unwrap();
    assert!(!session.rest().contains("ok"));
    let mut session = begin();
    session.say(message("10", 2).as_bytes()).say(b"in{\"bad\"");
    session.0.get_mut().conn.send_close_notify();
    session.say(b"");
    assert!(session.rest().contains(r#"{"type":"ok","id":"10"}"#));

    let texts: Vec<_> =
        at_bob.stop().1.iter().map(|l| l.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(texts, ["hi", "ho", "fine", "in"]);
}

#[test]
fn a_handshake_has_two_seconds_and_four_kilobytes() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let to = at_bob.address();
    let start = Instant::now();
    let stalled: Vec<_> =
        [&b"\x16"[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]
            .into_iter()
            .map(|bytes| {
                let mut stream = connect(to);
                stream.write_all(bytes).unwrap();
                stream
            })
            .collect();
    // a record without end, and one byte now and then
    let endless = std::thread::spawn(move || {
        let mut stream = connect(to);
        let mut sent = 0;
        let record = [&[0x16, 3, 1, 0x3f, 0xff][..], &[1; 16383]].concat();
        while stream.write_all(&record).is_ok() {
            sent += record.len();
            assert!(sent < 64 << 20, "it is read without end");
        }
    });
    let trickle = std::thread::spawn(move || {
        let mut stream = connect(to);
        let start = Instant::now();
        stream.write_all(&[0x16, 3, 1, 0x3f, 0xff]).unwrap();
        while stream.write_all(&[1]).is_ok() {
            std::thread::sleep(Duration::from_millis(50));
            assert!(start.elapsed() < PATIENCE);
        }
        start.elapsed()
    });
    for mut stream in stalled {
        assert_eq!(read_to_end(&mut stream), b"");
    }
    endless.join().unwrap();
    let trickled = trickle.join().unwrap();
    let took = start.elapsed();
    assert!(took > Duration::from_millis(1900) && took < Duration::from_secs(6), "{took:?}");
    assert!(trickled < Duration::from_secs(4), "{trickled:?}");
    assert_eq!(at_bob.stop().1, Vec::<String>::new());
}

#[test]
fn a_hello_of_more_than_four_kilobytes_is_not_answered() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    // 51 bytes for each word that is offered beside ours
    for (words, is_answered) in [(40, true), (100, false)] {
        let config = Keys::of(credentials(1)).client(Expected::new(key)).unwrap();
        let mut config = (*config).clone();
        let others = (0..words).map(|number| format!("{number:050}").into_bytes());
        config.alpn_protocols = others.chain([ALPN.to_vec()]).collect();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut session = Raw(BufReader::new(StreamOwned::new(client, connect(to))));
        session.say(b"{\"type\":\"ping\",\"id\":\"1\"}\n");
        let pong = r#"{"type":"pong","id":"1"}"#;
        assert_eq!(session.rest_after_hello() == pong, is_answered, "{words}");
    }
}

#[test]
fn a_peer_that_never_reads_its_answers_is_not_read_either() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let key = key_of(&bob);
    let mut session = Raw::begin(at_bob.address(), key);
    // nobody prints so much: it is about the answers
    let flood = "{\"type\":\"song\",\"id\":\"12345678901234567890123456789012\"}\n".repeat(20_000);
    let mut said = 0;
    let stream = session.0.get_mut();
    stream.sock.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    while said < 400 << 20 && stream.write_all(flood.as_bytes()).is_ok() {
        said += flood.len();
    }
    assert!(said < 200 << 20, "{said} bytes were read although nobody reads the answers");
    // by now it was given up: it ends, and does not wait for us
    stream.sock.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let ended = stream.sock.read_to_end(&mut Vec::new());
    let is_over = ended.map_err(|error| error.kind());
    assert!(is_over != Err(std::io::ErrorKind::WouldBlock), "{is_over:?}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", at_bob.pid())).unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{said} bytes taken, peak {peak} kB");
    assert!(peak < 64 << 10, "{peak} kB");
    let alice = Home::new("alice");
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
}

#[test]
fn bodies_that_never_end_do_not_fill_the_memory() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    let sessions: Vec<_> = (0..100)
        .map(|number| {
            let mut session = Raw::begin(to, key);
            session.say(message(&number.to_string(), 1 << 20).as_bytes());
            session.say(&vec![b'x'; (1 << 20) - 1]);
            session
        })
        .collect();
    let status = std::fs::read_to_string(format!("/proc/{}/status", at_bob.pid())).unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("100 unfinished megabytes: peak {peak} kB");
    // all that they have sent would be more than 110 MiB
    assert!(peak < 88 << 10, "{peak} kB");
    let alice = Home::new("alice");
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
    assert_eq!(at_bob.line(), "127.0.0.1 alice hi");
    drop(sessions);
}

/// Passes one connection on and changes one bit of what goes the one way or the other.
fn flip(to: SocketAddr, caller: TcpStream, (is_back, at): (bool, usize)) {
    let listener = connect(to);
    let pass = |mut from: TcpStream, mut to: TcpStream, at: Option<usize>| {
        std::thread::spawn(move || {
            let (mut done, mut chunk) = (0, [0; 16384]);
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                if let Some(at) = at.filter(|at| (done..done + count).contains(&(at / 8))) {
                    chunk[at / 8 - done] ^= 1 << (at % 8);
                }
                done += count;
                if to.write_all(&chunk[..count]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Write);
        })
    };
    let there =
        pass(caller.try_clone().unwrap(), listener.try_clone().unwrap(), (!is_back).then_some(at));
    let back = pass(listener, caller, is_back.then_some(at));
    // whoever is left waiting has its own deadline
    let _ = (there.join(), back.join());
}

/// What each side says before the caller has said its message.
fn first_flights(to: SocketAddr, key: PublicKey) -> (Vec<u8>, Vec<u8>) {
    let mut session = client(1, key);
    let mut stream = connect(to);
    let (mut hello, mut answer) = (Vec::new(), Vec::new());
    session.write_tls(&mut hello).unwrap();
    stream.write_all(&hello).unwrap();
    while session.is_handshaking() {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).unwrap();
        answer.extend_from_slice(&chunk[..count]);
        session.read_tls(&mut &chunk[..count]).unwrap();
        session.process_new_packets().unwrap();
    }
    (hello, answer)
}

/// The bits of a flight that mean anything: type and version of a record are there for machines on the way that know only
/// older versions, and nothing is made of them (RFC 8446, section 5.1).
fn meaningful_bits(flight: &[u8]) -> Vec<usize> {
    let (mut bits, mut record) = (Vec::new(), 0);
    while record < flight.len() {
        let length = usize::from(flight[record + 3]) << 8 | usize::from(flight[record + 4]);
        bits.extend((record + 3) * 8..(record + 5 + length) * 8);
        record += 5 + length;
    }
    bits
}

#[test]
fn no_bit_of_a_handshake_that_means_anything_can_be_changed() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    let (hello, answer) = first_flights(to, key);
    let there = meaningful_bits(&hello).into_iter().map(|at| (false, at));
    let back = meaningful_bits(&answer).into_iter().step_by(3).map(|at| (true, at));
    let cases: Vec<_> = there.chain(back).collect();
    let (next, accepted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| {
                while let Some(&case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let middle = TcpListener::bind("127.0.0.1:0").unwrap();
                    let target = middle.local_addr().unwrap();
                    let passed =
                        std::thread::spawn(move || flip(to, middle.accept().unwrap().0, case));
                    let mut session = Raw::begin(target, key);
                    session
                        .0
                        .get_mut()
                        .sock
                        .set_read_timeout(Some(Duration::from_secs(3)))
                        .unwrap();
                    let id = format!("{}-{}", case.0, case.1);
                    session.say(message(&id, 3).as_bytes()).say(b"bad");
                    session.line();
                    if session.line().contains("ok") {
                        println!("accepted: {case:?}");
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    drop(session);
                    passed.join().unwrap();
                }
            });
        }
    });
    println!("{} bits changed, {} accepted", cases.len(), accepted.load(Ordering::Relaxed));
    assert_eq!((accepted.into_inner(), cases.len() >= 2400), (0, true));
    let alice = Home::new("alice");
    alice.run(["send", &at_bob.target(), "good"]).is(0, "", "");
    let (status, lines) = at_bob.stop();
    assert_eq!(status.code(), Some(0));
    assert_eq!(lines, ["127.0.0.1 alice good"], "nothing of it was taken");
}

#[test]
fn a_session_that_was_recorded_is_worth_nothing() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let to = at_bob.address();
    let middle = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = middle.local_addr().unwrap().to_string();
    alice.run(["peers", "add", "bob", &target, "--key", &key_of(&bob).to_string()]).is(0, "", "");
    let recorded = std::thread::spawn(move || {
        let (caller, listener) = (middle.accept().unwrap().0, connect(to));
        let (mut back, mut answers) = (caller.try_clone().unwrap(), listener.try_clone().unwrap());
        let passed = std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
        let (mut all, mut chunk) = (Vec::new(), [0; 4096]);
        let (mut caller, mut listener) = (caller, listener);
        while let Ok(count @ 1..) = caller.read(&mut chunk) {
            all.extend_from_slice(&chunk[..count]);
            listener.write_all(&chunk[..count]).unwrap();
        }
        let _ = listener.shutdown(Shutdown::Write);
        let _ = passed.join();
        all
    });
    alice.run(["send", "bob", "pay 100"]).is(0, "", "");
    let recorded = recorded.join().unwrap();
    for _ in 0..10 {
        let mut stream = connect(to);
        stream.write_all(&recorded).unwrap();
        let _ = stream.shutdown(Shutdown::Write);
        read_to_end(&mut stream);
    }
    alice.run(["send", &at_bob.target(), "done"]).is(0, "", "");
    assert_eq!(at_bob.stop().1, ["127.0.0.1 alice pay 100", "127.0.0.1 alice done"]);
}

#[test]
fn rubbish_in_the_middle_of_a_session_ends_it_and_what_came_before_stays() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let mut session = Raw::begin(at_bob.address(), key_of(&bob));
    session.say(message("1", 4).as_bytes()).say(b"good");
    session.line();
    assert_eq!(session.line(), r#"{"type":"ok","id":"1"}"#);
    // beside the encryption, as somebody on the way would
    session
        .0
        .get_mut()
        .sock
        .write_all(b"\x17\x03\x03\x00\x20forged forged forged forged forg")
        .unwrap();
    session.say(message("2", 3).as_bytes()).say(b"bad");
    assert_eq!(session.rest(), "");
    assert_eq!(at_bob.stop().1, ["127.0.0.1 - good"]);
}

#[test]
fn a_flood_of_handshakes_hides_nobody() {
    const FLOOD_PER_SECOND: usize = 500;
    const GOOD: usize = 200;
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    alice.run(["ping", &at_bob.target()]).succeeds();
    let is_over = Arc::new(AtomicUsize::new(0));
    let floods: Vec<_> = (0..4)
        .map(|number| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let (start, mut count, mut kept) =
                    (Instant::now(), 0, std::collections::VecDeque::new());
                while is_over.load(Ordering::Relaxed) == 0 && start.elapsed() < PATIENCE {
                    let mut stream = TcpStream::connect(to).unwrap();
                    let mut session = client(2, key);
                    match (count + number) % 4 {
                        // begun and left, of which hundreds stay open
                        0 => drop(session.write_tls(&mut stream)),
                        1 => drop(stream.write_all(b"\x16\x03\x01\x02\x00")),
                        2 => {
                            let _ = session.write_tls(&mut stream);
                            let _ = stream.shutdown(Shutdown::Both);
                        }
                        // a whole one, which costs us a signature
                        _ => {
                            stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                            let _ = session.complete_io(&mut stream);
                        }
                    }
                    kept.push_back(stream);
                    if kept.len() > 250 {
                        kept.pop_front();
                    }
                    count += 1;
                    let due = Duration::from_secs_f64(count as f64 * 4.0 / FLOOD_PER_SECOND as f64);
                    std::thread::sleep(due.saturating_sub(start.elapsed()));
                }
                count as f64 / start.elapsed().as_secs_f64()
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let good = (0..GOOD)
        .filter(|number| {
            alice.run(["send", &at_bob.target(), &format!("good {number}")]).status.success()
        })
        .count();
    is_over.store(1, Ordering::Relaxed);
    let rate: f64 = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
    println!("{good} of {GOOD} good messages, {rate:.0} handshakes a second");
    assert!(good * 100 >= GOOD * 99, "{good} of {GOOD}");
    assert!(rate > 250.0, "{rate}");
    assert_eq!(at_bob.stop().1.len(), good);
}

#[test]
fn sessions_that_talk_all_the_time_make_room_for_others() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    bob.configure("[limits]\nconnections = 24\n");
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    alice.run(["ping", &at_bob.target()]).succeeds();
    let is_over = Arc::new(AtomicUsize::new(0));
    let talkers: Vec<_> = (0..24)
        .map(|number| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let start = Instant::now();
                while is_over.load(Ordering::Relaxed) == 0 && start.elapsed() < PATIENCE {
                    let mut session = Raw::begin(to, key);
                    session.say(b"{\"type\":\"hello\"}\n");
                    session.line();
                    for count in 0.. {
                        std::thread::sleep(Duration::from_millis(2));
                        session.say(message(&format!("{number}-{count}"), 2).as_bytes()).say(b"hi");
                        if session.line().is_empty() || is_over.load(Ordering::Relaxed) > 0 {
                            break;
                        }
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let good = (0..20)
        .filter(|number| {
            let text = format!("good {number}");
            alice.run(["send", &at_bob.target(), &text, "-q", "-t", "2s"]).status.success()
        })
        .count();
    is_over.store(1, Ordering::Relaxed);
    talkers.into_iter().for_each(|talker| talker.join().unwrap());
    println!("{good} of 20 good messages beside 24 sessions that never pause, with room for 24");
    assert!(good >= 19, "{good}");
}

/// Presents the key of one and signs with that of another.
#[derive(Debug)]
struct Thief(Arc<rustls::sign::CertifiedKey>);

impl rustls::client::ResolvesClientCert for Thief {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[test]
fn who_shows_the_key_of_another_speaks_otherwise_or_too_much_is_not_let_in() {
    let bob = Home::new("bob");
    let at_bob = Listener::start(&bob);
    let (to, key) = (at_bob.address(), key_of(&bob));
    let begin = |change: &dyn Fn(&mut rustls::ClientConfig)| {
        let config = Keys::of(credentials(1)).client(Expected::new(key)).unwrap();
        let mut config = Arc::unwrap_or_clone(config);
        change(&mut config);
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut raw = Raw(BufReader::new(StreamOwned::new(session, connect(to))));
        raw.say(message("1", 2).as_bytes()).say(b"hi");
        raw.rest_after_hello()
    };
    assert!(begin(&|_| {}).contains("ok"), "as it is it is let in");
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let own = PrivatePkcs8KeyDer::from([&prefix[..], &[1; 32]].concat());
    let signer = rustls::crypto::ring::sign::any_eddsa_type(&own).unwrap();
    let stolen = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], key.as_bytes()];
    let shown = vec![stolen.concat().into()];
    let thief = Arc::new(Thief(Arc::new(rustls::sign::CertifiedKey::new(shown, signer))));
    assert!(!begin(&|config| config.client_auth_cert_resolver = thief.clone()).contains("ok"));
    assert!(!begin(&|config| config.alpn_protocols = vec![]).contains("ok"));
    assert!(!begin(&|config| config.alpn_protocols = vec![b"h2".to_vec()]).contains("ok"));
    // a handshake that is right, and longer than it may be
    let padded = |names: usize| {
        begin(&|config: &mut rustls::ClientConfig| {
            config.alpn_protocols.extend((0..names).map(|n| vec![b'a' + n as u8; 250]));
        })
    };
    assert!(padded(10).contains("ok") && !padded(20).contains("ok"));
    let shown = at_bob.stop().1;
    assert_eq!(shown, ["127.0.0.1 - hi"], "the same message twice is one");
}

#[test]
fn what_follows_something_that_was_refused_is_not_kept() {
    let bob = Home::new("bob");
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--topic", "wanted"]);
    let mut session = Raw::begin(at_bob.address(), key_of(&bob));
    for (id, topic) in [("1", "wanted"), ("2", "other"), ("3", "wanted")] {
        let header =
            format!("{{\"type\":\"message\",\"id\":\"{id}\",\"size\":2,\"topic\":\"{topic}\"}}\n");
        session.say(header.as_bytes()).say(b"hi");
    }
    assert_eq!(session.rest_after_hello(), r#"{"type":"ok","id":"1"}"#);
    assert_eq!(session.line(), r#"{"type":"no","id":"2","code":"denied"}"#);
    // whoever says them again says them in their order
    assert_eq!(session.line(), r#"{"type":"no","id":"3","code":"busy","retry_ms":1000}"#);
    assert_eq!(at_bob.stop().1, ["127.0.0.1 - hi"]);
}

#[test]
fn what_is_more_than_wanted_is_not_acknowledged_because_it_came_twice() {
    let bob = Home::new("bob");
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "-n", "2"]);
    let mut session = Raw::begin(at_bob.address(), key_of(&bob));
    // the first keeps the recorder busy, so that the others are taken together
    let mut all = message("big", 900_000).into_bytes();
    all.extend(vec![b'x'; 900_000]);
    for id in ["kept", "cut", "cut", "kept"] {
        all.extend(message(id, 2).bytes().chain(*b"hi"));
    }
    session.say(&all);
    let said = session.rest();
    let answers: Vec<_> = said.lines().filter(|line| !line.contains("hello")).collect();
    assert!(answers[0].contains("ok") && answers[1].contains("ok"), "{answers:?}");
    assert!(answers[2..].iter().all(|answer| answer.contains("busy")), "{answers:?}");
    assert_eq!(at_bob.wait().1.len(), 2);
}
