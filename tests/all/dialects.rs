//! How the listener ends messages and answers, as the programs that talk to it need it.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use crate::support::{Home, Listener, connect, read_to_end, say};

fn listener() -> (Home, Listener) {
    let home = Home::new("bob");
    let listener = Listener::start_with(&home, &["-b", "127.0.0.1", "--json"]);
    let ready = listener.object();
    assert_eq!(ready["event"], "listening");
    assert_eq!((&ready["name"], &ready["pid"]), (&"bob".into(), &listener.pid().into()));
    assert_eq!(home.json(&["id"])[0]["key"], ready["key"]);
    (home, listener)
}

#[test]
fn after_the_end_of_stream_the_listener_acknowledges_and_introduces_itself() {
    let (home, listener) = listener();
    let port = listener.address().port();
    let key = home.json(&["id"])[0]["key"].as_str().unwrap().to_owned();
    let message = b"10.0.0.9:6000 me Hi";
    let sum = p2p::codec::verdict::Sum::of(message);
    let expected = format!("P2P/1 OK 19 {:08x} name=bob port={port} key={key}\n", sum.crc32);
    assert_eq!(String::from_utf8(say(listener.address(), message)).unwrap(), expected);
    let event = listener.object();
    assert_eq!((&event["event"], &event["body"]), (&"message".into(), &"Hi".into()));
    assert_eq!(event["plain"], true);
    let from = serde_json::json!({
        "addr": "10.0.0.9:6000", "name": "me", "observed": "127.0.0.1", "verified": false
    });
    assert_eq!(event["from"], from);
}

#[test]
fn an_empty_connection_is_a_probe_and_gets_silence() {
    let (home, listener) = listener();
    assert_eq!(say(listener.address(), b""), b"");
    say(listener.address(), b"10.0.0.9:6000 me after the probe");
    assert_eq!(listener.object()["body"], "after the probe");
    assert_eq!(home.peer_addresses(), ["10.0.0.9:6000"]);
}

#[test]
fn a_quiet_connection_ends_the_message_and_frees_who_waits_for_a_reply() {
    let (_home, listener) = listener();
    let mut stream = connect(listener.address());
    stream.write_all(b"10.0.0.9:6000 me first").unwrap();
    // our end of stream, though the sender keeps its side open
    assert_eq!(read_to_end(&mut stream), b"");
    assert_eq!(listener.object()["body"], "first");
    assert_eq!(listener.object()["change"], "joined");
    stream.write_all(b"10.0.0.9:6000 me second").unwrap();
    assert_eq!(listener.object()["body"], "second");
    stream.write_all(b"10.0.0.9:6000 me third").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(listener.object()["body"], "third");
    assert_eq!(read_to_end(&mut stream), b"");
}

#[test]
fn those_who_wait_for_an_answer_get_the_one_they_know() {
    let (_home, listener) = listener();
    let (own, port) = (listener.target(), listener.address().port());
    for (said, answer) in [
        ("10.0.0.9:6000 me connect", format!("{own} bob connected")),
        ("<10.0.0.9:6000> CONNECT_REQUEST", "CONNECTED".to_owned()),
        ("CONNECT:me:6000", format!("ACK:bob:{port}")),
        ("6000\nCONNECT\n", format!("{own} bob connected")),
        ("10.0.0.9:6000 me hello", String::new()),
        ("QUERY", String::new()),
    ] {
        let mut stream = connect(listener.address());
        stream.write_all(said.as_bytes()).unwrap();
        let answered = String::from_utf8(read_to_end(&mut stream)).unwrap();
        assert_eq!(answered, answer, "{said:?}");
    }
}

#[test]
fn after_port_the_conversation_goes_on() {
    let (home, listener) = listener();
    let port = listener.address().port();
    let mut stream = connect(listener.address());
    stream.write_all(b"PORT:7000").unwrap();
    let expected = format!("PORT:{port}");
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, expected.as_bytes());
    // the header of this program is the receiver's own address
    stream.write_all(format!("{} Cipher hello", listener.target()).as_bytes()).unwrap();
    assert_eq!(read_to_end(&mut stream), b"");
    let greeting = listener.object();
    assert_eq!(greeting["event"], "connect");
    assert_eq!(listener.object()["change"], "joined");
    let message = listener.object();
    assert_eq!(
        (&message["body"], &message["from"]["addr"]),
        (&"hello".into(), &"127.0.0.1:7000".into())
    );
    assert_eq!(home.peer_addresses(), ["127.0.0.1:7000"]);
}

