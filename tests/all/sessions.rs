//! Messages in sessions: once and only once, of any bytes, with topics and replies, line by line.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{
    Home, Listener, Nobody, PATIENCE, connect, outcome, read_to_end, refusal, say,
};

/// A listener at a place that it keeps when it is started again.
fn listen_at(home: &Home, place: &Nobody) -> Listener {
    let mut command = home.command();
    command.args(["listen", "-b", "127.0.0.1", "-p", &place.port().to_string()]);
    Listener::spawn(command)
}

fn bodies(home: &Home) -> Vec<String> {
    let log = home.json(&["log"]);
    log.iter().filter_map(|message| message["body"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_message_with_the_same_id_is_shown_once_also_by_the_next_listener() {
    let (alice, bob, carol) = (Home::new("alice"), Home::new("bob"), Home::new("carol"));
    let place = Nobody::new();
    let target = place.target();
    let send = |home: &Home, text: &str| {
        home.run(["send", &target, "--id", "backup-7", text]).is(0, "", "");
    };
    let at_bob = listen_at(&bob, &place);
    send(&alice, "once");
    send(&alice, "once");
    send(&carol, "the id of another key is another");
    assert_eq!(at_bob.line(), "127.0.0.1 alice once");
    assert_eq!(at_bob.line(), "127.0.0.1 carol the id of another key is another");
    at_bob.signal("KILL");
    at_bob.wait();
    // what a kill may have kept from being written down is in the history
    std::fs::remove_file(bob.file("messages.seen")).unwrap();
    for _ in 0..2 {
        let at_bob = listen_at(&bob, &place);
        send(&alice, "once");
        assert_eq!(at_bob.stop().1, Vec::<String>::new());
    }
    // and when the history has lost it, it is written down
    std::fs::remove_file(bob.file("messages.ndjson")).unwrap();
    let at_bob = listen_at(&bob, &place);
    send(&alice, "once");
    alice.run(["send", &target, "last"]).is(0, "", "");
    assert_eq!(at_bob.stop().1, ["127.0.0.1 alice last"]);
    alice.run(["send", &target, "--id", "no blanks", "x"]).fails(2, "an id has 1 to 64 letters");
}

#[test]
fn two_at_once_with_the_same_id_are_one_message() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    alice.run(["ping", &at_bob.target()]).succeeds();
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let mut command = alice.command();
            let id = format!("id{}", number % 2);
            command.args(["send", &at_bob.target(), "--id", &id, &id]);
            std::thread::spawn(move || outcome(&mut command, None).is(0, "", ""))
        })
        .collect();
    calls.into_iter().for_each(|call| call.join().unwrap());
    let mut lines = at_bob.stop().1;
    lines.sort();
    assert_eq!(lines, ["127.0.0.1 alice id0", "127.0.0.1 alice id1"]);
}

#[test]
fn lines_survive_a_listener_that_is_killed_again_and_again_and_none_comes_twice() {
    const LINES: usize = 20_000;
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let place = Nobody::new();
    let mut at_bob = listen_at(&bob, &place);
    alice.run(["ping", &place.target()]).succeeds();
    let mut command = alice.command();
    command.args(["send", &place.target(), "--lines", "--retry-for", "20s"]);
    let mut sender = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = sender.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for number in 0..LINES {
            writeln!(input, "line {number}").unwrap();
            if number % 1000 == 999 {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    });
    let mut shown = Vec::new();
    let mut kills = 0;
    while !writer.is_finished() {
        std::thread::sleep(Duration::from_millis(120));
        at_bob.signal("KILL");
        shown.extend(at_bob.wait().1);
        kills += 1;
        at_bob = listen_at(&bob, &place);
    }
    writer.join().unwrap();
    let ended = sender.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""));
    shown.extend(at_bob.stop().1);
    let expected: Vec<_> = (0..LINES).map(|number| format!("line {number}")).collect();
    assert_eq!(bodies(&bob), expected, "each once and in order");
    let mut counts: HashMap<&str, usize> = HashMap::new();
    shown.iter().for_each(|line| *counts.entry(line).or_default() += 1);
    assert!(counts.values().all(|count| *count == 1), "nothing is shown twice");
    println!("{LINES} lines, {kills} kills: 0 lost, 0 twice");
    assert!(kills >= 5, "{kills}");
}

