//! The life of a listener: ready, heard, stopped, and never two in one home.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::Stdio;

use crate::support::{Home, Listener, read_to_end, say, unread_listener, wait_for_end};

#[test]
fn a_signal_ends_it_with_0_and_says_goodbye() {
    for signal in ["INT", "TERM", "HUP"] {
        let (alice, bob) = (Home::new("alice"), Home::new("bob"));
        let (at_alice, at_bob) = (Listener::start(&alice), Listener::start(&bob));
        alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
        assert_eq!(bob.peer(&at_alice.target()).unwrap()["state"], "active");
        let was = at_alice.target();
        at_alice.signal(signal);
        let (status, lines) = at_alice.wait();
        assert_eq!((status.code(), lines), (Some(0), vec![]));
        assert_eq!(bob.peer(&was).unwrap()["state"], "left");
    }
}

#[test]
fn goodbye_is_a_choice_and_goes_only_where_it_is_safe() {
    let bob = Home::new("bob");
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    plain.set_nonblocking(true).unwrap();
    let port = plain.local_addr().unwrap().port();
    bob.configure("[listen]\ngoodbye = false\n");
    let listener = Listener::start(&bob);
    say(listener.address(), format!("127.0.0.1:{port} alice connect").as_bytes());
    listener.stop();
    assert!(plain.accept().is_err(), "no goodbye was wanted");

    bob.configure("");
    // a claim that nothing confirms, as if it had been heard from elsewhere
    let claimed = TcpListener::bind("127.0.0.1:0").unwrap();
    claimed.set_nonblocking(true).unwrap();
    let now = humantime::format_rfc3339(std::time::SystemTime::now());
    let record = format!(
        "{{\"v\":1,\"addr\":\"{}\",\"name\":\"eve\",\"observed\":\"10.0.0.66\",\"last_seen\":\"{now}\"}}\n",
        claimed.local_addr().unwrap()
    );
    let path = bob.file("peers");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + &record).unwrap();
    let listener = Listener::start(&bob);
    let own = listener.target();
    let (status, _) = listener.stop();
    assert_eq!(status.code(), Some(0));
    let (mut stream, _) = plain.accept().unwrap();
    stream.set_nonblocking(false).unwrap();
    assert_eq!(String::from_utf8(read_to_end(&mut stream)).unwrap(), format!("{own} bob exit"));
    assert!(claimed.accept().is_err(), "a claim is not written to");
}

