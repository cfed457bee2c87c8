//! A message as the plain wire carries it: only a text, in as many pieces as its reader needs.

use crate::codec::writing::{TextError, check_text, split};
use crate::exit::{Code, Failure};
use crate::message::Outgoing;

/// The text of a message as the plain wire carries it.
pub fn plain_text(message: &Outgoing) -> Result<String, Failure> {
    if let Some(what) = message.needs_session() {
        let why = format!("it does not speak encrypted, and {what} needs that; nothing was sent");
        let hint = "a plain program takes only a text: leave out what it cannot be told";
        return Err(Failure::new(Code::Insecure, why).hint(hint));
    }
    check_text(message.text.clone()).map_err(text_failure)
}

/// Cuts a text for a reader that takes so many bytes at once.
pub fn pieces(text: &str, max_bytes: usize) -> Result<Vec<String>, Failure> {
    let pieces = split(text, max_bytes).map_err(text_failure)?;
    Ok(pieces.into_iter().map(str::to_owned).collect())
}

/// A text that the plain wire cannot carry.
pub fn text_failure(error: TextError) -> Failure {
    match error {
        TextError::Empty => Failure::new(Code::Usage, "there is no text to send"),
        TextError::NotUtf8(at) => Failure::new(
            Code::Usage,
            format!("cannot send this text to a plain program: byte {at} of it is not UTF-8"),
        )
        .hint("encode it first, for example with base64"),
        TextError::Blanks => Failure::new(
            Code::Usage,
            "cannot send this text to a plain program: it has too many blanks in a row for one message",
        ),
        TextError::Keyword(word) => {
            let failure = Failure::new(
                Code::Usage,
                format!("cannot send `{word}` to a plain program: alone it is a command to it"),
            );
            failure
                .hint("add a word; to take leave of a peer use `p2p leave`, to greet it `p2p ping`")
        }
    }
}
