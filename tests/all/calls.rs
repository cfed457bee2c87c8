//! Wrong calls, and what they are answered: whole outputs, as their users see them.

use clap::CommandFactory as _;

use crate::support::{Home, Nobody, outcome};

fn usage(message: &str) -> String {
    format!("error: {message}\n")
}

#[test]
fn wrong_calls_are_answered_in_full() {
    let home = Home::new("me");
    let said = |call: &[&str]| home.run(call);
    said(&["listen", "-p", "99999"]).is(
        2,
        "",
        &usage("cannot read `99999` as --port <PORT>: a port is a number from 0 to 65535"),
    );
    said(&["send", ":5000", "hi", "-t", "5"]).is(
        2,
        "",
        &usage("cannot read `5` as --timeout <TIME>: a time needs a unit, as in 500ms, 5s, 1m30s, 2h, 7d"),
    );
    said(&["send", ":0", "hi"]).is(
        2,
        "",
        "error: cannot read `:0` as an address: a port is a number from 1 to 65535\n",
    );
    said(&["send", "010.0.0.1:5000", "hi"]).is(
        2,
        "",
        "error: cannot read `010.0.0.1:5000` as an address: the host is neither an IP address nor a host name\n",
    );
    said(&["send", "[fe80::1]:5000", "hi"]).is(
        2,
        "",
        "error: cannot read `[fe80::1]:5000` as an address: a link-local IPv6 address needs its interface, as in [fe80::1%eth0]:5000\n",
    );
    said(&["peers", "add", "-x", "10.0.0.1:1"]).fails(2, "there is no option `-x` here");
    said(&["peers", "add", "a:b", "10.0.0.1:1"])
        .fails(2, "cannot use `a:b`: a name has none of : @ / , * and");
    said(&["peers", "add", "a\u{202e}b", "10.0.0.1:1"]).is(
        2,
        "",
        "error: cannot use `a\\u{202e}b`: a name has only visible characters and no backslash\n",
    );
    said(&["broadcast", "-j", "0", "hi"]).is(
        2,
        "",
        &usage("cannot read `0` as --jobs <N>: a number from 1 to 65536"),
    );
    said(&["brodcast", "hi"]).fails(2, "hint: did you mean `broadcast`?");
    said(&["ping"]).fails(2, "missing: <PEER>...");
    said(&["--name=--", "config", "show"])
        .fails(2, "cannot use `--` as our name: a name does not start with `-`");
}

#[test]
fn a_name_that_is_an_address_or_an_option_is_never_taken_for_one() {
    let home = Home::new("me");
    let listener = crate::support::Listener::start(&home);
    let (other, reboot) = (Nobody::new(), Nobody::new());
    let nobody = other.target();
    crate::support::say(listener.address(), format!("127.0.0.1:7001 {nobody} hi").as_bytes());
    crate::support::say(listener.address(), b"127.0.0.1:7003 --help hi");
    crate::support::say(listener.address(), format!("{} $(reboot) hi", reboot.target()).as_bytes());
    // the address is what it says, whoever has it for a name
    home.run(["send", &nobody, "hi"])
        .fails(4, &format!("cannot reach {nobody}: connection refused"));
    assert_eq!(
        home.peer("127.0.0.1:7003").unwrap().get("name"),
        None,
        "a name that is an option is no name"
    );
    home.run(["send", "$(reboot)", "hi"]).fails(4, "cannot reach $(reboot) (127.0.0.1:");
}

/// All commands that there are.
fn commands() -> Vec<String> {
    let program = p2p::cli::Cli::command();
    program.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn the_help_lists_what_there_is() {
    let home = Home::new("me");
    let help = home.run(["--help"]);
    help.succeeds();
    for command in commands() {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{}", help.report());
        let own = home.run([command.as_str(), "--help"]);
        own.succeeds();
        assert!(own.stdout.contains("\nUsage: p2p "), "{}", own.report());
        assert!(own.stdout.lines().all(|line| line.chars().count() <= 100), "{}", own.report());
    }
    assert!(help.stdout.contains(p2p::exit::EXIT_STATUS_HELP));
    home.run(["--version"]).is(0, concat!("p2p ", env!("CARGO_PKG_VERSION"), "\n"), "");
}

#[test]
fn the_short_help_fits_a_screen_and_the_long_one_has_examples() {
    let home = Home::new("me");
    for command in commands().into_iter().chain([String::new()]) {
        let call = |help: &str| {
            let mut call = home.command();
            call.args(command.split_whitespace()).arg(help).env("COLUMNS", "80");
            outcome(&mut call, None)
        };
        let short = call("-h");
        short.succeeds();
        // with the prompt below it
        assert!(short.stdout.lines().count() < 24, "{}", short.report());
        assert!(short.stdout.lines().all(|line| line.chars().count() <= 80), "{}", short.report());
        let long = call("--help");
        long.succeeds();
        let has_examples = long.stdout.contains("\nExamples:\n  p2p ");
        assert!(has_examples, "{}", long.report());
        assert!(long.stdout.contains("\nGlobal options:\n"), "{}", long.report());
    }
}