/// A way to a listener that counts what goes there, and can gather it.
struct Relay {
    target: String,
    came: Arc<AtomicUsize>,
    least: Arc<AtomicUsize>,
}

impl Relay {
    fn to(listener: SocketAddr) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = socket.local_addr().unwrap().to_string();
        let (came, least) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
        let relay = Self { target, came: Arc::clone(&came), least: Arc::clone(&least) };
        std::thread::spawn(move || {
            for mut caller in socket.incoming().flatten() {
                let mut there = TcpStream::connect(listener).unwrap();
                let (mut answers, mut back) =
                    (there.try_clone().unwrap(), caller.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut answers, &mut back);
                    let _ = back.shutdown(Shutdown::Write);
                });
                let (mut gathered, mut chunk) = (Vec::new(), [0; 4096]);
                while let Ok(count @ 1..) = caller.read(&mut chunk) {
                    came.fetch_add(count, Ordering::SeqCst);
                    gathered.extend_from_slice(&chunk[..count]);
                    if gathered.len() >= least.load(Ordering::SeqCst) {
                        let _ = there.write_all(&gathered);
                        gathered.clear();
                    }
                }
                let _ = there.write_all(&gathered);
                let _ = there.shutdown(Shutdown::Write);
            }
        });
        relay
    }

    /// How many bytes have come for the listener.
    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }

    /// From now on so many bytes go on together.
    fn gather(&self, bytes: usize) {
        self.least.store(bytes, Ordering::SeqCst);
    }
}

#[test]
fn lines_go_as_they_come_and_the_first_that_is_refused_ends_it() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "-n", "5"]);
    let relay = Relay::to(at_bob.address());
    alice.run(["ping", &relay.target, "-q"]).succeeds();
    let mut command = alice.command();
    command.args(["send", &relay.target, "--lines", "--json", "--topic", "app"]);
    let mut sender = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = sender.stdin.take().unwrap();
    let mut came = 0;
    for number in [1, 2] {
        came = relay.came();
        writeln!(input, "line {number}").unwrap();
        assert_eq!(at_bob.line(), format!("127.0.0.1 alice line {number}"), "at once");
    }
    /// What TLS 1.3 adds to what goes together (RFC 8446, section 5.2): a header, the type, and a tag.
    const RECORD_BYTES: usize = 5 + 1 + 16;
    // a listener that has enough refuses what has come by then, and hears nothing more: so they have to come together, and
    // each is as long as the last one, however many of them are in a record
    relay.gather(5 * (relay.came() - came - RECORD_BYTES));
    write!(input, "\n\r\nline 5\r\nline 6\nline 7\nline 8\nline 9").unwrap();
    drop(input);
    let ended = sender.wait_with_output().unwrap();
    let objects: Vec<serde_json::Value> = ended
        .stdout
        .split(|b| *b == b'\n')
        .filter_map(|l| serde_json::from_slice(l).ok())
        .collect();
    // the empty ones are left out, but counted
    let lines: Vec<_> = objects.iter().filter_map(|o| o["line"].as_u64()).collect();
    assert_eq!(lines, [1, 2, 5, 6, 7, 8, 9], "{objects:?}");
    let statuses: Vec<_> = objects.iter().filter_map(|o| o["status"].as_str()).collect();
    // what follows the one that was refused is not kept either
    assert_eq!(statuses, ["acked", "acked", "acked", "acked", "acked", "failed", "failed"]);
    assert_eq!(objects[5]["error"]["code"], "busy");
    let last = objects.last().unwrap();
    assert_eq!(last["event"], "error");
    assert!(last["message"].as_str().unwrap().starts_with("lines 8 to 9: "), "{objects:?}");
    assert_eq!(ended.status.code(), Some(6));
    assert_eq!(at_bob.wait().1.len(), 3, "nothing after the one that was refused");
    let log = bob.json(&["log", "--topic", "ap?"]);
    assert_eq!(
        (log.len(), &log[4]["body"], &log[4]["topic"]),
        (5, &"line 7".into(), &"app".into())
    );
    let sent = alice.json(&["log", "--sent", "--topic", "app"]);
    assert_eq!((sent.len(), &sent[5]["status"]), (7, &"failed".into()));
    assert_eq!(sent[5]["body"], "line 8");
}

