//! Output that scripts can rely on: closed pipes, full devices, silence without a terminal.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::support::{Home, Listener, P2P, outcome, wait_for_end};

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let home = Home::new("me");
    for number in 0..200 {
        let record = format!("{{\"v\":1,\"addr\":\"10.0.0.1:{}\"}}\n", 1000 + number);
        std::fs::create_dir_all(home.path()).unwrap();
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.create(true).append(true).open(home.file("peers")).unwrap();
        std::io::Write::write_all(&mut file, record.as_bytes()).unwrap();
    }
    assert_eq!(home.run(["peers"]).succeeds().stdout.lines().count(), 200);
    let mut shell = std::process::Command::new("/bin/bash");
    shell.env_clear().env("P2P_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    shell.args(["-c", &format!("set -o pipefail; {P2P} peers | true; echo ${{PIPESTATUS[0]}}")]);
    outcome(&mut shell, None).is(0, "0\n", "");
}

#[test]
fn an_output_that_cannot_be_written_is_exit_8() {
    let home = Home::new("me");
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    for call in [
        &["--help"][..],
        &["config", "show"],
        &["completions", "bash"],
        &["config", "path", "--json"],
    ] {
        let mut command = home.command();
        let output = command.args(call).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(8), "{call:?}: {said}");
        assert_eq!(said, "error: cannot write the output: No space left on device (os error 28)\n");
    }
    let mut listen = home.command();
    listen.args(["listen", "-p", "0", "-b", "127.0.0.1", "-q"]);
    let mut child = listen.stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
    // it is in the history by then: neither acknowledged nor refused, and not sent a second time
    let said = Home::new("alice").run([
        "send",
        &home.listening().to_string(),
        "hello",
        "--retry-for",
        "500ms",
    ]);
    said.fails(5, "cannot tell whether");
    assert_eq!(wait_for_end(&mut child).code(), Some(8));
    assert_eq!(home.run(["log"]).stdout.lines().count(), 1);
}

#[test]
fn without_a_terminal_success_is_silent_on_stderr() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    for call in [
        &["send", &at_bob.target(), "hi"][..],
        &["ping", &at_bob.target()],
        &["peers"],
        &["peers", "--check"],
        &["config", "check"],
        &["config", "init"],
        &["peers", "add", "x", "10.0.0.1:1"],
        &["broadcast", "--to", &at_bob.target(), "-q", "hi"],
    ] {
        alice.run(call).succeeds();
    }
}

#[test]
fn every_object_has_its_event_and_nothing_else_is_on_stdout() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let at_bob = Listener::start(&bob);
    let to = at_bob.target();
    for (call, events) in [
        (&["send", &to, "hi"][..], &["sent"][..]),
        (&["ping", &to], &["pong"]),
        (&["ping", "--all"], &["pong", "summary"]),
        (&["peers"], &["peer"]),
        (&["broadcast", "hi"], &["sent", "summary"]),
        (&["leave"], &["sent", "summary"]),
        (&["config", "path"], &["paths"]),
        (&["config", "init"], &["done"]),
        (&["peers", "add", "x", "10.0.0.1:1"], &["done"]),
        (&["peers", "rm", "x"], &["done"]),
        (&["send", "nobody", "hi"], &["error"]),
        (&["peers", "--active=0"], &["error"]),
        (&["frobnicate"], &["error"]),
    ] {
        let objects = alice.json(call);
        let found: Vec<_> =
            objects.iter().map(|object| object["event"].as_str().unwrap()).collect();
        assert_eq!(found, events, "{call:?}");
    }
    let shown = alice.json(&["config", "show"]);
    assert!(shown.iter().all(|setting| setting["event"] == "setting"));
}

#[test]
fn json_can_be_asked_for_by_the_environment_and_colours_are_chosen() {
    let home = Home::new("me");
    let call = |variable: &str, value: &str, arguments: &[&str]| {
        let mut command = home.command();
        command.env(variable, value).args(arguments);
        outcome(&mut command, None)
    };
    assert!(call("P2P_JSON", "1", &["config", "path"]).stdout.starts_with("{\"event\":\"paths\""));
    assert!(call("P2P_JSON", "0", &["config", "path"]).stdout.starts_with("config "));
    let red = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: ";
    let unknown = &["send", "nobody", "hi"];
    assert!(call("CLICOLOR_FORCE", "1", unknown).stderr.starts_with(red));
    assert!(
        call("CLICOLOR_FORCE", "1", &["--color", "never", "send", "nobody", "hi"])
            .stderr
            .starts_with("error: ")
    );
    assert!(
        call("NO_COLOR", "1", &["--color", "always", "send", "nobody", "hi"])
            .stderr
            .starts_with(red)
    );
}
