//! What plain programs say in words once they have read a message.

use super::conversation::Conversation;
use crate::message::Kind;
use crate::name::Name;

/// Whether a plain program's words mean that it has read the message: `ACK from 7000`,
/// `[ACK] Message received from 7000`, `Message received`, `H N connected`.
pub fn is_receipt(reply: &[u8]) -> bool {
    let lower = reply.to_ascii_lowercase();
    let words: [&[u8]; 3] = [b"ack", b"[ack]", b"message received"];
    words.iter().any(|word| lower.starts_with(word)) || has_connect_ack(reply)
}

fn has_connect_ack(reply: &[u8]) -> bool {
    let readings = Conversation::default().read(reply);
    readings.iter().any(|reading| reading.kind == Kind::ConnectAck)
}

/// The name in `H N connected`.
pub fn name_in(reply: &[u8]) -> Option<Name> {
    let readings = Conversation::default().read(reply);
    let answer = readings.into_iter().find(|reading| reading.kind == Kind::ConnectAck)?;
    answer.name?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_stand_for_reading_are_a_receipt() {
        for reply in [
            &b"ACK from 7000"[..],
            b"[ACK] Message received from 7000",
            b"Message received",
            b"10.0.0.2:7000 TeamX connected",
            b"ACK:TeamX:7000",
        ] {
            assert!(is_receipt(reply), "{:?}", String::from_utf8_lossy(reply));
        }
        for reply in [&b""[..], b"Connected to the server", b"Welcome", b"PORT:7000", b"hello"] {
            assert!(!is_receipt(reply), "{:?}", String::from_utf8_lossy(reply));
        }
    }
}