#[test]
fn lines_wait_for_a_listener_that_was_away_while_there_was_nothing_to_say() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let place = Nobody::new();
    let at_bob = listen_at(&bob, &place);
    let mut command = alice.command();
    command.args(["send", &place.target(), "--lines"]);
    let mut sender = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = sender.stdin.take().unwrap();
    writeln!(input, "before").unwrap();
    assert_eq!(at_bob.line(), "127.0.0.1 alice before");
    at_bob.stop();
    let at_bob = listen_at(&bob, &place);
    writeln!(input, "after").unwrap();
    drop(input);
    assert_eq!(at_bob.line(), "127.0.0.1 alice after");
    assert!(sender.wait().unwrap().success());
}

/// Passes on all that is said to a listener, and of what it says only its part of the handshake.
fn mute(to: SocketAddr) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut caller = socket.accept().unwrap().0;
        // from now on nobody is there
        drop(socket);
        let mut listener = connect(to);
        let (mut back, mut answers) = (caller.try_clone().unwrap(), listener.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut caller, &mut listener));
        let mut chunk = [0; 4096];
        let count = answers.read(&mut chunk).unwrap();
        back.write_all(&chunk[..count]).unwrap();
        std::thread::sleep(Duration::from_secs(2));
    });
    target
}

#[test]
fn lines_that_may_have_arrived_are_never_told_to_be_unsent() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let key = bob.json(&["id"])[0]["key"].as_str().unwrap().to_owned();
    // the handshake comes through, the answers do not, and then nobody is there
    let target = mute(at_bob.address());
    alice.run(["peers", "add", "bob", &target, "--key", &key]).is(0, "", "");
    let call = ["send", "bob", "--lines", "-t", "1s", "--retry-for", "3s", "--json"];
    let said = alice.run_with_stdin(&call, b"one\ntwo\n");
    assert_eq!(said.status.code(), Some(5), "{}", said.report());
    assert_eq!(said.stdout.matches("\"status\":\"unconfirmed\"").count(), 2, "{}", said.report());
    assert_eq!(at_bob.line(), "127.0.0.1 alice one");
    assert_eq!(at_bob.line(), "127.0.0.1 alice two");

    // nor one message
    let target = mute(at_bob.address());
    alice.run(["peers", "add", "again", &target, "--key", &key]).is(0, "", "");
    let said = alice.run(["send", "again", "three", "-t", "1s", "--retry-for", "3s"]);
    said.fails(5, "an earlier try may have arrived");
    assert_eq!(at_bob.line(), "127.0.0.1 alice three");
}

#[test]
fn a_line_that_cannot_be_sent_is_no_fault_of_the_peer_and_of_no_other_line() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let text = [&b"one\ntwo\n"[..], &vec![b'x'; 1_100_000], b"\nfour\n"].concat();
    let said = alice.run_with_stdin(&["send", &at_bob.target(), "--lines"], &text);
    said.is(6, "", "error: line 3 is longer than 1048576 bytes\n");
    assert_eq!(at_bob.stop().1, ["127.0.0.1 alice one", "127.0.0.1 alice two"]);
    let sent = alice.json(&["log", "--sent"]);
    assert!(sent.len() == 2 && sent.iter().all(|sent| sent["status"] == "acked"), "{sent:?}");
}

