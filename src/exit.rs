//! How a command ends: the exit statuses, the words for them in JSON, and a failure with its hint.
//!
//! This is the one list; help, README and tests are held against it.

use std::fmt;

/// Exit statuses. Scripts branch on them, so a number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; every required peer has it.
    Done = 0,
    /// No match, no message, no peers.
    Nothing = 1,
    /// Wrong call or configuration.
    Usage = 2,
    /// Some peers have it, some do not.
    Partial = 3,
    /// Not sent; trying again is safe.
    Unreachable = 4,
    /// No proof of delivery; it may have arrived.
    Unconfirmed = 5,
    /// The peer refused it.
    Refused = 6,
    /// Identity or encryption; nothing was sent.
    Insecure = 7,
    /// Something local: state, disk, port.
    Local = 8,
    /// Ended by SIGHUP; a listener only by a second signal.
    HungUp = 129,
    /// Ended by SIGINT; a listener only by a second signal.
    Interrupted = 130,
    /// Ended by SIGTERM; a listener only by a second signal.
    Terminated = 143,
}

/// What went wrong, in the word that JSON uses; each belongs to one exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Nothing matched.
    Nothing,
    /// The call is wrong.
    Usage,
    /// The configuration is wrong.
    Config,
    /// No known peer has this name.
    UnknownPeer,
    /// Some peers were reached, some not.
    Partial,
    /// No connection: refused, no route, name not found.
    Unreachable,
    /// The time limit passed before an answer came.
    Timeout,
    /// The connection ended without proof that the message was read.
    Unconfirmed,
    /// The peer cannot take it now.
    Busy,
    /// The peer does not want it.
    Denied,
    /// The text is longer than the limit.
    TooLarge,
    /// The peer has it, and its command for it failed or gave no reply.
    HookFailed,
    /// The peer proves another key than the one that is known.
    KeyChanged,
    /// No key of the peer is known, and only keys that were given are believed.
    Untrusted,
    /// It could only go unencrypted, and must not.
    Insecure,
    /// The state directory, its lock or a file in it.
    State,
    /// The port cannot be listened on.
    Bind,
    /// Reading input or writing output.
    Io,
}

/// Every code with its word and exit status.
pub const CODES: [(Code, &str, Exit); 18] = [
    (Code::Nothing, "nothing", Exit::Nothing),
    (Code::Usage, "usage", Exit::Usage),
    (Code::Config, "config", Exit::Usage),
    (Code::UnknownPeer, "unknown_peer", Exit::Usage),
    (Code::Partial, "partial", Exit::Partial),
    (Code::Unreachable, "unreachable", Exit::Unreachable),
    (Code::Timeout, "timeout", Exit::Unconfirmed),
    (Code::Unconfirmed, "unconfirmed", Exit::Unconfirmed),
    (Code::Busy, "busy", Exit::Refused),
    (Code::Denied, "denied", Exit::Refused),
    (Code::TooLarge, "too_large", Exit::Refused),
    (Code::HookFailed, "hook_failed", Exit::Refused),
    (Code::KeyChanged, "key_changed", Exit::Insecure),
    (Code::Untrusted, "untrusted", Exit::Insecure),
    (Code::Insecure, "insecure", Exit::Insecure),
    (Code::State, "state", Exit::Local),
    (Code::Bind, "bind", Exit::Local),
    (Code::Io, "io", Exit::Local),
];

/// The table of exit statuses as `p2p --help` prints it.
pub const EXIT_STATUS_HELP: &str = "\
Exit status:
  0    done; every required peer has it
  1    no match, no message, no peers
  2    wrong call or configuration, unknown peer
  3    some peers have it, some do not
  4    unreachable: not sent, trying again is safe
  5    no proof of delivery: it may have arrived
  6    the peer said no: busy, denied, too large, its command failed
  7    identity or encryption: another key, an untrusted one, or none
  8    local: state, lock, disk, port in use, unsafe permissions
  129, 130, 143   ended by SIGHUP, SIGINT, SIGTERM (listen ends with 0)";

impl Code {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// The exit status that goes with it.
    pub fn exit(self) -> Exit {
        self.row().2
    }

    fn row(self) -> (Self, &'static str, Exit) {
        CODES.into_iter().find(|row| row.0 == self).unwrap_or(CODES[0])
    }
}

impl Exit {
    /// The number that the shell sees.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// An error as its user meets it: one line that says what could not be done and why, and perhaps what helps.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure.
    pub code: Code,
    /// `cannot <verb> <object>: <cause>`, as a chain.
    pub cause: anyhow::Error,
    /// Something that can be pasted.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, cause: anyhow::anyhow!("{message}"), hint: None }
    }

    /// Adds the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts words in front of the cause.
    #[must_use]
    pub fn context(self, context: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self { cause: self.cause.context(context), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.cause)
    }
}

impl std::error::Error for Failure {}

/// Gives an error its code.
pub trait OrFail<T> {
    /// Makes a [`Failure`] of the error.
    fn or_fail(self, code: Code) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: Code) -> Result<T, Failure> {
        self.map_err(|error| Failure { code, cause: error.into(), hint: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_row_and_word() {
        for (at, (code, word, _)) in CODES.into_iter().enumerate() {
            assert_eq!(code as usize, at, "the table is in the order of the enum");
            assert_eq!(code.word(), word);
            assert_eq!(CODES.iter().filter(|row| row.1 == word).count(), 1);
        }
    }

    #[test]
    fn the_help_names_every_exit_status() {
        for (_, _, exit) in CODES {
            assert!(EXIT_STATUS_HELP.contains(&format!("\n  {}  ", exit.number())), "{exit:?}");
        }
    }

    #[test]
    fn a_failure_reads_as_one_line() {
        let io: std::io::Result<()> = Err(std::io::ErrorKind::NotFound.into());
        let failure = io.or_fail(Code::State).unwrap_err().context("cannot read x");
        assert_eq!(failure.to_string(), "cannot read x: entity not found");
    }
}
