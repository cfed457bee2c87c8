//! Where the text of a message comes from: the words of the call, a file, or stdin.

use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::codec::writing::check_text;
use crate::delivery::text_failure;
use crate::exit::{Code, Failure, OrFail as _};

/// Longest text that is read, in bytes. A plain program gets it in a thousand messages; more than that is not a
/// message but a file.
pub const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// The text of a message
#[derive(clap::Args, Debug)]
pub struct TextArgs {
    /// The text; words are joined by a blank, - reads stdin, and without any stdin is read unless it is a terminal
    #[arg(value_name = "MESSAGE")]
    message: Vec<String>,
    /// Read the text from this file
    #[arg(short, long, value_name = "FILE", conflicts_with = "message")]
    file: Option<PathBuf>,
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

    /// Reads the text.
    pub fn read(&self) -> Result<String, Failure> {
        let text = match (&self.file, self.message.as_slice()) {
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
        check_text(text).map_err(text_failure)
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