#[test]
fn lines_go_to_a_plain_program_one_after_the_other() {
    let alice = Home::new("alice");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = socket.local_addr().unwrap().to_string();
    let program = std::thread::spawn(move || {
        let read = |stream: std::io::Result<_>| {
            String::from_utf8(read_to_end(&mut stream.unwrap())).unwrap()
        };
        socket.incoming().take(4).map(read).collect::<Vec<_>>()
    });
    alice.run_with_stdin(&["send", &target, "--lines"], b"one\n\ntwo\nthree\n").is(0, "", "");
    let heard = program.join().unwrap();
    assert!(heard[0].ends_with(" alice connect"));
    let texts: Vec<_> = heard[1..].iter().map(|h| h.rsplit(' ').next().unwrap()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[test]
fn a_session_carries_any_bytes_up_to_the_limit() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    let target = at_bob.target();
    let message = || {
        loop {
            let object = at_bob.object();
            if object["event"] == "message" {
                break object;
            }
        }
    };
    let all: Vec<u8> = (0..=255).collect();
    alice.run_with_stdin(&["send", &target, "-"], &all).is(0, "", "");
    let encoded = message()["body_base64"].as_str().unwrap().to_owned();
    assert!(encoded.starts_with("AAECAwQF") && encoded.len() == 344);
    for text in ["exit", "connect", "  ", "127.0.0.1:1 eve forged", ""] {
        alice.run(["send", &target, "--allow-empty", text]).is(0, "", "");
        assert_eq!(message()["body"], text);
    }
    let kept = alice.run(["log", "--sent", "--raw", "-n", "2"]).stdout;
    assert!(kept.contains(" acked 127.0.0.1:1 eve forged\n") && kept.ends_with(" acked \n"));
    let most = vec![b'x'; 1024 * 1024];
    alice.run_with_stdin(&["send", &target], &most).is(0, "", "");
    assert_eq!(message()["body"].as_str().unwrap().len(), most.len());
}

#[test]
fn a_message_over_the_limit_is_refused() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    bob.configure("[listen]\nmax_size = 1000\n");
    let at_bob = Listener::start(&bob);
    let send = |bytes: usize| alice.run_with_stdin(&["send", &at_bob.target()], &vec![b'x'; bytes]);
    send(1000).is(0, "", "");
    send(1001).fails(6, "the message is too large for it");
    send(1_000_000).fails(6, "the message is too large for it");
    assert_eq!(at_bob.stop().1.len(), 1);
}

#[test]
fn topics_choose_what_is_taken_run_and_shown() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let noted = bob.path().parent().unwrap().join("noted");
    let note = format!("echo \"$P2P_TOPIC $P2P_ID $P2P_KEY\" >> {}", noted.display());
    bob.configure(&format!("[[hook]]\ntopic = [\"lab/*\", \"x\"]\nrun = '''{note}'''\n"));
    let taken = ["-b", "127.0.0.1", "--topic", "lab/*", "--topic", "de?loy"];
    let at_bob = Listener::start_with(&bob, &taken);
    let target = at_bob.target();
    let send = |topic: &[&str]| alice.run([&["send", &target, "hi"], topic].concat());
    send(&["--topic", "lab/temp", "--id", "7"]).is(0, "", "");
    send(&["--topic", "deploy"]).is(0, "", "");
    send(&["--topic", "other"]).fails(6, "does not take such messages");
    send(&[]).fails(6, "does not take such messages");
    assert_eq!(refusal(&say(at_bob.address(), b"127.0.0.1:6000 me hi")), "denied");
    send(&["--topic", "two words"]).fails(2, "a topic is one word");
    assert_eq!(at_bob.stop().1, ["127.0.0.1 alice hi", "127.0.0.1 alice hi"]);
    let key = alice.json(&["id"])[0]["key"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&noted).unwrap(), format!("lab/temp 7 {key}\n"));
    assert_eq!(bob.run(["log", "--topic", "deploy"]).stdout.lines().count(), 1);
    bob.run(["log", "--topic", "nothing"]).is(1, "", "");
}

