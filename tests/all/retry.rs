//! Trying again: only what surely has not arrived, for as long as was asked for.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::support::{Home, Listener, Nobody};

/// A program that does something else with each connection, and tells what it has read.
fn program(
    behave: impl Fn(usize, &mut TcpStream) -> Option<&'static [u8]> + Send + 'static,
) -> (String, Receiver<String>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for (number, stream) in socket.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            if tell.send(text).is_err() {
                return;
            }
            match behave(number, &mut stream) {
                Some(reply) => drop(stream.write_all(reply)),
                // it never answers
                None => kept.push(stream),
            }
        }
    });
    (target, heard)
}

#[test]
fn it_waits_for_a_listener_that_is_still_to_start() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let place = Nobody::new();
    let target = place.target();
    let (ping, send) = (
        ["ping", &target, "--retry-for", "20s", "--json"],
        ["send", &target, "--retry", "100", "--json", "hi"],
    );
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| alice.run(send));
        let pong = scope.spawn(|| bob.run(ping));
        // both have been refused at least once
        std::thread::sleep(std::time::Duration::from_millis(300));
        let mut command = bob.command();
        command.args(["listen", "-b", "127.0.0.1", "-p", &place.port().to_string()]);
        let listener = Listener::spawn(command);
        let sent = sent.join().unwrap();
        sent.succeeds();
        let object: serde_json::Value = serde_json::from_str(&sent.stdout).unwrap();
        assert!(object["attempts"].as_u64().unwrap() > 1, "{object}");
        pong.join().unwrap().succeeds();
        assert!(listener.line().ends_with(" alice hi"));
    });
}

#[test]
fn without_being_told_it_tries_once() {
    let home = Home::new("me");
    let nobody = Nobody::new();
    for (arguments, attempts) in
        [(&[][..], 1), (&["--retry", "2"][..], 3), (&["--retry", "0", "--retry-for", "5s"], 1)]
    {
        let target = nobody.target();
        let call = [&["send", &target, "hi"], arguments].concat();
        let objects = home.json(&call);
        assert_eq!(objects[0]["attempts"], attempts, "{call:?}");
        assert_eq!(objects[1]["code"], "unreachable");
    }
    home.run(["ping", &nobody.target(), "--retry", "1"]).fails(4, "error: after 2 tries in ");
    home.configure("[send]\nretry_for = \"300ms\"\n");
    let attempts = |call: &[&str]| home.json(call)[0]["attempts"].as_u64().unwrap();
    assert!(attempts(&["send", &nobody.target(), "hi"]) > 1);
    assert_eq!(attempts(&["send", &nobody.target(), "hi", "--retry", "0"]), 1);
    // a broadcast too, and each peer by itself
    home.run(["peers", "add", "x", &nobody.target()]).succeeds();
    assert!(attempts(&["broadcast", "hi"]) > 1);
}

#[test]
fn a_text_that_may_have_arrived_is_not_sent_again_but_a_greeting_is() {
    let home = Home::new("me");
    let (target, heard) = program(|_, _| None);
    let call = |command: &str, text: &[&str]| {
        let limits = ["-t", "100ms", "--retry", "2", "--secure", "off"];
        let call = [&[command, &target][..], text, &limits].concat();
        let said = home.run(call);
        let heard = heard.try_iter().count();
        (said.fails(said.status.code().unwrap(), "no answer within 100ms").status.code(), heard)
    };
    assert_eq!(call("send", &["hi"]), (Some(5), 1));
    assert_eq!(call("ping", &[]), (Some(5), 3));
    // of a long text only the greeting before it: nothing of it was sent
    assert_eq!(call("send", &[&"long ".repeat(500)]), (Some(4), 3));
}

#[test]
fn a_peer_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let home = Home::new("me");
    let (target, heard) = program(|number, _| match number {
        0 | 1 => Some(b"P2P/1 NO busy retry=1\n"),
        2 | 3 => Some(b""),
        _ => Some(b"P2P/1 NO denied\n"),
    });
    // the greeting three times, then the text
    home.run(["send", &target, "hi", "--retry-for", "20s"]).is(0, "", "");
    assert_eq!(heard.try_iter().count(), 4);
    home.run(["send", &target, "hi", "--retry-for", "20s"]).fails(6, "refused it");
    assert_eq!(heard.try_iter().count(), 1);
}

#[test]
fn a_long_text_goes_on_with_the_part_that_did_not_arrive() {
    let home = Home::new("me");
    // the greeting, then the second of four parts refused twice
    let (target, heard) = program(|number, _| match number {
        2 | 3 => Some(b"P2P/1 NO busy\n"),
        _ => Some(b""),
    });
    let text = "0123456789".repeat(300);
    let objects = home.json(&["send", &target, &text, "--retry", "5"]);
    assert_eq!((&objects[0]["status"], &objects[0]["parts"]), (&"read".into(), &4.into()));
    let heard: Vec<_> = heard.try_iter().skip(1).collect();
    let parts: Vec<_> =
        heard.iter().map(|message| message.splitn(3, ' ').nth(2).unwrap()).collect();
    assert_eq!((parts[1], parts[2]), (parts[3], parts[3]), "the one that was refused");
    assert_eq!([parts[0], parts[3], parts[4], parts[5]].concat(), text);

    // without another try, what came before has arrived, so the whole is not safe to send again
    let (target, _heard) = program(|number, _| match number {
        2 => Some(b"P2P/1 NO busy\n"),
        _ => Some(b""),
    });
    home.run(["send", &target, &text]).fails(5, "part 2 of 4: it cannot take messages now");
}
