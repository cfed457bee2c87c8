//! Sending one message: where its text comes from, and what its exit status promises.

use crate::support::{Home, Listener, Nobody, P2P};
use std::process::Command;

#[test]
fn a_message_arrives_with_address_and_name() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let (at_alice, at_bob) = (Listener::start(&alice), Listener::start(&bob));
    alice.run(["send", &at_bob.target(), "hello", "there"]).is(0, "", "");
    assert_eq!(at_bob.line(), format!("{} alice hello there", at_alice.target()));
    // bob knows alice by now, and can answer by name
    bob.run(["send", "alice", "hi"]).is(0, "", "");
    assert_eq!(at_alice.line(), format!("{} bob hi", at_bob.target()));
}

#[test]
fn on_request_it_says_what_it_did() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    alice.run(["peers", "add", "bob", &at_bob.target()]).is(0, "", "");
    let said = alice.run(["-v", "send", "bob", "hi"]);
    let key = bob.json(&["id"])[0]["fingerprint"].as_str().unwrap().to_owned();
    let target = at_bob.target();
    let expected = format!(
        "bob ({target}) has the key {key}, which is remembered\ndelivered to bob ({target}) in "
    );
    assert!(
        said.stderr.starts_with(&expected) && said.stderr.ends_with(" ms\n"),
        "{}",
        said.report()
    );

    let objects = alice.json(&["send", "bob", "hi"]);
    let [sent] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!(sent["event"], "sent");
    assert_eq!(sent["status"], "acked");
    assert_eq!(sent["to"], serde_json::json!({"addr": at_bob.target(), "name": "bob"}));
    assert_eq!((&sent["parts"], &sent["attempts"]), (&1.into(), &1.into()));
}

#[test]
fn text_comes_from_words_stdin_or_a_file() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let to = at_bob.target();
    let text_of = |line: String| line.split(' ').skip(2).collect::<Vec<_>>().join(" ");

    alice.run_with_stdin(&["send", &to], b"from a pipe\n").is(0, "", "");
    assert_eq!(text_of(at_bob.line()), "from a pipe");
    alice.run_with_stdin(&["send", &to, "-"], b"two\nlines\n\n").is(0, "", "");
    assert_eq!(text_of(at_bob.line()), r"two\nlines");
    alice.run_with_stdin(&["send", &to, "words"], b"not read").is(0, "", "");
    assert_eq!(text_of(at_bob.line()), "words");
    let file = alice.file("text");
    alice.configure("");
    std::fs::write(&file, "from a file\n").unwrap();
    alice.run(["send", &to, "-f", file.to_str().unwrap()]).is(0, "", "");
    assert_eq!(text_of(at_bob.line()), "from a file");
}

#[test]
fn a_text_that_cannot_be_sent_is_refused_before_anything_is_sent() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let to = at_bob.target();
    let nothing = "error: there is no text to send\nhint: if that is meant: --allow-empty\n";
    alice.run(["send", &to, ""]).is(2, "", nothing);
    alice.run_with_stdin(&["send", &to], b"\n").is(2, "", nothing);
    let plain = |text| alice.run(["send", "--secure", "off", &to, text]);
    plain("exit").fails(2, "error: cannot send `exit` to a plain program: alone it is a command");
    plain("Connected").fails(2, "hint: add a word; to take leave");
    let call = ["send", "--secure", "off", &to];
    alice.run_with_stdin(&call, b"ab\xffcd").fails(2, "byte 2 of it is not UTF-8");
    let long = vec![b'x'; 1024 * 1024 + 1];
    alice.run_with_stdin(&["send", &to], &long).fails(6, "the text is longer than 1048576 bytes");
    alice.run(["send", &to, "the", "first"]).is(0, "", "");
    assert!(at_bob.line().ends_with(" alice the first"));
}

#[test]
fn a_long_text_goes_whole_to_a_p2p() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let text = "नमस्ते ".repeat(2000);
    let said = alice.run_with_stdin(&["-v", "send", &at_bob.target()], text.as_bytes());
    assert_eq!(said.status.code(), Some(0), "{}", said.report());
    assert!(!said.stderr.contains("messages"), "one message: {}", said.report());
    assert!(at_bob.line().ends_with(&format!(" alice {text}")));
}

#[test]
fn nobody_there_is_exit_4() {
    let alice = Home::new("alice");
    let nobody = Nobody::new();
    let port = nobody.target().rsplit(':').next().unwrap().to_owned();
    let said = alice.run(["send", &format!("127.0.0.1:{port}"), "hi"]);
    said.is(
        4,
        "",
        &format!(
            "error: cannot reach 127.0.0.1:{port}: connection refused\n\
             hint: is `p2p listen -p {port}` running here? some programs listen only on the machine's LAN address; to wait for it: --retry-for 30s\n"
        ),
    );
    let objects = alice.json(&["send", &format!("127.0.0.1:{port}"), "hi"]);
    assert_eq!(objects[0]["event"], "sent");
    assert_eq!(objects[0]["error"]["code"], "unreachable");
    assert_eq!(objects[1]["event"], "error");
    assert_eq!(objects[1]["exit"], 4);
    assert!(!alice.file("peers").exists(), "who was not reached is not entered");
}

#[test]
fn a_bare_word_is_only_ever_a_known_name() {
    let alice = Home::new("alice");
    alice.run(["peers", "add", "bob", "127.0.0.1:9"]).is(0, "", "");
    alice.run(["send", "localhost", "hi"]).is(
        2,
        "",
        "error: no known peer is called `localhost`\nhint: give it a name: p2p peers add localhost HOST:PORT\n",
    );
    alice.run(["send", "bbo", "hi"]).is(
        2,
        "",
        "error: no known peer is called `bbo`\nhint: did you mean `bob`? `p2p peers` lists all\n",
    );
}

#[test]
fn the_sender_names_itself_as_its_listener_does() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let at_alice = Listener::start_with(&alice, &["-b", "127.0.0.1", "--name", "queen"]);
    let mut send = Command::new(P2P);
    send.env_clear().env("P2P_HOME", alice.path()).args(["send", &at_bob.target(), "hi"]);
    assert!(send.status().unwrap().success());
    assert_eq!(at_bob.line(), format!("{} queen hi", at_alice.target()));
    send.args(["--name", "other"]);
    assert!(send.status().unwrap().success());
    assert_eq!(at_bob.line(), format!("{} other hi", at_alice.target()));
}

#[test]
fn an_advertised_address_goes_in_the_header() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    alice.configure("[listen]\nadvertise = \"192.0.2.7:7777\"\n");
    let at_bob = Listener::start(&bob);
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
    assert_eq!(at_bob.line(), "192.0.2.7:7777 alice hi");
}
