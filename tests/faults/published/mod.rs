//! Failures that others have published, by their names: each was somebody's, and none of them is ours.
//!
//! A test bears the name of the failure that it would have found. What it holds the output against is written down here
//! again, from the Unicode Character Database and not from our own code.

mod beyond;
mod processes;
mod state;
mod text;
mod wire;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::support::{Home, Outcome, P2P, PATIENCE, outcome};

/// Characters that nobody sees or that steer what shows them: first and last of each range, and what it is. Of those that
/// Unicode gives to nobody, or to anybody, the ends of a few ranges stand for all.
const HIDDEN: [(u32, u32, &str); 46] = [
    (0x0000, 0x001f, "C0 controls"),
    (0x007f, 0x009f, "DELETE and C1 controls"),
    (0x00a0, 0x00a0, "NO-BREAK SPACE"),
    (0x00ad, 0x00ad, "SOFT HYPHEN"),
    (0x034f, 0x034f, "COMBINING GRAPHEME JOINER"),
    (0x0378, 0x0379, "unassigned"),
    (0x0600, 0x0605, "Arabic number signs"),
    (0x061c, 0x061c, "ARABIC LETTER MARK"),
    (0x06dd, 0x06dd, "ARABIC END OF AYAH"),
    (0x070f, 0x070f, "SYRIAC ABBREVIATION MARK"),
    (0x0890, 0x0891, "Arabic marks above"),
    (0x08e2, 0x08e2, "ARABIC DISPUTED END OF AYAH"),
    (0x115f, 0x1160, "Hangul fillers"),
    (0x1680, 0x1680, "OGHAM SPACE MARK"),
    (0x17b4, 0x17b5, "Khmer inherent vowels"),
    (0x180b, 0x180f, "Mongolian variation selectors and the vowel separator"),
    (0x2000, 0x200a, "spaces of all widths"),
    (0x200b, 0x200f, "zero width, and marks of direction"),
    (0x2028, 0x2029, "LINE SEPARATOR and PARAGRAPH SEPARATOR"),
    (0x202a, 0x202e, "embeddings and overrides of direction"),
    (0x202f, 0x202f, "NARROW NO-BREAK SPACE"),
    (0x205f, 0x205f, "MEDIUM MATHEMATICAL SPACE"),
    (0x2060, 0x2065, "WORD JOINER and invisible operators"),
    (0x2066, 0x206f, "isolates of direction, and deprecated format characters"),
    (0x2800, 0x2800, "BRAILLE PATTERN BLANK"),
    (0x3000, 0x3000, "IDEOGRAPHIC SPACE"),
    (0x3164, 0x3164, "HANGUL FILLER"),
    (0xe000, 0xe001, "private use"),
    (0xf8fe, 0xf8ff, "private use"),
    (0xfdd0, 0xfdef, "noncharacters"),
    (0xfe00, 0xfe0f, "variation selectors"),
    (0xfeff, 0xfeff, "ZERO WIDTH NO-BREAK SPACE, the byte order mark"),
    (0xffa0, 0xffa0, "HALFWIDTH HANGUL FILLER"),
    (0xfff0, 0xfffb, "interlinear annotation, and what may come beside it"),
    (0xfffe, 0xffff, "noncharacters"),
    (0x110bd, 0x110bd, "KAITHI NUMBER SIGN"),
    (0x110cd, 0x110cd, "KAITHI NUMBER SIGN ABOVE"),
    (0x13430, 0x1343f, "Egyptian format controls"),
    (0x1bca0, 0x1bca3, "shorthand format controls"),
    (0x1d173, 0x1d17a, "musical beams and slurs"),
    (0xe0000, 0xe007f, "tags"),
    (0xe0080, 0xe00ff, "unassigned, to be ignored"),
    (0xe0100, 0xe01ef, "variation selectors"),
    (0xe01f0, 0xe0fff, "unassigned, to be ignored"),
    (0xf0000, 0xf0001, "private use"),
    (0x10fffe, 0x10ffff, "noncharacters"),
];

/// What terminals obey, from the reports of those whose terminals obeyed.
const ORDERS: [&str; 12] = [
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2K\r",
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0gLXJmIH4=\x07",
    "\x1b]8;;http://127.0.0.1\x1b\\link\x1b]8;;\x1b\\",
    "\x1bP1000p\x1b\\",
    "\x1b[21t",
    "\x1b[6n\x05",
    "\u{9b}31m",
    "\u{9d}0;title\u{9c}",
    "over\rwritten\x08\x7f",
    "\x0e\x0f\x0b\x0c",
];

