//! A terminal with a program in it, typed into and looked at by tmux.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// How often the screen is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// A terminal of its own server, gone with its test.
pub struct Terminal {
    dir: tempfile::TempDir,
}

impl Terminal {
    /// Runs a program with this environment; `None` where tmux or the program is not there.
    pub fn start(program: &[&str], environment: &[(&str, &str)], here: &Path) -> Option<Self> {
        for tool in ["tmux", program[0]] {
            let found = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output().ok()?;
            if !found.status.success() {
                skipped!("{tool} is not there");
                return None;
            }
        }
        let terminal = Self { dir: tempfile::tempdir().unwrap() };
        let mut tmux = terminal.tmux();
        tmux.current_dir(here);
        tmux.args([
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "40",
            "env",
            "-i",
            "TERM=screen-256color",
        ]);
        tmux.args(["LC_ALL=C.UTF-8", "LANG=C.UTF-8"]);
        tmux.args(environment.iter().map(|(name, value)| format!("{name}={value}")));
        tmux.args(program);
        let started = tmux.output().unwrap();
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Some(terminal)
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.dir.path().join("socket")).args(["-f", "/dev/null"]);
        tmux.stdin(Stdio::null()).env_remove("TMUX");
        tmux
    }

    /// Types a text.
    pub fn types(&self, text: &str) {
        assert!(self.tmux().args(["send-keys", "-l", text]).status().unwrap().success());
    }

    /// Presses a key, by the name that tmux has for it.
    pub fn presses(&self, key: &str) {
        assert!(self.tmux().args(["send-keys", key]).status().unwrap().success());
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        let shown = self.tmux().args(["capture-pane", "-p"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).trim_end().to_owned()
    }

    /// Waits until the screen is as it should be.
    pub fn shows(&self, is_right: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if is_right(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "not what it should be:\n{screen}");
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the last line is this one.
    pub fn ends_with(&self, line: &str) {
        self.shows(|screen| screen.lines().last().unwrap_or_default().trim_end() == line);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // a server whose program has ended is gone already
        let _ = self.tmux().arg("kill-server").stderr(Stdio::null()).status();
    }
}
