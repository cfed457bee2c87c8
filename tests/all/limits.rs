//! What strangers may cost: a connection each, and nothing else.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::raw::{Raw, key_of};
use crate::support::{Home, Listener, P2P, PATIENCE, connect, read_to_end, refusal, say, say_from};

#[test]
fn under_a_thousand_slow_connections_every_good_message_is_acknowledged() {
    const SLOW: usize = 1000;
    const GOOD: usize = 400;
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let to = listener.address();
    let over = Arc::new(AtomicBool::new(false));
    // ten crowds that trickle bytes on a hundred connections each, and come back when they are thrown out
    let crowds: Vec<_> = (0..10)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                let mut connections: Vec<TcpStream> = (0..SLOW / 10).map(|_| connect(to)).collect();
                while !over.load(Ordering::Relaxed) {
                    for connection in &mut connections {
                        if connection.write_all(b"x").is_err() {
                            *connection = connect(to);
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for number in 0..GOOD {
        let start = Instant::now();
        let reply = say(to, format!("10.0.0.9:6000 me good {number}").as_bytes());
        assert!(
            reply.starts_with(b"P2P/1 OK "),
            "good message {number}: {:?}",
            String::from_utf8_lossy(&reply)
        );
        slowest = slowest.max(start.elapsed());
    }
    over.store(true, Ordering::Relaxed);
    crowds.into_iter().for_each(|crowd| crowd.join().unwrap());
    let mut good = 0;
    while good < GOOD {
        let line = listener.line();
        if line.contains(" me good ") {
            assert_eq!(line, format!("10.0.0.9:6000 me good {good}"));
            good += 1;
        }
    }
    println!(
        "{GOOD} of {GOOD} good messages acknowledged under {SLOW} slow connections, slowest {slowest:?}"
    );
}

#[test]
fn the_time_for_a_message_is_absolute() {
    let home = Home::new("bob");
    home.configure("[limits]\nmessage_time = \"1s\"\n");
    let listener = Listener::start(&home);
    let mut stream = connect(listener.address());
    let start = Instant::now();
    // a byte now and then, sooner than the connection counts as quiet
    let ended = loop {
        if let Err(error) = stream.write_all(b"x") {
            break error.kind();
        }
        std::thread::sleep(Duration::from_millis(100));
        assert!(start.elapsed() < Duration::from_secs(10), "trickled bytes hold the connection");
    };
    assert!(matches!(ended, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{ended:?}");
    // nor does one that says nothing at all stay
    let mut silent = connect(listener.address());
    assert_eq!(read_to_end(&mut silent), b"");
    say(listener.address(), b"10.0.0.9:6000 me still here");
    assert_eq!(listener.line(), "10.0.0.9:6000 me still here");
}

#[test]
fn the_time_for_a_message_is_absolute_in_a_session_too() {
    let home = Home::new("bob");
    home.configure("[limits]\nmessage_time = \"1s\"\n");
    let listener = Listener::start(&home);
    let key = key_of(&home);
    for begun in ["{\"type\":", "{\"type\":\"message\",\"id\":\"1\",\"size\":9999}\n"] {
        let start = Instant::now();
        let mut session = Raw::begin(listener.address(), key);
        session.say(begun.as_bytes());
        let stream = session.0.get_mut();
        while start.elapsed() < PATIENCE
            && stream.write_all(b"x").and_then(|()| stream.flush()).is_ok()
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        let took = start.elapsed();
        assert!((Duration::from_secs(1)..PATIENCE).contains(&took), "{begun:?}: {took:?}");
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_and_not_kept() {
    let home = Home::new("bob");
    // more than is read at once: a part of what is too large is in hand by then
    home.configure("[listen]\nmax_size = 40000\n");
    let listener = Listener::start(&home);
    let message =
        |bytes: usize| format!("10.0.0.9:6000 me {}", "x".repeat(bytes - 17)).into_bytes();
    assert!(say(listener.address(), &message(40_000)).starts_with(b"P2P/1 OK 40000 "));
    assert_eq!(refusal(&say(listener.address(), &message(40_001))), "too_large");
    assert_eq!(refusal(&say(listener.address(), &message(200_000))), "too_large");
    say(listener.address(), b"10.0.0.9:6000 me small");
    assert_eq!(listener.line().len(), 40_000);
    assert_eq!(listener.line(), "10.0.0.9:6000 me small");

    let alice = Home::new("alice");
    let said = alice.run_with_stdin(&["send", &listener.target()], &[b'y'; 50_000]);
    said.fails(6, "refused it: the message is too large for it");
}

#[test]
fn a_stream_without_end_is_cut_and_costs_no_memory() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let mut stream = connect(listener.address());
    let block = vec![b'x'; 1024 * 1024];
    let sent = (0..1024).take_while(|_| stream.write_all(&block).is_ok()).count();
    assert!(sent < 200, "{sent} MiB were taken");
    let status = std::fs::read_to_string(format!("/proc/{}/status", listener.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 64 * 1024, "{peak_kib} KiB at the most");
    say(listener.address(), b"10.0.0.9:6000 me still here");
    assert_eq!(listener.line(), "10.0.0.9:6000 me still here");
}

#[test]
fn a_listener_without_free_files_goes_on_when_there_are_some() {
    let home = Home::new("bob");
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("P2P_HOME", home.path()).env("P2P_NAME", "bob");
    shell.args([
        "-c",
        &format!("ulimit -Hn 40; ulimit -n 40; exec {P2P} -q listen -p 0 -b 127.0.0.1 --json"),
    ]);
    let mut child = shell
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = crate::support::lines_of(child.stdout.take().unwrap());
    let object = || -> serde_json::Value {
        serde_json::from_str(&lines.recv_timeout(PATIENCE).unwrap()).unwrap()
    };
    let to = object()["addr"].as_str().unwrap().parse().unwrap();
    let idle: Vec<_> = (0..200).map(|_| connect(to)).collect();
    for number in 0..20 {
        let reply = say(to, format!("10.0.0.9:6000 me {number}").as_bytes());
        assert!(reply.starts_with(b"P2P/1 OK "), "message {number}: {reply:?}");
    }
    let ticks = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<u64> =
            stat.rsplit(')').next().unwrap().split(' ').filter_map(|f| f.parse().ok()).collect();
        // utime and stime
        fields[10] + fields[11]
    };
    let before = ticks(child.id());
    std::thread::sleep(Duration::from_millis(500));
    let spent = ticks(child.id()) - before;
    assert!(spent < 25, "{spent} of 50 ticks spent on accepting nothing");
    drop(idle);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn nothing_is_ever_sent_to_an_address_because_of_a_message() {
    let third = std::net::TcpListener::bind("127.0.0.3:0").unwrap();
    third.set_nonblocking(true).unwrap();
    let port = third.local_addr().unwrap().port();
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    for said in [
        format!("127.0.0.3:{port} eve connect"),
        format!("127.0.0.3:{port} eve hello"),
        format!("<127.0.0.3:{port}> CONNECT_REQUEST"),
        format!("CONNECT:eve:{port}"),
        format!("CONNECT 127.0.0.3 {port}"),
        format!("{port}\nCONNECT\n"),
        format!("{{\"type\":\"connect\",\"sender_port\":{port}}}"),
        format!("127.0.0.3:{port} eve exit"),
    ] {
        say_from("127.0.0.3", listener.address(), said.as_bytes());
    }
    assert_eq!(
        home.peer_addresses(),
        [format!("127.0.0.3:{port}")],
        "all of them claim the third machine"
    );
    let answered = third.accept();
    assert!(answered.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
}

#[test]
fn an_idle_connection_does_not_keep_the_listener_from_stopping() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let key = key_of(&home);
    let mut idle = connect(listener.address());
    // these two have said something before
    let mut plain = connect(listener.address());
    plain.write_all(b"PORT:7000").unwrap();
    plain.read_exact(&mut [0; 6]).unwrap();
    let mut session = Raw::begin(listener.address(), key);
    session.say(b"{\"type\":\"ping\",\"id\":\"1\"}\n");
    assert_eq!(session.rest_after_hello(), r#"{"type":"pong","id":"1"}"#);
    let start = Instant::now();
    let (status, _) = listener.stop();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert_eq!(rest, b"");
}

#[test]
fn what_is_in_hand_when_the_listener_stops_is_finished() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let mut stream = connect(listener.address());
    // more than a segment: it counts as quiet only after two seconds
    let half = "x".repeat(2000);
    stream.write_all(format!("127.0.0.1:6000 me {half}").as_bytes()).unwrap();
    // a second connection that is answered shows that the first has been read
    say(listener.address(), b"127.0.0.1:6000 me marker");
    listener.signal("TERM");
    stream.write_all(b" and half").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let reply = read_to_end(&mut stream);
    assert!(reply.starts_with(b"P2P/1 OK "), "{:?}", String::from_utf8_lossy(&reply));
    let (status, lines) = listener.wait();
    assert_eq!(status.code(), Some(0));
    let whole = format!("127.0.0.1:6000 me {half} and half");
    assert_eq!(lines, ["127.0.0.1:6000 me marker", &whole]);
}

#[test]
fn who_never_ends_its_message_does_not_keep_the_listener_from_stopping() {
    let home = Home::new("bob");
    home.configure("[limits]\nmessage_time = \"10m\"\n");
    let listener = Listener::start(&home);
    let mut stream = connect(listener.address());
    // more than a segment: it counts as quiet only after two seconds
    stream.write_all(&[b'x'; 2000]).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let trickle = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) && stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        })
    };
    // a second connection that is answered shows that the first has been read
    say(listener.address(), b"127.0.0.1:6000 me marker");
    let start = Instant::now();
    listener.signal("TERM");
    let (status, lines) = listener.wait();
    let took = start.elapsed();
    over.store(true, Ordering::Relaxed);
    trickle.join().unwrap();
    assert_eq!((status.code(), lines), (Some(0), vec!["127.0.0.1:6000 me marker".to_owned()]));
    // it has had its time
    assert!(took >= Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_connection_that_rests_for_too_long_is_ended() {
    let home = Home::new("bob");
    home.configure("[limits]\nidle_time = \"1s\"\n");
    let listener = Listener::start(&home);
    let key = key_of(&home);
    let start = Instant::now();
    // after this message the conversation goes on, so our end stays open
    let mut plain = connect(listener.address());
    plain.write_all(b"PORT:7000").unwrap();
    let mut session = Raw::begin(listener.address(), key);
    session.say(b"{\"type\":\"ping\",\"id\":\"1\"}\n");
    assert_eq!(session.rest_after_hello(), r#"{"type":"pong","id":"1"}"#);
    // each of them waits for an end, and for PATIENCE if there is none
    assert_eq!(session.rest(), "");
    assert!(read_to_end(&mut plain).starts_with(b"PORT:"));
    let took = start.elapsed();
    assert!((Duration::from_secs(1)..PATIENCE).contains(&took), "{took:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn hundreds_may_connect_while_the_listener_does_nothing() {
    const WAITING: usize = 300;
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    if most.trim().parse::<usize>().unwrap() < WAITING {
        skipped!("the kernel keeps no more than {} connections for a listener", most.trim());
        return;
    }
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let to = listener.address();
    listener.signal("STOP");
    // one for which the kernel has no room is tried again after a second
    let connect = |_| TcpStream::connect_timeout(&to, Duration::from_millis(900));
    let connected: Vec<_> = (0..WAITING).map_while(|number| connect(number).ok()).collect();
    listener.signal("CONT");
    assert_eq!(connected.len(), WAITING);
    drop(connected);
    assert!(say(to, b"10.0.0.9:6000 me hi").starts_with(b"P2P/1 OK "));
}