fn is_hidden(c: char) -> bool {
    HIDDEN.iter().any(|(first, last, _)| (*first..=*last).contains(&u32::from(c)))
}

/// Every character of [`HIDDEN`].
fn all_hidden() -> String {
    let codes = HIDDEN.iter().flat_map(|(first, last, _)| *first..=*last);
    codes.filter_map(char::from_u32).collect()
}

/// Nothing in an output is hidden or obeyed, but for the ends of its lines.
#[track_caller]
fn is_tame(what: &str, output: &str) {
    let wild: Vec<_> = output.chars().filter(|c| *c != '\n' && is_hidden(*c)).take(9).collect();
    let shown: String = output.chars().take(2000).collect();
    assert!(wild.is_empty(), "{what} lets through {wild:?}: {shown:?}");
}

/// [`is_tame`] of the streams of a call, which has not panicked.
#[track_caller]
fn both_are_tame(what: &str, said: &Outcome) {
    is_tame(&format!("stdout of {what}"), &said.stdout);
    is_tame(&format!("stderr of {what}"), &said.stderr);
    assert_ne!(said.status.code(), Some(101), "{}", said.report());
}

/// The bytes that an escaped text stands for.
fn unescaped(line: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), line);
    while let Some(c) = rest.chars().next() {
        let (value, length) = match rest.get(..2) {
            Some("\\n") => (vec![b'\n'], 2),
            Some("\\r") => (vec![b'\r'], 2),
            Some("\\t") => (vec![b'\t'], 2),
            Some("\\\\") => (vec![b'\\'], 2),
            Some("\\x") => (vec![u8::from_str_radix(&rest[2..4], 16).unwrap()], 4),
            Some("\\u") => {
                let end = rest.find('}').unwrap();
                let code = u32::from_str_radix(&rest[3..end], 16).unwrap();
                (char::from_u32(code).unwrap().to_string().into_bytes(), end + 1)
            }
            _ => (c.to_string().into_bytes(), c.len_utf8()),
        };
        bytes.extend(value);
        rest = &rest[length..];
    }
    bytes
}

/// Runs p2p on a terminal of its own; what the terminal gets, its line ends made those of a pipe. `None` without script(1).
fn on_terminal(home: &Home, arguments: &[&str]) -> Option<String> {
    let quoted = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
    let words: Vec<_> = [P2P].iter().chain(arguments).map(quoted).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &words.join(" "), "/dev/null"]);
    script.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "dumb").env("NO_COLOR", "1");
    script.env("P2P_HOME", home.path()).env("P2P_NAME", home.name()).stdin(Stdio::null());
    if !can_run("script", &["--version"]) {
        skipped!("no script(1), so no terminal");
        return None;
    }
    Some(outcome(&mut script, None).stdout.replace("\r\n", "\n"))
}

fn can_run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// A shell script in namespaces of its own, as the only user there is; `None`, with a word why, where that is not allowed.
fn in_namespaces(which: &[&str], script: &str) -> Option<Command> {
    let rooted = [which, &["true"]].concat();
    let mapped = [&["--map-root-user"], which, &["true"]].concat();
    let mut command = Command::new("unshare");
    if !can_run("unshare", &rooted) {
        if !can_run("unshare", &mapped) {
            skipped!("no namespaces are allowed here: {which:?}");
            return None;
        }
        command.arg("--map-root-user");
    }
    command.args(which).args(["bash", "-c", script]).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    Some(command)
}

/// A plain program that reads each connection to its end and then answers as it likes.
fn receiver(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let mut said = Vec::new();
            let _ = stream.read_to_end(&mut said);
            let _ = stream.write_all(&answer(&said));
        }
    });
    address
}

/// The verdict that a p2p gives, with something else in the place of the listener's name.
fn verdict_of(said: &[u8], name: &str) -> Vec<u8> {
    let (bytes, crc) = (said.len(), crc32fast::hash(said));
    format!("P2P/1 OK {bytes} {crc:08x} name={name} port=7000\n").into_bytes()
}

/// Processor time that a process has used, in ticks of 10 ms.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The most memory that a process has ever had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Whether the other end has ended a connection.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 256]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