#[test]
fn the_words_exit_and_connect_are_not_messages() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"10.0.0.9:6000 me connect");
    say(listener.address(), b"10.0.0.9:6000 me exit");
    say(listener.address(), b"10.0.0.9:6000 me exit now");
    assert_eq!(listener.line(), "10.0.0.9:6000 me exit now");
}

#[test]
fn bytes_that_are_no_message_of_ours_are_shown_under_their_source() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    for (bytes, line) in [
        (&b"hello"[..], "127.0.0.1 - hello"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", r"127.0.0.1 - GET / HTTP/1.1\r\nHost: x\r\n"),
        (b"\xff\xfe\x00binary", r"127.0.0.1 - \xff\xfe\u{0}binary"),
        (b"10.0.0.9:99999 me Hi", "127.0.0.1 - 10.0.0.9:99999 me Hi"),
        (b"010.0.0.9:5000 me Hi", "127.0.0.1 - 010.0.0.9:5000 me Hi"),
        (b"10.0.0.9:6000 onlyname", "127.0.0.1 - 10.0.0.9:6000 onlyname"),
    ] {
        assert!(say(listener.address(), bytes).starts_with(b"P2P/1 OK "));
        assert_eq!(listener.line(), line);
    }
    let long_name = format!("10.0.0.9:6000 {} text", "n".repeat(65));
    say(listener.address(), long_name.as_bytes());
    assert_eq!(listener.line(), format!("127.0.0.1 - {long_name}"));
    assert_eq!(home.peer_addresses(), Vec::<String>::new());
}

#[test]
fn one_message_is_one_line_whatever_is_in_it() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let forged =
        "10.0.0.9:6000 me line one\n10.0.0.1:5000 boss pay \u{1b}[2K\u{202e}eve\u{200b}\\n";
    say(listener.address(), forged.as_bytes());
    let expected =
        r"10.0.0.9:6000 me line one\n10.0.0.1:5000 boss pay \u{1b}[2K\u{202e}eve\u{200b}\\n";
    assert_eq!(listener.line(), expected);
    // a name cannot leave its column either
    say(listener.address(), "<10.0.0.9:6000> @ <a b\u{1b}[0m\tc>\ntext\n<end>".as_bytes());
    assert_eq!(listener.line(), r"10.0.0.9:6000 a_b\u{1b}[0m\tc text");
}

#[test]
fn a_reset_after_a_message_is_an_ordinary_end() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let mut stream = connect(listener.address());
    stream.write_all(b"10.0.0.9:6000 me cut off").unwrap();
    socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::from_secs(0))).unwrap();
    drop(stream);
    assert_eq!(listener.line(), "10.0.0.9:6000 me cut off");
}

#[test]
fn a_long_message_may_pause_on_its_way() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    let mut stream = connect(listener.address());
    stream.write_all(format!("10.0.0.9:6000 me {}", "a".repeat(2000)).as_bytes()).unwrap();
    // a slow link owes us the rest; only time can show that we wait for it
    std::thread::sleep(std::time::Duration::from_millis(600));
    stream.write_all("b".repeat(2000).as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(read_to_end(&mut stream).starts_with(b"P2P/1 OK 4017 "));
    assert_eq!(listener.line().len(), 4017);
}

#[test]
fn raw_output_is_the_exact_text() {
    let home = Home::new("bob");
    let listener = Listener::start_with(&home, &["-b", "127.0.0.1", "--raw"]);
    say(listener.address(), "10.0.0.9:6000 me a\\b\tc\nsecond".as_bytes());
    assert_eq!(listener.line(), "10.0.0.9:6000 me a\\b\tc");
    assert_eq!(listener.line(), "second");
}
