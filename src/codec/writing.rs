//! Writes the one plain form that most student programs read right, and cuts what is too long for them.

use std::net::SocketAddr;

use super::conversation::Conversation;
use super::reading::Reading;
use crate::message::Kind;
use crate::name::Name;

/// Longest message for a plain program, in bytes with its header: most read 1,024 at once and treat the rest as
/// another message; a cut inside a character stops three of them for good.
pub const MAX_PLAIN_BYTES: usize = 1000;

/// Longest message for a p2p on the plain wire, in bytes with its header: what its listener takes by default.
pub const MAX_NATIVE_BYTES: usize = 64 * 1024;

/// Room that a header takes at most: the longest address, the longest name, two blanks.
const MAX_HEADER_BYTES: usize = 64 + 64 + 2;

/// Why a text cannot go over the plain wire.
#[derive(Debug, PartialEq, Eq)]
pub enum TextError {
    /// There is nothing to send.
    Empty,
    /// The text means something else on the plain wire (`exit`, `connect`); the peer would not show it.
    Keyword(String),
    /// The byte at this offset is not UTF-8.
    NotUtf8(usize),
    /// It has more blanks in a row than a message holds, and one of blanks alone is not read as one.
    Blanks,
}

/// `H N T`: the sender's own address, its name, the text.
pub fn encode(own: SocketAddr, name: &Name, text: &str) -> Vec<u8> {
    format!("{own} {name} {text}").into_bytes()
}

/// Cuts a text into parts of which each fits with its header into `max_bytes` and is read back as it is.
///
/// Cuts are made at characters, after a blank if one is near; where that would make a part that means something else (a
/// keyword, nothing but blanks, a last newline that the reader drops) a little earlier.
pub fn split(text: &str, max_bytes: usize) -> Result<Vec<&str>, TextError> {
    let room = max_bytes - MAX_HEADER_BYTES;
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > room {
        let mut end = cut(rest, room);
        while !(is_read_back(&rest[..end])
            && (rest.len() - end > room || is_read_back(&rest[end..])))
        {
            end = rest.floor_char_boundary(end.saturating_sub(1));
            if end == 0 {
                return Err(TextError::Blanks);
            }
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    if !is_read_back(rest) {
        return Err(TextError::Keyword(rest.trim().to_owned()));
    }
    parts.push(rest);
    Ok(parts)
}

/// Makes a text of bytes from the command line, a file or a pipe. The plain wire carries no empty text: it would be
/// read as a header without a message. As in the shell's `$(…)`, newlines at the end are not part of a text.
pub fn check_text(bytes: Vec<u8>) -> Result<String, TextError> {
    let mut text =
        String::from_utf8(bytes).map_err(|e| TextError::NotUtf8(e.utf8_error().valid_up_to()))?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(text)
}

fn cut(text: &str, room: usize) -> usize {
    const NEAR_BYTES: usize = 64;
    let end = text.floor_char_boundary(room);
    let near = text.floor_char_boundary(end.saturating_sub(NEAR_BYTES));
    match text[near..end].rfind(' ') {
        Some(at) if near + at > 0 => near + at + 1,
        _ => end,
    }
}

/// Whether a reader would get exactly this text as a message, found by reading what we would write.
fn is_read_back(text: &str) -> bool {
    let sample = format!("192.0.2.1:1 n {text}");
    match Conversation::default().read(sample.as_bytes()).as_slice() {
        [Reading { kind: Kind::Message, text: read, .. }] => read == text.as_bytes(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> (SocketAddr, Name) {
        ("10.0.0.2:7000".parse().unwrap(), "alice".parse().unwrap())
    }

    #[test]
    fn a_message_is_address_name_text() {
        let (socket, name) = own();
        assert_eq!(encode(socket, &name, "hello there"), b"10.0.0.2:7000 alice hello there");
        let v6 = "[::1]:5000".parse().unwrap();
        assert_eq!(encode(v6, &"The Red Team".parse().unwrap(), "x"), b"[::1]:5000 The_Red_Team x");
    }

    #[test]
    fn parts_fit_and_join_to_the_whole_text() {
        let (socket, name) = own();
        for text in [
            "word ".repeat(700),
            "x".repeat(5000),
            "नमस्ते😀".repeat(400),
            " exit".repeat(900),
            // a cut after a newline, which a reader would drop
            format!("{}\n{}", "x".repeat(869), "y".repeat(10)),
            format!("{}\r\n\n{}", "x".repeat(868), "y".repeat(900)),
            // a cut that would leave a part of blanks alone
            format!("{}{}z", "b".repeat(800), " ".repeat(800)),
        ] {
            let parts = split(&text, MAX_PLAIN_BYTES).unwrap();
            assert_eq!(parts.concat(), text);
            for part in parts {
                let message = encode(socket, &name, part);
                assert!(message.len() <= MAX_PLAIN_BYTES);
                let readings = Conversation::default().read(&message);
                assert_eq!(readings[0].kind, Kind::Message);
                assert_eq!(readings[0].text, part.as_bytes());
            }
        }
    }

    #[test]
    fn a_part_is_never_a_keyword_by_accident() {
        let text = format!("{}exit", "x".repeat(MAX_PLAIN_BYTES - MAX_HEADER_BYTES));
        let parts = split(&text, MAX_PLAIN_BYTES).unwrap();
        assert_eq!(parts.concat(), text);
        assert!(!parts.contains(&"exit"));
    }

    #[test]
    fn a_text_of_too_many_blanks_is_refused() {
        let text = format!("{}z", " ".repeat(3000));
        assert_eq!(split(&text, MAX_PLAIN_BYTES), Err(TextError::Blanks));
    }

    #[test]
    fn a_text_that_would_be_obeyed_is_refused() {
        let padded = format!("exit{}", " ".repeat(40));
        for text in
            ["exit", " EXIT ", &padded, "connect", "[peer_quit]", "Connection Request", "connected"]
        {
            let word = text.trim().to_owned();
            assert_eq!(split(text, MAX_PLAIN_BYTES), Err(TextError::Keyword(word)), "{text:?}");
        }
        for text in [
            "quit",
            "exit now",
            "disconnect",
            "7000\nCONNECT",
            "PORT:7000",
            "[2026-01-01 10:00:00] x",
        ] {
            assert_eq!(split(text, MAX_PLAIN_BYTES), Ok(vec![text]), "{text:?}");
        }
    }

    #[test]
    fn bytes_become_text_or_say_where_they_are_not() {
        assert_eq!(check_text(b"hi".to_vec()), Ok("hi".to_owned()));
        assert_eq!(check_text(b" \n".to_vec()), Err(TextError::Empty));
        assert_eq!(check_text(b"ab\xffc".to_vec()), Err(TextError::NotUtf8(2)));
    }
}
