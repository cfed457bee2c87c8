//! Completion as a person meets it: TAB in a shell, and what the shells' scripts ask.

use std::path::Path;

use crate::support::{Home, Listener, P2P};
use crate::terminal::Terminal;

/// A shell that waits for a command, taught by its script in `completions/`.
struct Shell {
    terminal: Terminal,
    files: tempfile::TempDir,
}

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "elvish"];
const PROMPT: &str = "ready>";

impl Shell {
    fn start(shell: &str, home: &Home) -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        let scripts = scripts.display();
        let (file, rc) = match shell {
            "bash" => ("rc", format!("PS1='{PROMPT} '\n. {scripts}/p2p.bash\n")),
            "zsh" => (
                ".zshrc",
                format!(
                    "PS1='{PROMPT} '\nfpath=({scripts} $fpath)\nautoload -Uz compinit\ncompinit -u -D\n"
                ),
            ),
            "fish" => (
                "fish/config.fish",
                format!(
                    "function fish_prompt; echo -n '{PROMPT} '; end\nset fish_greeting\nsource {scripts}/p2p.fish\n"
                ),
            ),
            _ => (
                "elvish/rc.elv",
                format!(
                    "set edit:prompt = {{ put '{PROMPT} ' }}\nset edit:rprompt = {{ put '' }}\n{}",
                    std::fs::read_to_string(format!("{scripts}/p2p.elv")).unwrap()
                ),
            ),
        };
        let file = files.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, rc).unwrap();
        let rc = file.display().to_string();
        let program = match shell {
            "bash" => vec!["bash", "--noprofile", "--rcfile", &rc, "-i"],
            other => vec![other],
        };
        let own = files.path().display().to_string();
        let path = format!("{}:/usr/bin:/bin", Path::new(P2P).parent().unwrap().display());
        let state = home.path().display().to_string();
        let environment = [
            ("HOME", own.as_str()),
            ("ZDOTDIR", &own),
            ("XDG_CONFIG_HOME", &own),
            ("XDG_DATA_HOME", &own),
            ("XDG_STATE_HOME", &own),
            ("PATH", &path),
            ("P2P_HOME", &state),
        ];
        let terminal = Terminal::start(&program, &environment, files.path())?;
        let shell = Self { terminal, files };
        shell.terminal.ends_with(PROMPT);
        Some(shell)
    }

    /// Types a line and presses TAB.
    fn tab(&self, line: &str) {
        self.terminal.types(line);
        self.terminal.shows(|screen| screen.contains(line.trim_end()));
        self.terminal.presses("Tab");
    }

    /// TAB makes one line another.
    fn completes(&self, line: &str, to: &str) {
        self.tab(line);
        self.terminal.ends_with(&format!("{PROMPT} {to}"));
        self.clear();
    }

    /// Leaves the line, and whatever is shown below it.
    fn clear(&self) {
        self.terminal.presses("C-u");
        self.terminal.types("clear");
        self.terminal.presses("Enter");
        self.terminal.shows(|screen| screen.trim() == PROMPT);
    }
}

fn known() -> Home {
    let home = Home::new("me");
    for (name, address) in [
        ("alice", "10.18.0.4:6000"),
        ("alina", "10.18.0.9:6000"),
        ("bob", "10.18.0.9:7000"),
        ("carol", "10.18.0.5:6000"),
    ] {
        home.run(["peers", "add", name, address, "--tag", "lab"]).succeeds();
    }
    home
}

#[test]
fn commands_peers_and_addresses_are_completed_in_every_shell() {
    let home = known();
    for name in SHELLS {
        let Some(shell) = Shell::start(name, &home) else { continue };
        shell.completes("p2p se", "p2p send");
        shell.completes("p2p send b", "p2p send bob");
        shell.completes("p2p broadcast --to @l", "p2p broadcast --to @lab");
        if name != "elvish" {
            // which puts such a word in quotes
            shell.completes("p2p broadcast --to=bo", "p2p broadcast --to=bob");
        }
        // a shell that breaks words at colons
        shell.completes("p2p send 10.18.0.5:", "p2p send 10.18.0.5:6000");
        shell.completes("p2p send 10.18.0.9:7", "p2p send 10.18.0.9:7000");
        shell.completes("p2p send 10.18.0.4", "p2p send 10.18.0.4:6000");
        shell.completes("p2p listen --accept k", "p2p listen --accept known");
    }
}

