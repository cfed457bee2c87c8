//! Reads the arrivals of one connection, in order.
//!
//! The rules and their order are those of `docs/PROTOCOL.md`; every arrival has a reading, none is an error.

use super::dialects::{
    Utf8, classify, read_headed, read_json, read_keyed, read_name, split_line, without_newline,
};
use super::reading::{Answer, Reading};
use crate::address::parse_port;
use crate::message::Kind;

/// Messages in one arrival of the dialect that sends lines; the rest of it is the text of the last one. Each is kept
/// with its own name and address, so that many tiny ones would cost far more memory than their bytes.
pub const MAX_LINES: usize = 256;

/// What one connection has said about itself so far.
///
/// Two dialects give port and name once and leave them out later, so arrivals of one connection are read in order.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    port: Option<u16>,
    name: Option<String>,
    by_lines: bool,
}

impl Conversation {
    /// Reads one arrival; only an empty one has no reading.
    pub fn read(&mut self, arrival: &[u8]) -> Vec<Reading> {
        if arrival.is_empty() {
            return Vec::new();
        }
        if self.by_lines {
            return self.read_lines(arrival);
        }
        if let Some((handshake, rest)) = self.read_line_handshake(arrival) {
            return [handshake].into_iter().chain(self.read_lines(rest)).collect();
        }
        let reading = self.read_one(arrival);
        if reading.answer == Some(Answer::Port) {
            self.port = reading.port;
        }
        vec![reading]
    }

    fn read_lines(&self, bytes: &[u8]) -> Vec<Reading> {
        let lines =
            bytes.splitn(MAX_LINES, |&b| b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        lines.filter(|l| !l.is_empty()).map(|line| self.read_one(line)).collect()
    }

    /// A first line of digits, perhaps a line with a name, then `CONNECT`; what follows is read by lines.
    fn read_line_handshake<'a>(&mut self, arrival: &'a [u8]) -> Option<(Reading, &'a [u8])> {
        let (first, rest) = split_line(arrival)?;
        let port = parse_port(first.trim_ascii().utf8()?)?;
        let (second, mut rest) = split_line(rest).unwrap_or((rest, b""));
        let mut name = None;
        if !second.trim_ascii().eq_ignore_ascii_case(b"connect") {
            let (third, after) = split_line(rest).unwrap_or((rest, b""));
            if !third.trim_ascii().eq_ignore_ascii_case(b"connect") {
                return None;
            }
            name = Some(read_name(second.trim_ascii())?);
            rest = after;
        }
        (self.port, self.name, self.by_lines) = (Some(port), name, true);
        let handshake = self.reading(Kind::Connect, b"CONNECT");
        Some((Reading { answer: Some(Answer::Connected), ..handshake }, rest))
    }

    fn read_one(&self, arrival: &[u8]) -> Reading {
        read_headed(arrival)
            .or_else(|| read_keyed(arrival))
            .or_else(|| read_json(arrival))
            .map(|r| Reading {
                port: r.port.or(self.port),
                name: r.name.or(self.name.clone()),
                ..r
            })
            .unwrap_or_else(|| self.read_bare(arrival))
    }

    /// Text without any header: raw, unless the connection has introduced itself.
    fn read_bare(&self, arrival: &[u8]) -> Reading {
        let text = without_newline(arrival);
        let kind = if self.by_lines { classify(text, false) } else { Kind::Raw };
        self.reading(kind, text)
    }

