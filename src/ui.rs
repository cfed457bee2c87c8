//! The one door to the terminal. Its rules:
//!
//! - stdout is data, stderr is talk. Data is written a whole line at a time and flushed, into pipes too.
//! - With `--json` every datum is one object on one line, and talk stays on stderr.
//! - Talk (what was done) is for a person: only if stderr is a terminal, or with `--verbose`; never with `--quiet`.
//!   Warnings and errors are always said: nothing on stderr under cron means that nothing is wrong.
//! - An error is `error: …` and perhaps `hint: …` with something that can be pasted; lower case, no full stop.
//! - Foreign bytes are shown escaped (see `escape`), on a terminal and into a pipe alike.
//! - A reader that goes away ends us quietly.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::escape::escape;
use crate::event::Event;
use crate::exit::{Code, Exit, Failure, OrFail as _};
use crate::system::machine;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

/// How this invocation talks.
#[derive(Clone, Debug)]
pub struct Ui {
    /// Objects instead of lines.
    pub json: bool,
    quiet: bool,
    talks: bool,
    color: bool,
}

impl Ui {
    /// Decides by the flags, the environment and what stderr is.
    pub fn new(json: bool, quiet: bool, verbose: bool, color: Color) -> Self {
        let terminal = io::stderr().is_terminal();
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_set("CLICOLOR_FORCE") || (terminal && !is_set("NO_COLOR")),
        };
        let talks = !quiet && (terminal || verbose);
        Self { json, quiet, talks, color }
    }

    /// Writes a line of data, or its object with `--json`.
    pub fn report(&self, line: impl Display, event: &Event) -> Result<(), Failure> {
        if self.json { write_out(&event.line()) } else { write_out(&format!("{line}\n")) }
    }

    /// Writes a result that a quiet user does not want to see.
    pub fn result(&self, line: impl Display, event: &Event) -> Result<(), Failure> {
        if self.quiet && !self.json { Ok(()) } else { self.report(line, event) }
    }

    /// Writes an object, only with `--json`.
    pub fn event(&self, event: &Event) -> Result<(), Failure> {
        if self.json { write_out(&event.line()) } else { Ok(()) }
    }

    /// Writes whole lines of data as they are.
    pub fn data(&self, lines: &[u8]) -> Result<(), Failure> {
        write_bytes(lines)
    }

    /// Says what was done, to a person.
    pub fn talk(&self, text: impl Display) {
        if self.talks {
            say(&format!("{text}\n"));
        }
    }

    /// Says on stderr what a script may wait for, unless it is to be quiet.
    pub fn announce(&self, text: impl Display) {
        if !self.quiet {
            say(&format!("{text}\n"));
        }
    }

    /// Says that something is wrong, though not so wrong that the command ends.
    pub fn warn(&self, text: impl Display) {
        let label = self.painted("warning", AnsiColor::Yellow);
        say(&format!("{label}: {}\n", escape(text.to_string().as_bytes())));
    }

    /// Says why the command fails; with `--json` also as the last object.
    pub fn fail(&self, failure: &Failure) {
        let label = self.painted("error", AnsiColor::Red);
        let mut text = format!("{label}: {}\n", escape(failure.to_string().as_bytes()));
        if let Some(hint) = &failure.hint {
            let label = self.painted("hint", AnsiColor::Cyan);
            text.push_str(&format!("{label}: {}\n", escape(hint.as_bytes())));
        }
        say(&text);
        // the exit status says it too; a reader that is gone needs no more
        let _ = self.event(&Event::error(failure));
    }

    /// Says to a person that there is nothing, and to a program by an object; as a test a command is silent.
    pub fn nothing(&self, text: impl Display) -> Result<Exit, Failure> {
        self.talk(&text);
        self.event(&Event::error(&Failure::new(Code::Nothing, text)))?;
        Ok(Exit::Nothing)
    }

    /// Passes on a line that a hook has printed.
    pub fn pass_on(&self, line: &[u8]) {
        say(&format!("{}\n", escape(line)));
    }

    /// A progress bar for work that lasts; hidden unless stderr is a terminal and there is talk.
    ///
    /// `most` tells how long so many targets can still take at most; what is left is never said to be longer.
    pub fn progress(
        &self,
        targets: usize,
        most: impl Fn(usize) -> Duration + Clone + Send + Sync + 'static,
    ) -> Progress {
        /// Shorter work needs no bar.
        const APPEARS_AFTER: Duration = Duration::from_millis(300);
        const TICK: Duration = Duration::from_millis(200);
        if !self.talks || self.json || !io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden(), failed: 0 };
        }
        let bar = ProgressBar::with_draw_target(Some(targets as u64), ProgressDrawTarget::hidden());
        // before anything is done nobody knows how long it takes
        let left = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            if state.pos() > 0 {
                let rest = targets.saturating_sub(usize::try_from(state.pos()).unwrap_or_default());
                let left = state.eta().min(most(rest));
                // less is not worth a word, and a guess by those that were fast
                if left >= Duration::from_secs(1) {
                    // a terminal that cannot be written to leaves nobody to tell
                    let _ = write!(out, ", about {:#} left", HumanDuration(left));
                }
            }
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} peers{msg}{left}") {
            bar.set_style(style.with_key("left", left));
        }
        let shown = bar.clone();
        std::thread::spawn(move || {
            std::thread::sleep(APPEARS_AFTER);
            if !shown.is_finished() {
                shown.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                // it is seen before the first result, and its clock runs
                shown.enable_steady_tick(TICK);
            }
        });
        Progress { bar, failed: 0 }
    }

    fn painted(&self, label: &str, color: AnsiColor) -> String {
        let style = if self.color {
            Style::new().bold().fg_color(Some(color.into()))
        } else {
            Style::new()
        };
        format!("{style}{label}{style:#}")
    }
}

/// How far work on many has come; gone from the terminal when it is dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    failed: usize,
}

impl Progress {
    /// One more is done.
    pub fn step(&mut self, failed: bool) {
        if failed {
            self.failed += 1;
            self.bar.set_message(format!(", {} failed", self.failed));
        }
        self.bar.inc(1);
    }

    /// Takes the bar out of the way while something else is written.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Whether stdout is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Blocks until nobody can read our stdout any more; for ever if it is a file.
pub fn wait_for_reader_gone() {
    machine::wait_for_reader_gone(&io::stdout());
}

/// Whether a failure is only that nobody reads our output any more.
pub fn is_closed_output(failure: &Failure) -> bool {
    let io = failure.cause.downcast_ref::<io::Error>();
    failure.code == Code::Io && io.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether a variable of the environment switches something on.
pub fn is_set(variable: &str) -> bool {
    let off = ["", "0", "false", "no", "off"];
    std::env::var_os(variable)
        .is_some_and(|value| !off.iter().any(|word| value.eq_ignore_ascii_case(word)))
}

fn write_out(lines: &str) -> Result<(), Failure> {
    write_bytes(lines.as_bytes())
}

/// Writes whole lines to stdout.
pub fn write_bytes(lines: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(lines).and_then(|()| stdout.flush());
    written.context("cannot write the output").or_fail(Code::Io)
}

/// Prints what reading the command line came to: help on stdout, a wrong call on stderr.
pub fn print_parsed(error: &clap::Error) -> Result<(), Failure> {
    error.print().context("cannot write the output").or_fail(Code::Io)
}

/// A stderr that cannot be written to leaves nobody to tell.
fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
