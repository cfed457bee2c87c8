//! Messages with two ends, addresses that are claimed or written oddly, lines and bytes without end.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{both_are_tame, is_over, peak_kib, receiver, verdict_of};
use crate::raw::{Raw, Teller, key_of};
use crate::support::{
    Home, Listener, Nobody, PATIENCE, connect, read_to_end, say, say_from, wait_for_end,
};

/// A message ends where its connection or its length says, and no text in it says otherwise; the same for an answer.
#[test]
fn smtp_smuggling_cve_2023_51764_there_is_one_end_of_a_message() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let listener = Listener::start(&bob);
    let key = key_of(&bob);
    let forged = "127.0.0.1:6666 boss forged";
    let ends = [
        "\r\n.\r\n",
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\n",
        "\r\n\r\n",
        "\n<end>\n",
        "\0",
        "\u{4}",
        "\x1a",
        "\nCONNECT\n",
        "|",
        "P2P/1 OK 1 00000000\n",
    ];
    let mut sent = 0;
    for (number, end) in ends.iter().enumerate() {
        let text = format!("a{end}{forged}{end}127.0.0.1:6667 boss exit");
        let plain = format!("127.0.0.1:7000 eve {text}");
        let mut expected = vec![plain.clone()];
        say(listener.address(), plain.as_bytes());
        // cut where the second message would begin
        let mut stream = connect(listener.address());
        let (first, second) = plain.split_at(plain.find(forged).unwrap());
        stream.write_all(first.as_bytes()).unwrap();
        stream.write_all(second.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(read_to_end(&mut stream).starts_with(b"P2P/1 OK "), "{end:?}");
        expected.push(plain.clone());
        // a frame in the text of a frame
        let text = format!("{text}\n{{\"type\":\"message\",\"id\":\"forged\",\"size\":6}}\nforged");
        let mut session = Raw::begin(listener.address(), key);
        let header =
            format!("{{\"type\":\"message\",\"id\":\"s{number}\",\"size\":{}}}\n", text.len());
        session.say(header.as_bytes()).say(text.as_bytes());
        session.0.get_mut().conn.send_close_notify();
        let said = session.say(b"").rest();
        assert_eq!(said.matches("\"ok\"").count(), 1, "one message, one answer: {said}");
        expected.push(format!("127.0.0.1 - {text}"));
        for expected in expected {
            let line = listener.line();
            assert_eq!(super::unescaped(&line), expected.as_bytes(), "one message is one line");
            sent += 1;
        }
    }
    assert_eq!(listener.stop().1, Vec::<String>::new(), "and nothing more");
    assert_eq!(bob.peer_addresses(), ["127.0.0.1:7000"], "nobody of the text is listed");
    // an answer that says two things says nothing
    type Answering = fn(&[u8]) -> Vec<u8>;
    let answers: [Answering; 6] = [
        |said| [verdict_of(said, "x"), b"P2P/1 NO denied\n".to_vec()].concat(),
        |said| [b"P2P/1 NO denied\n".to_vec(), verdict_of(said, "x")].concat(),
        |said| [verdict_of(said, "x"), verdict_of(said, "y")].concat(),
        |said| verdict_of(said, "x").trim_ascii_end().to_vec(),
        |said| [verdict_of(said, "x"), b"\0".to_vec()].concat(),
        |said| verdict_of(&said[1..], "x"),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let to = receiver(answer).to_string();
        let said = alice.run(["send", &to, "hi", "--secure", "off", "-t", "3s"]);
        assert_eq!(said.status.code(), Some(5), "answer {number}: {}", said.report());
    }
    figures!(
        "{sent} messages with {} ends in them, {} answers that say two things",
        ends.len(),
        answers.len()
    );
}

