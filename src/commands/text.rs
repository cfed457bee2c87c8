//! What a message is made of: its text, from the words of the call, a file, or stdin, and what is said about it.

use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::{Code, Failure, OrFail as _};
use crate::id::MessageId;
use crate::message::Outgoing;
use crate::session::tls::random;
use crate::topic::Topic;

/// Longest text that is read, in bytes: what a p2p takes by default. A plain program gets it in a thousand messages; more
/// than that is not a message but a file.
pub const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// The text of a message
#[derive(clap::Args, Debug)]
pub struct TextArgs {
    /// The text, or - for stdin
    ///
    /// Words are joined by a blank. Without any, stdin is read unless it is a terminal.
    #[arg(value_name = "MESSAGE")]
    message: Vec<String>,
    /// Read the text from this file
    #[arg(short, long, value_name = "FILE", conflicts_with = "message")]
    file: Option<PathBuf>,
}

/// What is said about a message
#[derive(clap::Args, Clone, Debug, Default)]
pub struct MessageArgs {
    /// What it is about, in one word
    ///
    /// Only another p2p can be told.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<Topic>,
    /// Its id: what has the same id is shown once
    ///
    /// A p2p shows a message of ours with this id once, however often it is sent and whatever its text. Without this option
    /// each message has a new one at random.
    #[arg(long, value_name = "ID")]
    id: Option<MessageId>,
    /// Wait for what the peer's command prints
    ///
    /// The command is that of its `listen -x CMD --reply`. The time limit counts for it, too.
    #[arg(long)]
    reply: bool,
    /// Fail if the peer cannot acknowledge
    ///
    /// A plain program can read, but not say so.
    #[arg(long)]
    require_ack: bool,
    /// Allow a text of nothing, or of nothing but blanks
    #[arg(long, hide_short_help = true)]
    allow_empty: bool,
}

impl MessageArgs {
    /// The message with this text.
    pub fn message(&self, text: Vec<u8>) -> Outgoing {
        Outgoing {
            text,
            id: self.id.clone().unwrap_or_else(|| MessageId::of(random())),
            id_is_given: self.id.is_some(),
            topic: self.topic.clone(),
            reply: self.reply,
            needs_ack: self.require_ack,
        }
    }

    /// Reads the text, and makes the message of it.
    pub fn read(&self, text: &TextArgs) -> Result<Outgoing, Failure> {
        let text = text.read()?;
        if !self.allow_empty && text.trim_ascii().is_empty() {
            return Err(Failure::new(Code::Usage, "there is no text to send")
                .hint("if that is meant: --allow-empty"));
        }
        Ok(self.message(text))
    }

    /// Whether empty texts are allowed.
    pub fn allows_empty(&self) -> bool {
        self.allow_empty
    }
}

impl TextArgs {
    /// A text that an option of its own gives.
    pub fn given(text: String) -> Self {
        Self { message: vec![text], file: None }
    }

    /// The words of the call.
    pub fn words(&self) -> &[String] {
        &self.message
    }

    /// Reads the text. As in the shell's `$(…)` newlines at its end are not part of it; what is not UTF-8 is left as it is.
    fn read(&self) -> Result<Vec<u8>, Failure> {
        let mut text = match (&self.file, self.message.as_slice()) {
            (Some(path), _) => read_file(path)?,
            (None, [dash]) if dash == "-" => read_stdin()?,
            (None, []) if io::stdin().is_terminal() => {
                return Err(Failure::new(Code::Usage, "there is no text to send")
                    .hint("give it after the peer, or through a pipe, or - to type it"));
            }
            (None, []) => read_stdin()?,
            (None, words) => {
                let text = words.join(" ");
                check_length(text.len() as u64)?;
                text.into_bytes()
            }
        };
        if std::str::from_utf8(&text).is_ok() {
            let end = text.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |at| at + 1);
            text.truncate(end);
        }
        Ok(text)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(cannot).or_fail(Code::Io)?;
    read(file).map_err(|failure| failure.context(cannot()))
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    read(io::stdin().lock()).map_err(|failure| failure.context("cannot read stdin"))
}

fn read(from: impl Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).or_fail(Code::Io)?;
    check_length(bytes.len() as u64)?;
    Ok(bytes)
}

fn check_length(bytes: u64) -> Result<(), Failure> {
    if bytes > MAX_TEXT_BYTES {
        let message = format!("the text is longer than {MAX_TEXT_BYTES} bytes");
        return Err(Failure::new(Code::TooLarge, message));
    }
    Ok(())
}