#[test]
fn a_reply_is_what_the_command_printed_with_its_status() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let answer = "read -r text; echo \"answer to $text\"; echo said aside >&2; \
                  case $text in fail) exit 3;; killed) kill -9 $$;; long) head -c 70000 /dev/zero;; \
                  slow) sleep 5;; bytes) printf '\\377';; esac";
    let hook = ["-b", "127.0.0.1", "-x", answer, "--reply", "--exec-timeout", "2s"];
    let at_bob = Listener::start_with(&bob, &hook);
    let target = at_bob.target();
    let ask = |text: &str| alice.run(["send", &target, "--reply", text]);
    ask("one").is(0, "answer to one\n", "");
    let failed = ask("fail");
    failed.fails(6, "bob (").fails(6, "its command ended with status 3");
    assert_eq!(failed.stdout, "answer to fail\n");
    ask("killed").fails(6, "its command failed: killed");
    ask("long").fails(6, "its reply is too long");
    ask("slow").fails(6, "its command was not done in time");
    let objects = alice.json(&["send", &target, "--reply", "bytes"]);
    assert!(objects[0]["reply_base64"].as_str().is_some() && objects[0]["status"] == "acked");
    let objects = alice.json(&["send", &target, "--reply", "fail"]);
    assert_eq!(
        (&objects[0]["status"], &objects[0]["reply"]),
        (&"acked".into(), &"answer to fail\n".into())
    );
    assert_eq!(objects[0]["error"]["code"], "hook_failed");
    let late = ["send", &target, "--reply", "slow", "-t", "500ms", "--retry", "5"];
    alice.run(late).fails(6, "no reply within 500ms");
    // a question that is repeated is not asked again
    let again = || alice.run(["send", &target, "--reply", "--id", "q", "one"]);
    again().is(0, "answer to one\n", "");
    again().fails(6, "it has had the message before");
    // who does not ask gets none, and the command's words are shown here
    alice.run(["send", &target, "unasked"]).is(0, "", "");
    let lines = alice.run(["broadcast", "--to", &target, "--reply", "all"]);
    assert!(lines.succeeds().stdout.ends_with(" ms answer to all\n"), "{}", lines.report());
    let start = Instant::now();
    let mut said = Vec::new();
    while !said.iter().any(|line| line == "answer to unasked") {
        said.extend(at_bob.all_said());
        assert!(start.elapsed() < PATIENCE, "{said:?}");
    }
    assert!(said.iter().all(|line| line != "answer to one"), "{said:?}");
    at_bob.stop();

    let silent = Listener::start(&bob);
    alice.run(["send", &silent.target(), "--reply", "anybody?"]).fails(6, "it gives no reply");
    assert_eq!(bodies(&bob).last().unwrap(), "anybody?", "it has it all the same");
}

#[test]
fn a_greeting_and_a_goodbye_are_of_the_session_too() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_alice = Listener::start(&alice);
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "--json"]);
    let said = alice.run(["ping", &at_bob.target()]);
    let expected = format!("{} bob encrypted ", at_bob.target());
    assert!(said.succeeds().stdout.starts_with(&expected), "{}", said.report());
    let pong = &alice.json(&["ping", "bob"])[0];
    assert_eq!((&pong["plain"], &pong["native"]), (&false.into(), &true.into()));
    assert_eq!(pong["key"], bob.json(&["id"])[0]["key"]);
    alice.run(["leave"]).succeeds();
    at_alice.stop();
    let objects: Vec<serde_json::Value> =
        at_bob.stop().1.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |name: &str| objects.iter().filter(|o| o["event"] == name && o["plain"] == false).count();
    assert_eq!(of("connect"), 2, "{objects:?}");
    assert!(of("exit") >= 1, "{objects:?}");
    let left = objects.iter().find(|o| o["change"] == "left").unwrap();
    assert_eq!(left["peer"]["name"], "alice");
}

#[test]
fn ids_count_although_the_history_is_switched_off() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    bob.configure("[listen]\nhistory = 0\n");
    let place = Nobody::new();
    for expected in [1, 0, 0] {
        let at_bob = listen_at(&bob, &place);
        alice.run(["send", &place.target(), "--id", "7", "once"]).is(0, "", "");
        assert_eq!(at_bob.stop().1.len(), expected);
    }
}

#[test]
fn the_same_message_twice_is_acknowledged_only_if_it_was_kept() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "-n", "2"]);
    alice.run(["ping", &at_bob.target()]).succeeds();
    // more than are wanted, most of them with the same id, all at once
    let calls: Vec<_> = (0..12)
        .map(|number| {
            let mut command = alice.command();
            let id = if number == 0 { "first" } else { "second" };
            let id = if number > 6 { "third" } else { id };
            command.args(["send", &at_bob.target(), "--id", id, id]);
            std::thread::spawn(move || (id, outcome(&mut command, None).status.code()))
        })
        .collect();
    let ended: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    let kept = bodies(&bob);
    assert_eq!(kept.len(), 2);
    for (id, status) in ended {
        let is_kept = kept.iter().any(|body| body == id);
        assert!(status != Some(0) || is_kept, "{id} was acknowledged and not kept");
    }
}

#[test]
fn a_listener_that_has_enough_still_gives_its_reply() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    // longer than it waits for anything else
    let answer = ["-b", "127.0.0.1", "-1", "-x", "sleep 6; echo answer", "--reply"];
    let at_bob = Listener::start_with(&bob, &answer);
    let call = ["send", &at_bob.target(), "--reply", "question", "-t", "15s"];
    alice.run(call).is(0, "answer\n", "");
    assert_eq!(at_bob.wait().0.code(), Some(0));
}