    fn reading(&self, kind: Kind, text: &[u8]) -> Reading {
        let name = self.name.clone();
        Reading { kind, header: None, port: self.port, name, text: text.to_vec(), answer: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::reading::Ends;

    fn one(arrival: &[u8]) -> Reading {
        let readings = Conversation::default().read(arrival);
        let [reading] = readings.as_slice() else { panic!("{readings:?}") };
        reading.clone()
    }

    fn is(arrival: &str, kind: Kind, name: Option<&str>, text: &str) {
        let reading = one(arrival.as_bytes());
        let found = (reading.kind, reading.name.as_deref(), String::from_utf8_lossy(&reading.text));
        assert_eq!(found, (kind, name, text.into()), "{arrival:?}");
    }

    #[test]
    fn a_header_is_an_address_with_or_without_brackets() {
        for header in ["10.0.0.2:7000", "<10.0.0.2:7000>", "<10.0.0.2:7000", "10.0.0.2:7000>"] {
            let reading = one(format!("{header} alice hi there").as_bytes());
            assert_eq!(reading.header, Some("10.0.0.2:7000".parse().unwrap()), "{header}");
            assert_eq!(reading.text, b"hi there");
        }
        assert_eq!(one(b"[::1]:7000 alice hi").header, Some("[::1]:7000".parse().unwrap()));
        assert_eq!(one(b"[::ffff:10.0.0.2]:7 a hi").header, Some("10.0.0.2:7".parse().unwrap()));
        for raw in [
            "10.0.0.2 alice hi",
            "10.0.0.2:0 a hi",
            "10.0.0.2:+7 a hi",
            "010.0.0.2:7 a hi",
            "x:7000 a hi",
        ] {
            is(raw, Kind::Raw, None, raw);
        }
    }

    #[test]
    fn the_text_is_kept_as_it_is_but_for_one_last_newline() {
        is("10.0.0.2:7000 alice  two blanks ", Kind::Message, Some("alice"), " two blanks ");
        is("10.0.0.2:7000 alice a\nb\n\n", Kind::Message, Some("alice"), "a\nb\n");
        is("10.0.0.2:7000 <alice> hi\r\n", Kind::Message, Some("alice"), "hi");
        is("10.0.0.2:7000 [2026-11-21 10:00:00] alice hi", Kind::Message, Some("alice"), "hi");
        is("10.0.0.2:7000 [not a date] hi", Kind::Message, Some("[not"), "a date] hi");
    }

    #[test]
    fn keywords_are_the_whole_text_in_any_case() {
        for (text, kind) in [
            ("exit", Kind::Exit),
            (" EXIT\n", Kind::Exit),
            ("[Peer_Quit]", Kind::Exit),
            ("quit", Kind::Message),
            ("connect", Kind::Connect),
            ("Connecting", Kind::Connect),
            ("connection request", Kind::Connect),
            ("CONNECTION_REQUEST", Kind::Connect),
            ("connect_ack", Kind::ConnectAck),
            ("connected", Kind::ConnectAck),
            ("exit now", Kind::Message),
            ("disconnect", Kind::Message),
        ] {
            assert_eq!(
                one(format!("10.0.0.2:7000 alice {text}").as_bytes()).kind,
                kind,
                "{text:?}"
            );
        }
        assert_eq!(one(b"<10.0.0.2:7000> alice quit").kind, Kind::Exit);
        for (word, kind) in
            [("DISCONNECT", Kind::Exit), ("disconnected", Kind::Exit), ("exit", Kind::Raw)]
        {
            assert_eq!(one(format!("<10.0.0.2:7000> {word}").as_bytes()).kind, kind, "{word}");
        }
    }

    #[test]
    fn a_name_with_blanks_stands_between_brackets() {
        let arrival = "<10.0.0.2:7000> @ <The Red Team>\nline one\nline two\n<end>\n";
        is(arrival, Kind::Message, Some("The Red Team"), "line one\nline two");
        is("10.0.0.2:7000 @ <Red Team>\nno end", Kind::Message, Some("Red Team"), "no end");
        is("<10.0.0.2:7000> @ <Red>\n<end>", Kind::Message, Some("Red"), "");
    }

    #[test]
    fn a_json_object_may_repeat_its_header() {
        let object = |content: &str, kind: &str| {
            format!(
                r#"{{"type":"{kind}","sender_port":7000,"sender_name":"Red","content":"{content}"}}"#
            )
        };
        for content in
            ["hi", "<10.0.0.2:7000> Red hi", "<10.0.0.2:7000> Red <10.0.0.2:7000> Red hi"]
        {
            is(&object(content, "message"), Kind::Message, Some("Red"), "hi");
        }
        is(&object("", "exit"), Kind::Exit, Some("Red"), "");
        is(&object("x", "connect"), Kind::Connect, Some("Red"), "x");
        let other = object("x", "other");
        is(&other, Kind::Raw, None, &other);
        let string_port = r#"{"type":"message","sender_port":"7000","content":"hi"}"#;
        assert_eq!(one(string_port.as_bytes()).port, Some(7000));
        let deep = "{".to_owned() + &r#""a":{"#.repeat(100_000);
        assert_eq!(one(deep.as_bytes()).kind, Kind::Raw);
    }

    #[test]
    fn a_handshake_speaks_for_the_rest_of_its_connection() {
        let mut conversation = Conversation::default();
        let readings =
            conversation.read(b"7000\nThe Team\nCONNECT\nhello\n\n10.0.0.9:1 bob hi\nexit\n");
        let found: Vec<_> = readings
            .iter()
            .map(|r| {
                (r.kind, r.port, r.name.as_deref().unwrap(), std::str::from_utf8(&r.text).unwrap())
            })
            .collect();
        let port = Some(7000);
        assert_eq!(
            found,
            [
                (Kind::Connect, port, "The Team", "CONNECT"),
                (Kind::Message, port, "The Team", "hello"),
                (Kind::Message, port, "bob", "hi"),
                (Kind::Exit, port, "The Team", "exit"),
            ]
        );
        is("7000\nhello", Kind::Raw, None, "7000\nhello");
    }

    #[test]
    fn many_tiny_lines_do_not_become_many_messages_and_none_is_lost() {
        let arrival = "7000\nCONNECT\n".to_owned() + &"a\n".repeat(30_000);
        let readings = Conversation::default().read(arrival.as_bytes());
        assert!(readings.len() <= MAX_LINES + 1, "{} readings", readings.len());
        let texts = readings[1..].iter().flat_map(|reading| reading.text.iter());
        assert_eq!(texts.filter(|&&byte| byte == b'a').count(), 30_000);
    }

    #[test]
    fn every_arrival_has_a_reading_and_none_but_the_empty_has_none() {
        assert_eq!(Conversation::default().read(b""), []);
        let examples: [&[u8]; 8] = [
            b"<10.0.0.2:7000> @ <The Red Team>\ntext\n<end>",
            b"10.0.0.2:7000 [2026-11-21 10:00:00] alice hi",
            b"MESSAGE:me:7000:text",
            b"LISTENING_PORT:7000|TEAM_NAME:me|text",
            b"7000\nname\nCONNECT\nline\n",
            b"CONNECT 10.0.0.2 7000",
            br#"{"type":"message","sender_port":7000,"sender_name":"me","content":"hi"}"#,
            b"PORT:7000",
        ];
        for example in examples {
            for end in 1..=example.len() {
                let cut = &example[..end];
                assert!(!Conversation::default().read(cut).is_empty(), "{cut:?}");
                let mut changed = cut.to_vec();
                for at in 0..end {
                    for byte in [0, b'\n', b' ', b'<', b':', 0xff] {
                        changed[at] = byte;
                        let mut conversation = Conversation::default();
                        let _ = conversation.read(&changed);
                        let _ = conversation.read(example);
                    }
                    changed[at] = cut[at];
                }
            }
        }
    }

    #[test]
    fn an_address_that_cannot_be_meant_is_replaced_or_left_out() {
        let ends = Ends {
            observed: "10.0.0.2".parse().unwrap(),
            local: "10.0.0.9".parse().unwrap(),
            port: 6000,
            advertised: Some("192.0.2.9:6001".parse().unwrap()),
        };
        for (header, reachable) in [
            ("10.0.0.2:7000", Some("10.0.0.2:7000")),
            ("10.0.0.7:7000", Some("10.0.0.7:7000")),
            ("127.0.1.1:7000", Some("10.0.0.2:7000")),
            ("0.0.0.0:7000", Some("10.0.0.2:7000")),
            ("10.0.0.9:7000", Some("10.0.0.2:7000")),
            ("192.0.2.9:7000", Some("10.0.0.2:7000")),
            ("10.0.0.9:6000", None),
            ("192.0.2.9:6001", None),
            ("224.0.0.1:7000", None),
            ("255.255.255.255:7000", None),
            ("0.0.0.1:7000", None),
            ("[fe80::1]:7000", None),
        ] {
            let reading = one(format!("{header} alice hi").as_bytes());
            let found = reading.reachable(&ends).map(|address| address.to_string());
            assert_eq!(found.as_deref(), reachable, "{header}");
        }
        let own = Ends { observed: ends.local, ..ends };
        assert_eq!(one(b"127.0.0.1:6000 me hi").reachable(&own), None, "our own listener");
        assert_eq!(one(b"hello").reachable(&ends), None);
        assert_eq!(one(b"EXIT:7000").reachable(&ends).unwrap().to_string(), "10.0.0.2:7000");
    }
}