#[test]
fn the_last_object_tells_why_it_stopped() {
    let home = Home::new("bob");
    let listener = Listener::start_with(&home, &["-b", "127.0.0.1", "--json"]);
    assert_eq!(home.listening(), listener.address());
    assert_eq!(listener.object()["event"], "listening");
    say(listener.address(), b"hello");
    assert_eq!(listener.object()["event"], "message");
    let (_, lines) = listener.stop();
    assert_eq!(lines, [r#"{"event":"stopped","reason":"SIGTERM","messages":1}"#]);
    assert_eq!(std::fs::read(home.file("listener")).unwrap(), b"", "no old address is left");
}

#[test]
fn a_home_has_one_listener() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let said = home.run(["listen", "-p", "0"]);
    let expected = format!(
        "error: cannot listen: process {} of this home listens on {}\n\
         hint: to run another one, give it a home of its own: p2p --home DIR listen -p PORT\n",
        listener.pid(),
        listener.address(),
    );
    said.is(8, "", &expected);
    listener.signal("KILL");
    listener.wait();
    // what a killed listener leaves behind is in nobody's way
    let next = Listener::start(&home);
    home.run(["ping", &next.target(), "-q"]).is(0, "", "");
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said =
        Home::new("bob").run(["listen", "-b", "127.0.0.1", "-p", &address.port().to_string()]);
    said.is(
        8,
        "",
        &format!(
            "error: cannot listen on {address}: another program listens there\nhint: `-p 0` takes a free port\n"
        ),
    );
    let elsewhere = Home::new("bob").run(["listen", "-b", "192.0.2.1", "-p", "0"]);
    elsewhere.fails(8, "cannot listen on 192.0.2.1:0: it is no address of this machine");
}

#[test]
fn it_listens_on_both_families_and_sees_plain_ipv4_addresses() {
    let home = Home::new("bob");
    let listener = Listener::start_with(&home, &[]);
    let port = listener.address().port();
    say(listener.address(), format!("127.0.0.1:{} four hi", port ^ 1).as_bytes());
    assert_eq!(listener.line(), format!("127.0.0.1:{} four hi", port ^ 1));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    say(v6, format!("[::1]:{} six hi", port ^ 1).as_bytes());
    assert_eq!(listener.line(), format!("[::1]:{} six hi", port ^ 1));
    let alice = Home::new("alice");
    alice.run(["send", &v6.to_string(), "over six"]).is(0, "", "");
    // she does not listen, so there is no address to answer to
    assert_eq!(listener.line(), "::1 alice over six");
    alice
        .run(["send", &v6.to_string(), "plain", "--secure", "off"])
        .fails(7, "never spoken to in plain");
    let eve = Home::new("eve");
    eve.run(["send", &v6.to_string(), "plain", "--secure", "off"]).is(0, "", "");
    assert_eq!(listener.line(), "[::1]:5000 eve plain");
    assert_eq!(listener.address().ip(), Ipv4Addr::LOCALHOST);
}

#[test]
fn it_ends_at_once_when_its_reader_is_gone() {
    let home = Home::new("bob");
    let mut command = home.command();
    command.args(["listen", "-p", "0", "-b", "127.0.0.1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ready = crate::support::lines_of(child.stderr.take().unwrap());
    ready.recv_timeout(crate::support::PATIENCE).unwrap();
    // nothing arrives: it is the reader's going that ends it
    drop(child.stdout.take());
    assert_eq!(wait_for_end(&mut child).code(), Some(0));
    assert_eq!(ready.recv().ok(), None, "it ends quietly");
}

#[test]
fn a_reader_that_pauses_makes_senders_wait_and_loses_nothing() {
    let home = Home::new("bob");
    home.configure("[limits]\noutput_buffer = 65536\n");
    let (mut child, to) = unread_listener(&home);
    let text = "x".repeat(30_000);
    let senders: Vec<_> = (0..20)
        .map(|number| {
            let message = format!("10.0.0.9:6000 me {number} {text}");
            std::thread::spawn(move || say(to, message.as_bytes()).starts_with(b"P2P/1 OK "))
        })
        .collect();
    // far more than pipe and buffer hold: somebody has to wait until we read
    let mut stdout = child.stdout.take().unwrap();
    let mut shown = vec![0; 20 * (30_000 + "10.0.0.9:6000 me 0 \n".len()) + 10];
    stdout.read_exact(&mut shown).unwrap();
    assert!(senders.into_iter().all(|sender| sender.join().unwrap()));
    let lines: Vec<_> = shown.split(|&b| b == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 20);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_stuck_output_does_not_cut_a_message_in_two() {
    let home = Home::new("bob");
    home.configure("[limits]\noutput_buffer = 65536\n");
    let (mut child, to) = unread_listener(&home);
    let mut slow = crate::support::connect(to);
    slow.write_all(b"10.0.0.9:6000 me half").unwrap();
    let text = "x".repeat(30_000);
    let flood: Vec<_> = (0..12)
        .map(|_| {
            let message = format!("10.0.0.9:6000 me {text}");
            std::thread::spawn(move || say(to, message.as_bytes()).starts_with(b"P2P/1 OK "))
        })
        .collect();
    // within the time in which the connection does not yet count as quiet, and then long enough for it to
    std::thread::sleep(std::time::Duration::from_millis(150));
    slow.write_all(b" and half").unwrap();
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    let shown = crate::support::lines_of(child.stdout.take().unwrap());
    assert!(read_to_end(&mut slow).starts_with(b"P2P/1 OK 30 "));
    assert!(flood.into_iter().all(|sender| sender.join().unwrap()));
    let lines: Vec<_> =
        (0..13).map(|_| shown.recv_timeout(crate::support::PATIENCE).unwrap()).collect();
    assert!(lines.contains(&"10.0.0.9:6000 me half and half".to_owned()), "{lines:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn every_message_is_shown_stored_and_acknowledged_once() {
    const SENDERS: usize = 32;
    const EACH: usize = 100;
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let to = listener.address();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            std::thread::spawn(move || {
                let message = |number| format!("127.0.0.1:6000 me {sender}-{number}");
                let acknowledged =
                    |n: &usize| say(to, message(*n).as_bytes()).starts_with(b"P2P/1 OK ");
                (0..EACH).filter(acknowledged).count()
            })
        })
        .collect();
    let acknowledged: usize = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
    assert_eq!(acknowledged, SENDERS * EACH);
    let mut shown: Vec<_> = (0..SENDERS * EACH).map(|_| listener.line()).collect();
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), SENDERS * EACH);
    let (_, more) = listener.stop();
    assert_eq!(more, Vec::<String>::new());
    let history = std::fs::read_to_string(home.file("messages.ndjson")).unwrap();
    let mut stored: Vec<_> = history.lines().collect();
    stored.sort_unstable();
    stored.dedup();
    assert_eq!(stored.len(), SENDERS * EACH);
}

#[test]
fn the_history_can_be_switched_off() {
    let home = Home::new("bob");
    home.configure("[listen]\nhistory = 0\n");
    let listener = Listener::start(&home);
    say(listener.address(), b"hello");
    assert_eq!(listener.line(), "127.0.0.1 - hello");
    assert!(!home.file("messages.ndjson").exists());
}

#[test]
fn it_greets_the_static_peers_if_asked_to() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    at_bob.object();
    alice.configure(&format!("[[peer]]\nname = \"bob\"\naddr = \"{}\"\n", at_bob.target()));
    let at_alice = Listener::start_with(&alice, &["-b", "127.0.0.1", "--bootstrap"]);
    let greeting = at_bob.object();
    assert_eq!(
        (&greeting["event"], &greeting["from"]["addr"]),
        (&"connect".into(), &at_alice.target().into())
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let bob = Home::new("bob");
    // a peer that takes the goodbye and never answers it
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let listener = Listener::start(&bob);
    say(listener.address(), format!("127.0.0.1:{port} silent connect").as_bytes());
    listener.signal("TERM");
    // it has begun to say goodbye
    let _goodbye = silent.accept().unwrap();
    listener.signal("TERM");
    let (status, _) = listener.wait();
    assert_eq!(status.code(), Some(143));
}

#[test]
fn it_says_which_signal_has_ended_it() {
    for signal in ["INT", "TERM", "HUP"] {
        let home = Home::new("bob");
        let listener = Listener::start_with(&home, &["-b", "127.0.0.1", "--json"]);
        assert_eq!(listener.object()["event"], "listening");
        listener.signal(signal);
        let stopped = listener.object();
        let expected = ("stopped".into(), format!("SIG{signal}").into());
        assert_eq!((&stopped["event"], &stopped["reason"]), (&expected.0, &expected.1));
        assert_eq!(listener.wait().0.code(), Some(0));
    }
}

#[test]
fn nohup_lets_it_outlive_its_terminal() {
    let home = Home::new("bob");
    let mut shell = std::process::Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", "bob");
    let call = format!("trap '' HUP; exec {} listen -p 0 -b 127.0.0.1", crate::support::P2P);
    shell.args(["-c", &call]);
    let listener = Listener::spawn(shell);
    listener.signal("HUP");
    say(listener.address(), b"still here");
    assert_eq!(listener.line(), "127.0.0.1 - still here");
}

#[test]
fn a_second_signal_is_heard_while_connections_are_still_open() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let mut stream = crate::support::connect(listener.address());
    stream.write_all(b"127.0.0.1:6000 me half").unwrap();
    say(listener.address(), b"127.0.0.1:6000 me marker");
    let start = std::time::Instant::now();
    listener.signal("TERM");
    // it has stopped accepting, and waits for the half message
    while std::net::TcpStream::connect(listener.address()).is_ok() {
        stream.write_all(b".").unwrap();
    }
    listener.signal("INT");
    let (status, _) = listener.wait();
    assert_eq!(status.code(), Some(130));
    assert!(start.elapsed() < std::time::Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn what_the_listener_advertises_is_what_its_home_says() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let _at_alice = Listener::start_with(&alice, &["-b", "127.0.0.1", "-a", "192.0.2.7:7777"]);
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
    assert_eq!(at_bob.line(), "192.0.2.7:7777 alice hi");
}

#[test]
fn a_held_lock_does_not_stop_a_listener_that_greets() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    alice.configure(&format!("[[peer]]\naddr = \"{}\"\n", at_bob.target()));
    alice.run(["ping", &at_bob.target(), "-q"]).is(0, "", "");
    let lock = std::fs::File::open(alice.file("peers.lock")).unwrap();
    lock.lock().unwrap();
    let at_alice = Listener::start_with(&alice, &["-b", "127.0.0.1", "--bootstrap"]);
    let greeted = || at_bob.object()["from"]["addr"] == at_alice.target();
    assert!((0..10).any(|_| greeted()));
    let start = std::time::Instant::now();
    say(at_alice.address(), b"a word without an address needs no lock");
    assert!(start.elapsed() < std::time::Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn what_a_stuck_listener_throws_away_looks_like_nothing_but_that() {
    let (home, alice) = (Home::new("bob"), Home::new("alice"));
    home.configure("[limits]\noutput_buffer = 65536\n");
    let (mut child, to) = unread_listener(&home);
    let text = "x".repeat(30_000);
    // the pipe and what may wait for it are full, and nobody reads
    let flood: Vec<_> = (0..6)
        .map(|_| {
            let message = format!("10.0.0.9:6000 me {text}");
            std::thread::spawn(move || say(to, message.as_bytes()).starts_with(b"P2P/1 OK "))
        })
        .collect();
    let sent = std::thread::spawn(move || {
        alice.run(["send", "-t", "15s", "--secure", "off", &to.to_string(), "important"])
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    let kill = format!("kill -s TERM {}", child.id());
    assert!(std::process::Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(wait_for_end(&mut child).code(), Some(0));
    let sent = sent.join().unwrap();
    let acknowledged = flood.into_iter().map(|f| f.join().unwrap()).filter(|&a| a).count();
    let kept = home.run(["log"]).stdout;
    assert!(acknowledged <= kept.lines().filter(|line| line.contains(" me ")).count());
    if !kept.contains("important") {
        sent.fails(5, "cannot tell whether");
    }
}

#[test]
fn its_time_ends_although_its_output_is_stuck() {
    let home = Home::new("bob");
    let mut command = home.command();
    command.args(["listen", "-p", "0", "-b", "127.0.0.1", "-t", "500ms", "-n", "9", "-q"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let to = home.listening();
    let text = "x".repeat(60_000);
    let flood: Vec<_> = (0..4)
        .map(|_| {
            let message = format!("10.0.0.9:6000 me {text}");
            std::thread::spawn(move || drop(say(to, message.as_bytes())))
        })
        .collect();
    let start = std::time::Instant::now();
    assert_eq!(wait_for_end(&mut child).code(), Some(5));
    assert!(start.elapsed() < std::time::Duration::from_secs(9), "{:?}", start.elapsed());
    flood.into_iter().for_each(|flood| flood.join().unwrap());
}