#[test]
fn who_waits_for_a_reply_holds_up_nobody() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let slow = ["-b", "127.0.0.1", "-x", "sleep 8", "--reply"];
    let at_bob = Listener::start_with(&bob, &slow);
    let big = alice.path().parent().unwrap().join("big");
    std::fs::write(&big, vec![b'x'; 1 << 20]).unwrap();
    alice.run(["ping", &at_bob.target()]).succeeds();
    // more than all waiting messages may take together
    let waiting: Vec<_> = (0..6)
        .map(|_| {
            let mut command = alice.command();
            command.args(["send", &at_bob.target(), "--reply", "-t", "5s", "-f"]).arg(&big);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    while bodies(&bob).len() < 6 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let start = Instant::now();
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
    assert!(say(at_bob.address(), b"127.0.0.1:6000 me hi").starts_with(b"P2P/1 OK "));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for mut child in waiting {
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[test]
fn twenty_thousand_lines_over_32_sessions_arrive_once_though_the_listener_is_told_to_stop() {
    const SENDERS: usize = 32;
    const LINES: usize = 625;
    let bob = Home::new("bob");
    let place = Nobody::new();
    let mut at_bob = listen_at(&bob, &place);
    let target = place.target();
    let alice = Home::new("alice");
    alice.run(["ping", &target]).succeeds();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let mut command = alice.command();
            command.args(["send", &target, "--lines", "--retry-for", "20s", "-t", "10s"]);
            let text: String = (0..LINES).map(|line| format!("{sender}-{line}\n")).collect();
            std::thread::spawn(move || outcome(&mut command, Some(text.as_bytes())).is(0, "", ""))
        })
        .collect();
    let mut shown = Vec::new();
    let mut stops = 0;
    while senders.iter().any(|sender| !sender.is_finished()) && stops < 50 {
        std::thread::sleep(Duration::from_millis(150));
        at_bob.signal("TERM");
        let (status, lines) = at_bob.wait();
        assert_eq!(status.code(), Some(0));
        shown.extend(lines);
        stops += 1;
        at_bob = listen_at(&bob, &place);
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    shown.extend(at_bob.stop().1);
    let mut kept = bodies(&bob);
    assert_eq!((kept.len(), shown.len()), (SENDERS * LINES, SENDERS * LINES));
    for sender in 0..SENDERS {
        let prefix = format!("{sender}-");
        let of: Vec<_> = kept.iter().filter(|body| body.starts_with(&prefix)).collect();
        let expected: Vec<_> = (0..LINES).map(|line| format!("{sender}-{line}")).collect();
        assert!(of.into_iter().eq(&expected), "{sender}: each once and in order");
    }
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), SENDERS * LINES);
    println!("{} lines over {SENDERS} sessions, {stops} stops: 0 lost, 0 twice", kept.len());
}

#[test]
fn who_waits_for_a_reply_makes_room_for_others() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    bob.configure("[limits]\nconnections = 4\n");
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "-x", "sleep 8", "--reply"]);
    alice.run(["ping", &at_bob.target()]).succeeds();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let mut command = alice.command();
            command.args(["send", &at_bob.target(), "--reply", "-t", "10s", "question"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    while bodies(&bob).len() < 4 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let start = Instant::now();
    alice.run(["send", &at_bob.target(), "hi"]).is(0, "", "");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for mut child in waiting {
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[test]
fn a_reply_cannot_touch_the_terminal() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let answer = "printf '\\033[31mred\\033[0m\\nnext\\n'";
    let at_bob = Listener::start_with(&bob, &["-b", "127.0.0.1", "-x", answer, "--reply"]);
    let call = format!("{} send {} --reply hi", crate::support::P2P, at_bob.target());
    let mut script = std::process::Command::new("script");
    script.env_clear().env("P2P_HOME", alice.path()).env("PATH", "/usr/bin:/bin");
    let shown = outcome(script.args(["-qec", &call, "/dev/null"]), Some(b""));
    assert!(
        shown.stdout.contains(r"\u{1b}[31mred") && !shown.stdout.contains('\u{1b}'),
        "{}",
        shown.report()
    );
    // into a pipe it is what it was
    let piped = alice.run(["send", &at_bob.target(), "--reply", "hi"]);
    assert_eq!(piped.stdout, "\u{1b}[31mred\u{1b}[0m\nnext\n");
}
