//! Switches each guard of `tests/guards.toml` off, one after the other, in a copy of the project, and runs the test that watches
//! it: the test has to fail. With `--write` what it printed goes into the table of `docs/TESTING.md`.
//!
//! ```text
//! cargo run --example guards -- [--write] [WORD…]
//! ```
//!
//! With words, only guards that have one of them in their sentence, their file or their test. It takes about half a minute for
//! each. The exit status is 1 if a test is content without its guard.

#![expect(clippy::print_stdout, reason = "its report is what it is for")]

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Longest time for one build.
const BUILD_TIME: Duration = Duration::from_secs(600);

/// Longest time for one test; without its guard it may wait for ever.
const TEST_TIME: Duration = Duration::from_secs(120);

/// How long what has ended may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How much of what a test printed is shown.
const MAX_PRINTED: usize = 200;

const TABLE_BEGINS: &str = "<!-- guards -->\n";
const TABLE_ENDS: &str = "<!-- /guards -->\n";
const DOCUMENT: &str = "docs/TESTING.md";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    /// What is guarded, in words.
    guard: String,
    file: PathBuf,
    /// The guard, as it is in the file, once.
    old: String,
    /// What is there when it is off.
    new: String,
    /// `lib`, or the name of a test of `tests`, and the test in it.
    test: String,
}

#[derive(Deserialize)]
struct List {
    guard: Vec<Guard>,
}

/// What became of a test without its guard.
enum Finding {
    Failed(String),
    Content,
    /// The guard cannot be switched off.
    Lost(String),
    Unbuilt(String),
    /// There is no such test.
    Untested,
}

fn main() -> Outcome<ExitCode> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (flags, words): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if flags.iter().any(|flag| flag != "--write") {
        return Err("the only flag is --write".into());
    }
    let List { guard: mut guards } =
        toml::from_str(&fs::read_to_string(project.join("tests/guards.toml"))?)?;
    guards.retain(|guard| words.is_empty() || words.iter().any(|word| guard.has(word)));
    let place = project.join("target/guards");
    let copy = place.join("project");
    copy_project(project, &copy)?;
    let mut rows = Vec::new();
    let mut status = ExitCode::SUCCESS;
    for (number, guard) in (1..).zip(&guards) {
        let finding = guard.switch_off(&copy, &place.join("build"))?;
        let (word, printed) = match finding {
            Finding::Failed(printed) => ("fails", printed),
            Finding::Content => ("IS CONTENT", "without its guard".to_owned()),
            Finding::Lost(why) => ("IS NOT RUN", why),
            Finding::Unbuilt(why) => ("CANNOT BE BUILT", why),
            Finding::Untested => ("IS NOT THERE", "no test ran under this name".to_owned()),
        };
        println!("{number}/{} {}: {} {word}: {printed}", guards.len(), guard.guard, guard.test);
        if word == "fails" {
            rows.push((guard, printed));
        } else {
            status = ExitCode::FAILURE;
        }
    }
    if flags.is_empty() {
        return Ok(status);
    }
    write_table(&project.join(DOCUMENT), &rows)?;
    Ok(status)
}

impl Guard {
    fn has(&self, word: &str) -> bool {
        let file = self.file.to_string_lossy();
        [&self.guard, &self.test, &*file].iter().any(|text| text.contains(word))
    }

    /// Runs its test in the copy without it.
    fn switch_off(&self, copy: &Path, build: &Path) -> Outcome<Finding> {
        let path = copy.join(&self.file);
        let text = fs::read_to_string(&path)?;
        if text.matches(&self.old).count() != 1 {
            return Ok(Finding::Lost(format!("its guard is not once in {}", self.file.display())));
        }
        fs::write(&path, text.replacen(&self.old, &self.new, 1))?;
        let finding = self.run_test(copy, build);
        fs::write(&path, text)?;
        finding
    }

    fn run_test(&self, copy: &Path, build: &Path) -> Outcome<Finding> {
        let (target, name) = self.test.split_once(' ').ok_or("a test is `TARGET NAME`")?;
        let cargo = |end: &[&str]| {
            let mut command = Command::new("cargo");
            command.args(["test", "--locked", "--target-dir"]).arg(build);
            // each is built once and run once
            command.args(["--config", "profile.dev.package.p2p.opt-level=0"]);
            command.args(["--config", "profile.dev.package.p2p.debug=0"]);
            match target {
                "lib" => command.arg("--lib"),
                target => command.args(["--test", target]),
            };
            command.args(end).current_dir(copy).env("RUST_BACKTRACE", "0");
            // what surrounds this run is not for that one
            for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO")) {
                command.env_remove(name);
            }
            command
        };
        match printed_by(cargo(&["--no-run"]), BUILD_TIME)? {
            (Ended::Well, _) => {}
            (_, printed) => return Ok(Finding::Unbuilt(last_lines(&printed))),
        }
        let (ended, printed) = printed_by(cargo(&[name, "--", "--exact"]), TEST_TIME)?;
        Ok(match ended {
            Ended::Never => Finding::Failed(format!("it had not ended after {TEST_TIME:?}")),
            Ended::Badly => Finding::Failed(message_in(&printed, name)),
            Ended::Well if printed.contains("1 passed") => Finding::Content,
            Ended::Well => Finding::Untested,
        })
    }
}

