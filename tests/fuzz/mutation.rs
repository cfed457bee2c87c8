//! Makes inputs of others: mutated ones, and large ones.

use fastrand::Rng;

/// Words that mean something to one parser or another, and characters that must never be shown.
const TOKENS: [&str; 96] = [
    "<",
    ">",
    "@",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ":",
    ",",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\\",
    "\0",
    "=",
    "#",
    "-",
    "+",
    "connect",
    "connected",
    "connect_ack",
    "exit",
    "quit",
    "[peer_quit]",
    "CONNECT_REQUEST",
    "DISCONNECT",
    "<end>",
    "MESSAGE:",
    "LISTENING_PORT:",
    "|TEAM_NAME:",
    "CONNECT:",
    "ACK:",
    "EXIT:",
    "PORT:",
    "CONNECT ",
    "7000\nCONNECT\n",
    "10.0.0.2:7000 bob ",
    "<127.0.0.1:7000> ",
    "[::1]:5000",
    "[fe80::1%eth0]:5",
    "0.0.0.0:1",
    "::ffff:10.0.0.2",
    "P2P/1 OK ",
    "P2P/1 NO ",
    " name=",
    " port=",
    " key=",
    " retry=",
    "busy",
    "00000000",
    "{\"type\":\"message\",\"id\":\"9f2c\",\"size\":5}\nhello",
    "{\"type\":\"ping\",\"id\":\"1\"}\n",
    "\"type\":",
    "\"id\":",
    "\"size\":",
    "\"sender_port\":",
    "\"content\":",
    "\"seq\":",
    "\"body\":",
    "\"body_base64\":\"/w==\"",
    "\"addr\":\"10.0.0.2:7000\"",
    "\"age\":",
    "\"name\":",
    "\"v\":2",
    "null",
    "true",
    "[]",
    "[[[[",
    "{\"a\":",
    "0",
    "1",
    "-1",
    "255",
    "256",
    "65535",
    "65536",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "0x1f",
    "010",
    "9999-12-31T23:59:60Z",
    "1969-12-31T23:59:59Z",
    "2026-01-01T00:00:00.123Z",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{3000}",
    "\u{e0041}",
    "\u{1f600}",
    "e\u{301}",
];

