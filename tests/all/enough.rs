//! A listener that is there for something: so many messages, so long, from some peers only.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Home, Listener, connect, outcome, read_to_end, refusal, say, say_from};

fn waiting(home: &Home, arguments: &[&str]) -> Listener {
    Listener::start_with(home, &[&["-b", "127.0.0.1"], arguments].concat())
}

#[test]
fn one_message_is_enough_for_it() {
    let (home, alice) = (Home::new("bob"), Home::new("alice"));
    let listener = waiting(&home, &["-1", "--json"]);
    assert_eq!(listener.object()["event"], "listening");
    alice.run(["ping", &listener.target(), "-q"]).is(0, "", "");
    alice.run(["send", &listener.target(), "one"]).is(0, "", "");
    let (status, lines) = listener.wait();
    assert_eq!(status.code(), Some(0));
    let kinds: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kinds.last().unwrap()["reason"], "count");
    assert_eq!(kinds.last().unwrap()["messages"], 1);
    assert_eq!(kinds.iter().filter(|kind| kind["event"] == "message").count(), 1);
}

#[test]
fn of_many_at_once_it_takes_as_many_as_it_should() {
    const WANTED: usize = 5;
    let home = Home::new("bob");
    let listener = waiting(&home, &["-n", "5"]);
    let to = listener.address();
    let acknowledged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..40 {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let Ok(mut stream) = std::net::TcpStream::connect(to) else { return };
                let _ = stream.write_all(format!("127.0.0.1:6000 me {number}").as_bytes());
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let reply = read_to_end(&mut stream);
                acknowledged
                    .fetch_add(usize::from(reply.starts_with(b"P2P/1 OK ")), Ordering::SeqCst);
            });
        }
    });
    let (status, lines) = listener.wait();
    assert_eq!((status.code(), lines.len()), (Some(0), WANTED), "{lines:?}");
    assert_eq!(acknowledged.load(Ordering::SeqCst), WANTED);
    assert_eq!(home.run(["log"]).stdout.lines().count(), WANTED);
}

#[test]
fn what_is_too_much_of_one_connection_is_neither_acknowledged_nor_refused() {
    let home = Home::new("bob");
    let listener = waiting(&home, &["-n", "2"]);
    // two of three are kept: to send all of it again would be wrong, and so would not to
    assert_eq!(say(listener.address(), b"6000\nme\nCONNECT\none\ntwo\nthree"), b"");
    let (status, lines) = listener.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(lines, ["127.0.0.1:6000 me one", "127.0.0.1:6000 me two"]);
}

#[test]
fn it_ends_at_once_although_somebody_is_still_talking() {
    let home = Home::new("bob");
    home.configure("[limits]\nmessage_time = \"1h\"\n");
    let listener = waiting(&home, &["-1"]);
    let mut slow = connect(listener.address());
    slow.write_all(b"127.0.0.1:6000 me half of").unwrap();
    let start = std::time::Instant::now();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // never quiet for long enough to be complete
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) && slow.write_all(b".").is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
        assert!(say(listener.address(), b"127.0.0.1:6001 you all").starts_with(b"P2P/1 OK "));
        let (status, lines) = listener.wait();
        stop.store(true, Ordering::SeqCst);
        assert_eq!(
            (status.code(), lines.as_slice()),
            (Some(0), &["127.0.0.1:6001 you all".to_owned()][..])
        );
    });
    assert!(start.elapsed() < std::time::Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn its_time_can_be_limited() {
    let home = Home::new("bob");
    let call = ["listen", "-p", "0", "-b", "127.0.0.1", "-q", "-t", "50ms"];
    home.run(call).is(1, "", "");
    home.run(call.iter().chain(&["-1"])).is(5, "", "error: no message came within 50ms\n");
    let mut command = home.command();
    command.args(call).arg("--json");
    let said = outcome(&mut command, None);
    let objects: Vec<serde_json::Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["listening", "stopped", "error"]);
    assert_eq!(
        (&objects[1]["reason"], &objects[2]["code"]),
        (&"timeout".into(), &"nothing".into())
    );

    let listener = waiting(&home, &["-t", "700ms"]);
    assert!(say(listener.address(), b"127.0.0.1:6000 me something").starts_with(b"P2P/1 OK "));
    let (status, lines) = listener.wait();
    assert_eq!((status.code(), lines.len()), (Some(0), 1));
}