/// Everything that tells a listener an address makes it dial nobody: not at once, not later, not when it ends.
#[test]
fn callstranger_cve_2020_12695_and_ftp_bounce_nobody_dials_an_address_that_was_claimed() {
    let third = TcpListener::bind("127.0.0.3:0").unwrap();
    third.set_nonblocking(true).unwrap();
    let port = third.local_addr().unwrap().port();
    let bob = Home::new("bob");
    let claims = [
        format!("127.0.0.3:{port} eve connect"),
        format!("127.0.0.3:{port} eve hello"),
        format!("<127.0.0.3:{port}> CONNECT_REQUEST"),
        format!("<127.0.0.3:{port}> eve connection request"),
        format!("CONNECT 127.0.0.3 {port}"),
        format!("127.0.0.3:{port} eve connect_ack"),
        format!("MESSAGE:eve:{port}:127.0.0.3"),
        format!(
            "{{\"type\":\"connect\",\"sender_port\":{port},\"sender_ip\":\"127.0.0.3\",\"content\":\"<127.0.0.3:{port}> eve\"}}"
        ),
        format!("127.0.0.3:{port} eve exit"),
        format!("127.0.0.3:{port} eve hello"),
    ];
    // one that somebody has claimed long ago, and that is silent since
    let old = format!(
        "{{\"v\":1,\"addr\":\"127.0.0.3:{port}\",\"name\":\"eve\",\"observed\":\"127.0.0.9\",\"last_seen\":\"2026-01-01T00:00:00Z\"}}\n"
    );
    let mut dialled = 0;
    for kept in ["", &old] {
        bob.run(["peers", "rm", &format!("127.0.0.3:{port}")]);
        bob.configure("[listen]\ngoodbye = true\nbootstrap = true\n");
        if !kept.is_empty() {
            let path = bob.file("peers");
            let before = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, before + kept).unwrap();
        }
        let arguments = ["-b", "127.0.0.1", "--recheck", "1s", "-x", "cat > /dev/null"];
        let listener = Listener::start_with(&bob, &arguments);
        let start = Instant::now();
        for claim in claims.iter().filter(|_| kept.is_empty()) {
            // from one who is not at the address, in one piece, and on a connection that stays
            say_from("127.0.0.9", listener.address(), claim.as_bytes());
            let mut stays = connect(listener.address());
            stays.write_all(claim.as_bytes()).unwrap();
            let _ = stays.read(&mut [0; 64]);
        }
        if kept.is_empty() {
            let hello = serde_json::json!({"type": "hello", "name": "eve", "port": port, "addr": format!("127.0.0.3:{port}")});
            let mut session = Raw::begin(listener.address(), key_of(&bob));
            session.say(
                format!("{hello}\n{{\"type\":\"message\",\"id\":\"1\",\"size\":2}}\nhi").as_bytes(),
            );
            assert!(session.rest_after_hello().contains("ok"));
        } else {
            // it looks for silent peers about every second
            while start.elapsed() < Duration::from_millis(2500) {
                dialled += usize::from(third.accept().is_ok());
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        assert_eq!(listener.stop().0.code(), Some(0));
        while third.accept().is_ok() {
            dialled += 1;
        }
    }
    assert!(bob.peer(&format!("127.0.0.3:{port}")).is_some(), "it was listed");
    assert_eq!(dialled, 0, "connections to a third machine");
    // that nobody came is not because nobody could
    drop(TcpStream::connect(("127.0.0.3", port)).unwrap());
    third.set_nonblocking(false).unwrap();
    assert!(third.accept().is_ok());
    figures!("{} claims twice and in a session, 0 connections to who was claimed", claims.len());
}

/// As a reader of lines that waits for the end of a line, however long it is.
#[test]
fn tokio_lines_codec_and_mosquitto_cve_2017_7651_a_line_without_end_costs_no_memory() {
    const EACH: usize = 6 << 20;
    const TOGETHER: usize = 24;
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let listener = Listener::start(&bob);
    let (to, key) = (listener.address(), key_of(&bob));
    let before = peak_kib(listener.pid());
    let taken: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..TOGETHER)
            .map(|number| {
                scope.spawn(move || {
                    let chunk = [b'x'; 16 * 1024];
                    let mut sent = 0;
                    if number % 2 == 0 {
                        let mut stream = connect(to);
                        stream.set_write_timeout(Some(PATIENCE)).unwrap();
                        stream.write_all(b"127.0.0.1:7000 eve ").unwrap();
                        while sent < EACH && stream.write_all(&chunk).is_ok() {
                            sent += chunk.len();
                        }
                    } else {
                        // a header without its newline
                        let mut session = Raw::begin(to, key);
                        session.say(b"{\"type\":\"message\",\"x\":\"");
                        let stream = session.0.get_mut();
                        stream.sock.set_write_timeout(Some(PATIENCE)).unwrap();
                        while sent < EACH && stream.write_all(&chunk).is_ok() {
                            sent += chunk.len();
                        }
                    }
                    sent
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    let grown = peak_kib(listener.pid()) - before;
    assert!(grown < 24 << 10, "{taken} bytes without a newline cost {grown} KiB");
    alice.run(["send", &listener.target(), "still here"]).is(0, "", "");
    let shown = listener.stop().1;
    assert_eq!(shown, ["127.0.0.1 alice still here"]);
    // an answer without end, and a line of our own stdin without end
    let endless = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = endless.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in endless.incoming().flatten() {
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        }
    });
    let start = Instant::now();
    let said = alice.run(["send", &target, "hi", "--secure", "off", "-t", "15s"]);
    assert_eq!(said.status.code(), Some(5), "{}", said.report());
    assert!(start.elapsed() < Duration::from_secs(10), "it was left, not waited for");
    let mut command = alice.command();
    command.args(["send", &Nobody::new().target(), "--lines", "--secure", "off", "-t", "2s"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut written = 0;
    while written < 256 << 20 && input.write_all(&[b'x'; 65536]).is_ok() {
        written += 65536;
    }
    assert_ne!(wait_for_end(&mut child).code(), Some(0));
    assert!(written < 16 << 20, "{written} bytes of one line were read");
    figures!(
        "{TOGETHER} lines, {taken} bytes: {grown} KiB; our own line was left after {written} bytes"
    );
}

/// A byte now and then buys nobody more time than a message has.
#[test]
fn mosquitto_cve_2020_13849_bytes_that_trickle_hold_no_slot() {
    const SLOTS: usize = 16;
    const GOOD: usize = 30;
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    bob.configure(&format!("[limits]\nconnections = {SLOTS}\nmessage_time = \"1s\"\n"));
    let listener = Listener::start(&bob);
    let to = listener.address();
    alice.run(["ping", &listener.target()]).succeeds();
    let trickle = |is_over: &dyn Fn(&mut TcpStream) -> bool, first: &[u8]| {
        let (mut stream, start) = (connect(to), Instant::now());
        let _ = stream.write_all(first);
        while !is_over(&mut stream) && start.elapsed() < PATIENCE {
            let _ = stream.write_all(b"x");
            std::thread::sleep(Duration::from_millis(20));
        }
        start.elapsed()
    };
    // alone, so that nobody takes its place
    for first in [&b""[..], b"127.0.0.1:7000 eve ", b"7000\nCONNECT\n", b"\x16\x03\x01\x02\x00"] {
        let held = trickle(&is_over, first);
        assert!(held < Duration::from_secs(4), "{first:?} has held a slot for {held:?}");
    }
    let is_done = AtomicBool::new(false);
    let good = std::thread::scope(|scope| {
        for _ in 0..SLOTS * 2 {
            scope.spawn(|| {
                let start = Instant::now();
                while !is_done.load(Ordering::Relaxed) && start.elapsed() < PATIENCE {
                    trickle(&|stream| is_over(stream) || is_done.load(Ordering::Relaxed), b"x");
                    // who comes back at once is a flood, and another test's
                    std::thread::sleep(Duration::from_millis(300));
                }
            });
        }
        let good = (0..GOOD).filter(|number| {
            alice
                .run(["send", &listener.target(), &format!("good {number}"), "-q"])
                .status
                .success()
        });
        let good = good.count();
        is_done.store(true, Ordering::Relaxed);
        good
    });
    assert_eq!(good, GOOD, "messages that came through {} who trickle", SLOTS * 2);
    figures!("{good} of {GOOD} messages beside {} that trickle, with room for {SLOTS}", SLOTS * 2);
}

/// Addresses that other programs read as another address, and ports that are numbers only to some.
const ODD_ADDRESSES: [&str; 22] = [
    "010.0.0.1:7000",
    "127.0.0.01:7000",
    "0177.0.0.1:7000",
    "0x7f.0.0.1:7000",
    "0x7f000001:7000",
    "127.1:7000",
    "2130706433:7000",
    "1.2.3:7000",
    "1.2.3.4.5:7000",
    "256.0.0.1:7000",
    "127.0.0.1:+7000",
    "127.0.0.1:-1",
    "127.0.0.1: 7000",
    "127.0.0.1:07000000",
    "127.0.0.1:65536",
    "127.0.0.1:72536",
    "127.0.0.1:0",
    "127.0.0.1:7e3",
    "127.0.0.1:0x1b58",
    "127.0.0.1:٧٠٠٠",
    "127.0.0.1:",
    "１２７.0.0.1:7000",
];

/// One address has one form, on the command line, in files, and on the wire.
#[test]
fn rust_cve_2021_29922_octal_addresses_and_ports_with_a_sign_are_no_addresses() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let mut refused = 0;
    for odd in ODD_ADDRESSES {
        for call in [&["send", odd, "x"][..], &["ping", odd], &["peers", "add", "x", odd]] {
            let said = alice.run(call);
            assert_eq!(said.status.code(), Some(2), "{}", said.report());
            refused += 1;
        }
        alice.configure(&format!("[[peer]]\nname = \"x\"\naddr = \"{odd}\"\n"));
        assert_eq!(alice.run(["peers"]).status.code(), Some(2), "{odd} in the configuration");
        alice.configure("");
    }
    for odd in ["010.0.0.1", "0x7f.1", "127.1", "2130706433"] {
        for option in ["--bind", "--advertise"] {
            assert_eq!(
                alice.run(["listen", "-p", "0", "-t", "1s", option, odd]).status.code(),
                Some(2),
                "{option} {odd}"
            );
        }
    }
    for port in ["+5", "-5", "5 ", "0x5", "65536"] {
        assert_eq!(
            alice.run(["listen", "-t", "1s", "-p", port]).status.code(),
            Some(2),
            "{port:?}"
        );
    }
    // on the wire, in every dialect
    let listener = Listener::start(&bob);
    let mut said = 0;
    for odd in ODD_ADDRESSES {
        let port = odd.rsplit(':').next().unwrap();
        let mut claims = vec![format!("{odd} eve connect"), format!("<{odd}> eve hi")];
        // a blank before a number is nothing to those who send lines
        if odd.starts_with("127.0.0.1:") && !port.starts_with(' ') {
            claims.extend([
                format!("CONNECT 127.0.0.1 {port}"),
                format!("CONNECT:eve:{port}"),
                format!("MESSAGE:eve:{port}:hi"),
                format!("LISTENING_PORT:{port}|TEAM_NAME:eve|hi"),
                format!("EXIT:{port}"),
                format!("PORT:{port}"),
                format!("{port}\nCONNECT\n"),
                format!(
                    "{{\"type\":\"connect\",\"sender_name\":\"eve\",\"sender_port\":\"{port}\"}}"
                ),
            ]);
        }
        for claim in claims {
            say(listener.address(), claim.as_bytes());
            said += 1;
        }
    }
    for number in ["7e3", "7000.0", "-7000", "72536", "1e400", "18446744073709558616", "7000.5"] {
        let object =
            format!("{{\"type\":\"connect\",\"sender_name\":\"eve\",\"sender_port\":{number}}}");
        say(listener.address(), object.as_bytes());
        let mut session = Raw::begin(listener.address(), key_of(&bob));
        session
            .say(format!("{{\"type\":\"hello\",\"name\":\"eve\",\"port\":{number}}}\n").as_bytes());
        session.say(b"{\"type\":\"ping\",\"id\":\"1\"}\n").rest_after_hello();
        said += 2;
    }
    assert_eq!(bob.peer_addresses(), [""; 0], "of {said} claims");
    // and from one who tells of others
    let list: Vec<_> = ODD_ADDRESSES
        .iter()
        .map(|odd| serde_json::json!({"addr": odd, "name": "x", "age": 1}))
        .collect();
    let teller = Teller::of(9, serde_json::to_string(&list).unwrap(), list.len());
    alice.configure(&teller.listed());
    both_are_tame("bootstrap", &alice.run(["bootstrap", "-t", "2s"]));
    assert_eq!(alice.peer_addresses(), [teller.address.to_string()]);
    figures!(
        "{} odd addresses: {refused} calls, {said} claims on the wire, none taken",
        ODD_ADDRESSES.len()
    );
}

/// A link-local address means another machine on each interface: without its zone it is none.
#[test]
fn a_link_local_address_without_its_zone_is_no_address() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    for odd in ["[fe80::1]:7000", "[fe80::1:2:3:4]:7000", "[febf::1]:7000", "[FE80::1]:7000"] {
        for call in [&["send", odd, "x"][..], &["ping", odd], &["peers", "add", "x", odd]] {
            alice.run(call).fails(2, "fe80::1%eth0");
        }
        alice.configure(&format!("[[peer]]\naddr = \"{odd}\"\n"));
        assert_eq!(alice.run(["peers"]).status.code(), Some(2), "{odd} in the configuration");
        alice.configure("");
    }
    let listener = Listener::start(&bob);
    for said in [
        "[fe80::1]:7000 eve connect",
        "[fe80::1%lo]:7000 eve connect",
        "<[fe80::1]:7000> eve hi",
        "[::ffff:0.0.0.0]:7000 eve hi",
    ] {
        say(listener.address(), said.as_bytes());
    }
    let hello = "{\"type\":\"hello\",\"name\":\"eve\",\"addr\":\"[fe80::1]:7000\"}\n{\"type\":\"ping\",\"id\":\"1\"}\n";
    Raw::begin(listener.address(), key_of(&bob)).say(hello.as_bytes()).rest_after_hello();
    let listed = bob.peer_addresses();
    assert!(!listed.iter().any(|address| address.to_lowercase().contains("fe80")), "{listed:?}");
    let list = r#"[{"addr":"[fe80::1]:7000","name":"x"},{"addr":"[fe80::1%1]:7000","name":"y"}]"#;
    let teller = Teller::of(11, list, 2);
    alice.configure(&teller.listed());
    both_are_tame("bootstrap", &alice.run(["bootstrap", "-t", "2s"]));
    assert_eq!(alice.peer_addresses(), [teller.address.to_string()]);
    // with its zone it is one, whether somebody is there or not
    let zoned = alice.run(["ping", "[fe80::1%lo]:9", "-t", "500ms"]);
    assert_eq!(zoned.status.code(), Some(4), "{}", zoned.report());
    figures!("4 forms in 4 places, and 7 claims");
}