/// Copies all files that the project has, touches none that is there already, and leaves no other there.
fn copy_project(project: &Path, copy: &Path) -> Outcome<()> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(project)
        .output()?;
    let mut kept = HashSet::new();
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (project.join(name), copy.join(name));
        let Ok(bytes) = fs::read(from) else { continue };
        kept.insert(to.clone());
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().ok_or("a file has no folder")?)?;
        fs::write(to, bytes)?;
    }
    remove_others(copy, &kept)
}

fn remove_others(folder: &Path, kept: &HashSet<PathBuf>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// How a command ended.
enum Ended {
    Well,
    Badly,
    /// It did not, and was ended.
    Never,
}

/// How a command ends within its time, and all that it prints until then.
fn printed_by(mut command: Command, time: Duration) -> Outcome<(Ended, String)> {
    let (mut output, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    // it holds the other end of the pipe
    drop(command);
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let start = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break if status.success() { Ended::Well } else { Ended::Badly };
        }
        if start.elapsed() > time {
            kill(&mut child)?;
            break Ended::Never;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    // what a test has left running may still hold its end
    while !reader.is_finished() && start.elapsed() < time + LAST_WORDS {
        std::thread::sleep(Duration::from_millis(20));
    }
    let printed = if reader.is_finished() { reader.join() } else { Ok(Ok(String::new())) };
    Ok((ended, printed.map_err(|_| "its output cannot be read")??))
}

/// Ends it with all that it has started.
fn kill(child: &mut Child) -> Outcome<()> {
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(i32::try_from(child.id())?) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// The message of the panic that made a test fail, on one line.
fn message_in(printed: &str, test: &str) -> String {
    let lines: Vec<_> = printed.lines().collect();
    let panics = |line: &str| line.starts_with("thread '") && line.contains(" panicked at ");
    let own = format!("thread '{test}' ");
    let at = lines.iter().rposition(|line| panics(line) && line.starts_with(&own));
    let Some(at) = at.or_else(|| lines.iter().position(|line| panics(line))) else {
        return last_lines(printed);
    };
    let ends = |line: &&&str| !line.starts_with("note:") && !line.starts_with("failures:");
    let message: Vec<_> = lines[at + 1..].iter().take_while(ends).take(6).copied().collect();
    shorten(&message.join(" "))
}

fn last_lines(printed: &str) -> String {
    let errors: Vec<_> = printed.lines().filter(|line| line.starts_with("error")).collect();
    shorten(&if errors.is_empty() { printed.to_owned() } else { errors.join(" ") })
}

fn shorten(text: &str) -> String {
    // the call that a test has made names places of this machine
    let calls = ["$ env ", "command=`"];
    let text = calls.iter().fold(text, |text, call| text.split(call).next().unwrap_or_default());
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(MAX_PRINTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "a call that did not end as it has to".to_owned(),
        None => text,
    }
}

/// Puts these rows into the table, in the place of those of the same guards.
fn write_table(document: &Path, rows: &[(&Guard, String)]) -> Outcome<()> {
    let text = fs::read_to_string(document)?;
    let (before, rest) = text.split_once(TABLE_BEGINS).ok_or("the table has no beginning")?;
    let (table, after) = rest.split_once(TABLE_ENDS).ok_or("the table has no end")?;
    let (head, old) = table.split_at(table.match_indices('\n').nth(1).ok_or("no head")?.0 + 1);
    let mut lines: Vec<(String, String)> =
        old.lines().map(|line| (guard_of(line), line.to_owned())).collect();
    for (guard, printed) in rows {
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let line = format!("| {} | `{}` | {} |", cell(&guard.guard), guard.test, cell(printed));
        match lines.iter_mut().find(|(known, _)| *known == guard.guard) {
            Some((_, known)) => *known = line,
            None => lines.push((guard.guard.clone(), line)),
        }
    }
    let table: String = lines.into_iter().map(|(_, line)| line + "\n").collect();
    fs::write(document, [before, TABLE_BEGINS, head, &table, TABLE_ENDS, after].concat())?;
    Ok(())
}

/// The sentence in the first cell of a row.
fn guard_of(row: &str) -> String {
    row.split(" | ").next().unwrap_or_default().trim_start_matches("| ").to_owned()
}