#[test]
fn who_is_not_wanted_is_refused_and_told() {
    let (home, alice) = (Home::new("bob"), Home::new("alice"));
    home.run(["peers", "add", "sensor", "127.0.0.1:7001"]).succeeds();
    let listener = waiting(&home, &["--from", "sensor", "--from", "127.0.0.3:7003"]);
    let to = listener.address();
    alice.run(["send", &listener.target(), "let me in"]).is(
        6,
        "",
        &format!("error: bob ({to}) refused it: it does not take such messages from us\n"),
    );
    // a greeting is no message, and tells whether the listener is there
    alice.run(["ping", &listener.target(), "-q"]).is(0, "", "");
    for (source, bytes) in [
        ("127.0.0.1", &b"127.0.0.1:7002 sensor wrong port"[..]),
        ("127.0.0.1", b"no address at all"),
        // the address of the wanted one, said by another machine
        ("127.0.0.1", b"127.0.0.3:7003 sensor from elsewhere"),
        ("127.0.0.2", b"127.0.0.1:7001 sensor from elsewhere"),
    ] {
        let reply = say_from(source, to, bytes);
        assert_eq!(refusal(&reply), "denied", "{source} {}", String::from_utf8_lossy(bytes));
    }
    assert!(say(to, b"127.0.0.1:7001 whoever 42").starts_with(b"P2P/1 OK "));
    assert!(say_from("127.0.0.3", to, b"127.0.0.3:7003 x 43").starts_with(b"P2P/1 OK "));
    assert_eq!(listener.line(), "127.0.0.1:7001 whoever 42");
    assert_eq!(listener.line(), "127.0.0.3:7003 x 43");
    assert_eq!(listener.stop().1, [""; 0]);
    assert_eq!(home.run(["log"]).stdout.lines().count(), 2);
    assert!(home.peer("127.0.0.1:7002").is_none(), "who was refused is not entered");
    home.run(["listen", "-p", "0", "--from", "senser"])
        .is(2, "", "error: no known peer is called `senser`\nhint: did you mean `sensor`? `p2p peers` lists all\n");
}

#[test]
fn a_claimed_name_lets_nobody_in() {
    let home = Home::new("bob");
    let listener = Listener::start(&home);
    say(listener.address(), b"127.0.0.1:7001 alice it's me");
    say_from("127.0.0.2", listener.address(), b"127.0.0.9:7002 carol it's me");
    listener.stop();
    let refused = "error: nobody has entered who `alice` is, 127.0.0.1:7001 only says so\n\
                   hint: if it is: p2p peers add alice 127.0.0.1:7001\n";
    home.run(["listen", "-p", "0", "--from", "alice"]).is(2, "", refused);
    home.configure("[[hook]]\nfrom = \"alice\"\nrun = \"true\"\n");
    home.run(["listen", "-p", "0"]).fails(2, "nobody has entered who `alice` is");
    home.configure("");
    // by its address, a mere claim is not let in from where it was made
    let listener = waiting(&home, &["--from", "127.0.0.9:7002"]);
    let claim = b"127.0.0.9:7002 carol let me in";
    assert_eq!(refusal(&say_from("127.0.0.2", listener.address(), claim)), "denied");
    assert!(say_from("127.0.0.9", listener.address(), claim).starts_with(b"P2P/1 OK "));
}

#[test]
fn one_connection_is_taken_whole_or_not_at_all() {
    let home = Home::new("bob");
    let listener = waiting(&home, &["--from", "127.0.0.1:7001"]);
    let mixed = b"7001\nme\nCONNECT\n127.0.0.1:7001 me good\n127.0.0.1:9 you bad";
    assert_eq!(refusal(&say(listener.address(), mixed)), "denied");
    assert_eq!(listener.stop().1, [""; 0]);
}

#[test]
fn who_is_refused_before_its_end_of_stream_still_learns_it() {
    let home = Home::new("bob");
    let listener = waiting(&home, &["--from", "127.0.0.1:7001"]);
    let mut late = connect(listener.address());
    late.write_all(b"127.0.0.1:7009 me let me in").unwrap();
    // longer than a connection has to be quiet for its message to be complete
    std::thread::sleep(std::time::Duration::from_millis(700));
    late.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(refusal(&read_to_end(&mut late)), "denied");
    // and who never ends it is not kept
    let mut never = connect(listener.address());
    never.write_all(b"127.0.0.1:7009 me let me in").unwrap();
    let start = std::time::Instant::now();
    assert_eq!(read_to_end(&mut never), b"");
    assert!(start.elapsed() < std::time::Duration::from_secs(8), "{:?}", start.elapsed());
}