/// Bytes that are not UTF-8, or only in part.
const BROKEN: [&[u8]; 6] =
    [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\x80", b"\xf4\x90\x80\x80"];

/// Makes one input after the other.
pub struct Mutator {
    rng: Rng,
    seeds: Vec<Vec<u8>>,
    input: Vec<u8>,
    max_bytes: usize,
}

impl Mutator {
    /// Begins; the same seed makes the same inputs.
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>, max_bytes: usize) -> Self {
        Self { rng: Rng::with_seed(seed), seeds, input: Vec::new(), max_bytes }
    }

    /// The next input: one of the seeds, changed in a few places.
    pub fn next(&mut self) -> &[u8] {
        let seed = self.rng.usize(..self.seeds.len());
        self.input.clone_from(&self.seeds[seed]);
        self.input.truncate(self.max_bytes);
        for _ in 0..=self.rng.u32(..5) {
            self.change();
        }
        self.input.truncate(self.max_bytes);
        &self.input
    }

    fn change(&mut self) {
        let Self { rng, seeds, input, .. } = self;
        let at = rng.usize(..=input.len());
        let most = 1 << rng.u32(..10);
        let length = rng.usize(..=(input.len() - at).min(most));
        match rng.u32(..12) {
            0 if at < input.len() => input[at] ^= 1 << rng.u32(..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 => input.insert(at, rng.u8(..)),
            3 => drop(input.drain(at..at + length)),
            4 => {
                let part = input[at..at + length].to_vec();
                insert(input, at, &part);
            }
            5 => input.truncate(at),
            6 => {
                // a beginning of this one, an end of another
                let other = &seeds[rng.usize(..seeds.len())];
                input.truncate(at);
                input.extend(&other[rng.usize(..=other.len())..]);
            }
            7 => {
                let other = &seeds[rng.usize(..seeds.len())];
                let from = rng.usize(..=other.len());
                let to = (from + rng.usize(..64)).min(other.len());
                insert(input, at, &other[from..to]);
            }
            8 => {
                let token = BROKEN[rng.usize(..BROKEN.len())];
                insert(input, at, token);
            }
            9 if at < input.len() => {
                // the byte beside it in the alphabet, or the other case
                input[at] =
                    [input[at].wrapping_add(1), input[at].wrapping_sub(1), input[at] ^ 0x20]
                        [rng.usize(..3)];
            }
            _ => {
                let token = TOKENS[rng.usize(..TOKENS.len())].as_bytes();
                let replaced = if rng.bool() { token.len().min(input.len() - at) } else { 0 };
                input.splice(at..at + replaced, token.iter().copied());
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    input.splice(at..at, part.iter().copied());
}

/// Large inputs, each with its name: deep ones, long lists, numbers and words of so many bytes; one token or one seed again
/// and again, of so many that all of them take no minute where nothing is optimised.
pub fn large(bytes: usize, seeds: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let less = if cfg!(debug_assertions) { bytes / 16 } else { bytes };
    let again = |part: &[u8]| part.repeat(less / part.len().max(1) + 1)[..less].to_vec();
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for token in TOKENS.iter().map(|token| token.as_bytes()).chain(BROKEN) {
        inputs.push((format!("{} again and again", token.escape_ascii()), again(token)));
    }
    for seed in seeds.iter().filter(|seed| !seed.is_empty()).take(24) {
        let line = [seed, &b"\n"[..]].concat();
        inputs.push((
            format!("{} again and again", seed[..seed.len().min(40)].escape_ascii()),
            again(&line),
        ));
        // what begins well and never ends
        let mut long = seed[..seed.len() / 2].to_vec();
        long.resize(less, b'a');
        inputs.push((
            format!("half of {} and then letters", seed[..seed.len().min(40)].escape_ascii()),
            long,
        ));
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("a={b=", "}"), ("[a.", "]\n"), ("(", ")")]
    {
        let depth = bytes / (open.len() + close.len());
        let deep = [open.repeat(depth), close.repeat(depth)].concat();
        inputs.push((format!("{open} in {open}"), deep.into_bytes()));
    }
    for (name, first, part, last) in [
        ("a list of numbers", "[", "0,", "0]"),
        ("a list of lists", "[", "[],", "0]"),
        ("a list of peers", "[", "{\"addr\":\"10.0.0.2:7000\"},", "0]"),
        ("a list of small objects", "[", "{\"\":0},", "0]"),
        (
            "a message with a list of small objects",
            "{\"type\":\"message\",\"sender_port\":7000,\"x\":[",
            "{\"\":0},",
            "0]}",
        ),
        (
            "a message with a list of numbers",
            "{\"type\":\"message\",\"sender_port\":7000,\"x\":[",
            "0,",
            "0]}",
        ),
        ("a message of many digits", "{\"type\":\"message\",\"sender_port\":", "1", "}"),
        (
            "a record with a list of small objects",
            "{\"v\":1,\"addr\":\"10.0.0.2:7000\",\"x\":[",
            "{\"\":0},",
            "0]}",
        ),
        ("an object with a list of small objects", "{\"seq\":1,\"x\":[", "{\"\":0},", "0]}\n"),
        (
            "a frame with a list of small objects",
            "{\"type\":\"ping\",\"id\":\"1\",\"x\":[",
            "{\"\":0},",
            "0]}\n",
        ),
        (
            "a record with many tags",
            "{\"v\":1,\"addr\":\"10.0.0.2:7000\",\"tags\":[",
            "\"a\",",
            "\"b\"]}",
        ),
        ("a configuration of many peers", "", "[[peer]]\naddr=\"a:1\"\n", ""),
        ("a configuration of many keys", "", "a.b.c.d.e=1\n", ""),
        ("a configuration of a long list", "x=[", "1,", "]"),
        ("a configuration of dots", "", "a.", "a=1"),
        ("a configuration with a long key", "", "a", "=1"),
    ] {
        let count = (bytes - first.len() - last.len()) / part.len();
        inputs.push((name.to_owned(), [first, &part.repeat(count), last].concat().into_bytes()));
    }
    inputs
}