#[test]
fn files_are_completed_by_the_shell() {
    let home = known();
    for name in ["bash", "zsh", "fish"] {
        let Some(shell) = Shell::start(name, &home) else { continue };
        std::fs::write(shell.files.path().join("a message"), "").unwrap();
        let whole = "a\\ message";
        shell.completes("p2p send bob -f a", &format!("p2p send bob -f {whole}"));
        shell.completes("p2p listen > a", &format!("p2p listen > {whole}"));
        shell.completes("p2p send bob --file=a", &format!("p2p send bob --file={whole}"));
    }
}

#[test]
fn what_is_quoted_or_in_brackets_is_completed_too() {
    let home = known();
    home.run(["peers", "add", "six", "[2001:db8::6]:6000"]).succeeds();
    for name in ["bash", "zsh", "fish"] {
        let Some(shell) = Shell::start(name, &home) else { continue };
        shell.completes("p2p send \"bo", "p2p send \"bob\"");
        shell.completes("p2p send \\[2001", "p2p send \\[2001:db8::6\\]:6000");
    }
}

#[test]
fn the_menu_tells_what_each_one_is() {
    let home = known();
    for (name, keys) in [("bash", 2), ("zsh", 1), ("fish", 1), ("elvish", 1)] {
        let Some(shell) = Shell::start(name, &home) else { continue };
        shell.tab("p2p send ");
        for _ in 1..keys {
            shell.terminal.presses("Tab");
        }
        shell.terminal.shows(|screen| {
            let shown = |name: &str, address: &str| {
                screen.lines().any(|line| line.contains(name) && line.contains(address))
            };
            shown("alice", "10.18.0.4:6000") && shown("bob", "10.18.0.9:7000")
        });
    }
}

#[test]
fn a_name_that_would_be_a_command_is_never_run() {
    let home = Home::new("me");
    let names =
        ["a$(>canary)", "b;>canary", "c`>canary`", "d|tee>canary", "e&>canary", "f'>canary"];
    for (number, name) in names.iter().enumerate() {
        home.run(["peers", "add", name, &format!("10.18.0.{number}:7")]).succeeds();
    }
    for shell_name in SHELLS {
        let Some(shell) = Shell::start(shell_name, &home) else { continue };
        for (number, name) in names.iter().enumerate() {
            let line = format!("p2p peers --only {}", &name[..1]);
            shell.tab(&line);
            shell.terminal.shows(|screen| screen.contains(">canary"));
            shell.terminal.presses("Enter");
            if shell_name == "elvish" {
                // the first one took it
                shell.terminal.presses("Enter");
            }
            shell.terminal.shows(|screen| screen.contains(&format!("10.18.0.{number}:7 ")));
            shell.clear();
        }
        assert!(!shell.files.path().join("canary").exists(), "{shell_name}");
    }
}

/// What is offered in place of the last word, and what it is said to be.
fn offered(home: &Home, words: &[&str]) -> Vec<(String, String)> {
    let answer = home.run(["completions", "fish", "--", "p2p"].iter().chain(words));
    answer.succeeds();
    assert_eq!(answer.stderr, "");
    let parts = |line: &str| {
        let (value, about) = line.split_once('\t').unwrap_or((line, ""));
        (value.to_owned(), about.to_owned())
    };
    answer.stdout.lines().map(parts).collect()
}

fn values(home: &Home, words: &[&str]) -> Vec<String> {
    offered(home, words).into_iter().map(|(value, _)| value).collect()
}

#[test]
fn only_what_would_be_taken_is_offered() {
    let home = known();
    let listener = Listener::start(&home);
    // one who only says so himself, and two who say the same
    let port = listener.address().port();
    for (source, text) in [
        ("127.0.0.2", "127.0.0.2:6000 mallory hi"),
        ("127.0.0.3", "127.0.0.3:6000 twin hi"),
        ("127.0.0.4", "127.0.0.4:6000 twin hi"),
    ] {
        crate::support::say_from(source, ([127, 0, 0, 1], port).into(), text.as_bytes());
    }
    assert_eq!(values(&home, &["send", "m"]), ["mallory"]);
    assert_eq!(values(&home, &["send", "t"]), [""; 0], "a name of two is refused");
    assert_eq!(values(&home, &["send", "127.0.0.3"]), ["127.0.0.3:6000"]);
    assert_eq!(values(&home, &["listen", "--from", "m"]), [""; 0], "nobody has entered him");
    assert_eq!(values(&home, &["listen", "--from", "al"]), ["alice", "alina"]);
    assert_eq!(values(&home, &["send", "@"]), [""; 0], "a tag may be many");
    let all = values(&home, &["send", ""]);
    assert_eq!(all, ["alice", "alina", "bob", "carol", "mallory"], "who has a name is known by it");
    let entered = values(&home, &["peers", "add", "x", "10"]);
    assert_eq!(entered, [""; 0], "those have a name by hand");
    assert_eq!(values(&home, &["peers", "add", "x", "127.0.0.2"]), ["127.0.0.2:6000"]);
    assert_eq!(offered(&home, &["ping", "@"]), [("@lab".into(), "4 peers".into())]);
    assert_eq!(values(&home, &["peers", "add", "m", "127.0.0.2"]), ["127.0.0.2:6000"]);
    assert_eq!(values(&home, &["peers", "set", "bob", "--untag", ""]), ["lab"]);
    home.run(["peers", "add", "here", ":6001"]).succeeds();
    assert_eq!(offered(&home, &["send", ":6"]), [(":6001".into(), "here".into())]);
}

#[test]
fn topics_and_cursors_come_from_the_history_and_the_configuration() {
    let home = Home::new("me");
    home.configure("[[hook]]\ntopic = \"lab/*\"\nrun = \"true\"\n\n[[hook]]\ntopic = \"door\"\nrun = \"true\"\n");
    let listener = Listener::start(&home);
    let other = Home::new("other");
    other.run(["send", &listener.target(), "--topic", "deploy", "v1"]).succeeds();
    assert_eq!(values(&other, &["send", "x", "--topic", "d"]), ["deploy"], "it was sent");
    assert_eq!(values(&home, &["send", "x", "--topic", ""]), ["deploy", "door"]);
    assert_eq!(values(&home, &["log", "--topic", "l"]), ["lab/*"]);
    home.run(["log", "--new=worker"]).succeeds();
    assert_eq!(values(&home, &["log", "--new=w"]), ["--new=worker"]);
}

#[test]
fn the_home_on_the_line_is_the_one_that_is_asked() {
    let (home, other) = (Home::new("me"), known());
    let there = other.path().display().to_string();
    assert_eq!(values(&home, &["--home", &there, "send", "b"]), ["bob"]);
    let before = format!("P2P_HOME={there}");
    let answer = home.run(["completions", "fish", "--", &before, "p2p", "send", "b"]);
    assert_eq!(answer.stdout, "bob\t10.18.0.9:7000\n");
}

#[test]
fn a_home_that_cannot_be_read_offers_nothing_and_says_nothing() {
    let home = Home::new("me");
    assert_eq!(values(&home, &["send", ""]).first().map(String::as_str), Some("--file"));
    assert!(!home.path().exists(), "nothing is written");
    home.configure("rubbish");
    assert_eq!(values(&home, &["send", "b"]), [""; 0]);
    assert_eq!(values(&home, &["se"]), ["send"]);
    // nobody writes into this one
    std::fs::remove_file(home.file("config.toml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(home.file("config.toml")).status();
    assert!(made.unwrap().success());
    assert_eq!(values(&home, &["send", "b"]), [""; 0]);
}

#[test]
fn the_scripts_are_what_the_program_prints() {
    let home = Home::new("me");
    for (shell, file) in [
        ("bash", "p2p.bash"),
        ("zsh", "_p2p"),
        ("fish", "p2p.fish"),
        ("elvish", "p2p.elv"),
        ("powershell", "_p2p.ps1"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        let script = std::fs::read_to_string(path).unwrap();
        home.run(["completions", shell]).is(0, &script, "");
    }
}
