//! The configuration file as it is written: every key optional, unknown ones named.
//!
//! What the program makes of it, together with flags and environment, is in `settings`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::address::{Address, Host, parse_port};
use crate::exit::{Code, Failure};
use crate::key::PublicKey;
use crate::name::{Name, NameError};
use crate::nearest::nearest;
use crate::tag::Tag;
use crate::topic::TopicGlob;
use crate::trust::{Accept, Secure, Share, Trust};

/// Largest configuration file that is read, in bytes: 10,000 static peers fit four times.
const MAX_CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// The example that `p2p config init` writes: every key with its default, commented out.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// A configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) name: Option<Text<TypedName>>,
    pub(crate) trust: Option<Text<Trust>>,
    pub(crate) listen: Listen,
    pub(crate) send: Send,
    pub(crate) state: State,
    pub(crate) limits: Limits,
    pub(crate) peer: Vec<StaticPeer>,
    pub(crate) hook: Vec<Hook>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    pub(crate) port: Option<u16>,
    pub(crate) bind: Option<Text<Bind>>,
    pub(crate) advertise: Option<Text<Advertise>>,
    pub(crate) accept: Option<Text<Accept>>,
    pub(crate) secure: Option<Text<Secure>>,
    pub(crate) max_size: Option<u64>,
    pub(crate) history: Option<u64>,
    pub(crate) durable: Option<bool>,
    pub(crate) goodbye: Option<bool>,
    pub(crate) bootstrap: Option<bool>,
    pub(crate) share_peers: Option<Text<Share>>,
    pub(crate) lan: Option<bool>,
    pub(crate) recheck: Option<Text<Time>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Send {
    pub(crate) timeout: Option<Text<Time>>,
    pub(crate) retry_for: Option<Text<Time>>,
    pub(crate) jobs: Option<usize>,
    pub(crate) secure: Option<Text<Secure>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct State {
    pub(crate) allow_network: Option<bool>,
    pub(crate) lock_wait: Option<Text<Time>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) connections: Option<usize>,
    pub(crate) connections_per_ip: Option<usize>,
    pub(crate) plain_size: Option<usize>,
    pub(crate) message_time: Option<Text<Time>>,
    pub(crate) idle_time: Option<Text<Time>>,
    pub(crate) output_buffer: Option<usize>,
    pub(crate) peers: Option<usize>,
    pub(crate) unverified_peers: Option<usize>,
    pub(crate) learned_peers: Option<usize>,
    pub(crate) hooks: Option<usize>,
    pub(crate) hook_time: Option<Text<Time>>,
    pub(crate) hook_buffer: Option<usize>,
    pub(crate) hook_output: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaticPeer {
    pub(crate) name: Option<Text<TypedName>>,
    pub(crate) addr: Text<Address>,
    #[serde(default)]
    pub(crate) tags: Vec<Text<Tag>>,
    pub(crate) key: Option<Text<PublicKey>>,
    pub(crate) secure: Option<Text<Secure>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    #[serde(default)]
    pub(crate) on: On,
    /// A peer, or a list of them.
    #[serde(default, deserialize_with = "one_or_many")]
    pub(crate) from: Vec<String>,
    /// A pattern for topics, or a list of them.
    #[serde(default, deserialize_with = "topics")]
    pub(crate) topic: Vec<TopicGlob>,
    pub(crate) run: Text<Run>,
    #[serde(default)]
    pub(crate) reply: bool,
    #[serde(default, rename = "continue")]
    pub(crate) goes_on: bool,
}

/// What a hook is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// A message arrived.
    #[default]
    Message,
    /// A peer is new, or came back.
    Join,
    /// A peer said that it goes.
    Leave,
}

impl On {
    /// The word in configuration, JSON and `P2P_EVENT`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Join => "join",
            Self::Leave => "leave",
        }
    }
}

/// The command of a hook, for `/bin/sh -c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run(pub String);

impl FromStr for Run {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            _ if text.trim().is_empty() => Err("a hook needs a command"),
            _ if text.contains('\0') => Err("a command has no NUL character"),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;
    impl<'de> serde::de::Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one, or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut many: A,
        ) -> Result<Self::Value, A::Error> {
            let mut peers = Vec::new();
            while let Some(peer) = many.next_element()? {
                peers.push(peer);
            }
            // an empty list would mean nobody to one reader and everybody to another
            if peers.is_empty() { Err(A::Error::custom("the list is empty")) } else { Ok(peers) }
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

fn topics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TopicGlob>, D::Error> {
    let globs = one_or_many(deserializer)?.into_iter();
    globs
        .map(|glob| glob.parse().map_err(|error| D::Error::custom(format!("`{glob}`: {error}"))))
        .collect()
}

/// A value that is written as a string and read by its own grammar.
#[derive(Clone, Debug)]
pub(crate) struct Text<T>(pub(crate) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
    }
}

/// A name as a person gives it.
#[derive(Clone, Debug)]
pub struct TypedName(pub Name);

impl FromStr for TypedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Name::typed(text).map(Self)
    }
}

/// A length of time with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// Longer waits are a mistake, and would overflow a deadline.
        const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
        match humantime::parse_duration(text) {
            Ok(time) if time.is_zero() => Err("a time is longer than 0".into()),
            Ok(time) if time > MAX => Err("a time is at most a year".into()),
            Ok(time) => Ok(Self(time)),
            Err(_) => Err("a time needs a unit, as in 500ms, 5s, 1m30s, 2h, 7d".into()),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = humantime::format_duration(self.0).to_string();
        f.write_str(&shown.replace(' ', ""))
    }
}

/// The address to listen on; without one, all of the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind(pub std::net::IpAddr);

impl FromStr for Bind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        text.parse()
            .map(Self)
            .map_err(|_| "an address to listen on is an IP address of this machine")
    }
}

/// What we tell others is our address: `HOST` or `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// The host, resolved when it is needed.
    pub host: Host,
    /// The port, if it is not the one we listen on.
    pub port: Option<u16>,
}

impl FromStr for Advertise {
    type Err = crate::address::AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(host) = bare.parse() {
            return Ok(Self { host, port: None });
        }
        let Address { host, port } = text.parse()?;
        Ok(Self { host, port: Some(port) })
    }
}

impl fmt::Display for Advertise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

/// Reads a port as the command line gives it, where 0 asks for a free one.
pub fn parse_listen_port(text: &str) -> Result<u16, String> {
    match text {
        "0" => Ok(0),
        _ => parse_port(text).ok_or_else(|| "a port is a number from 0 to 65535".into()),
    }
}

/// Reads a number of parallel jobs.
pub fn parse_jobs(text: &str) -> Result<usize, String> {
    /// More sockets than this one process cannot open anywhere.
    const MAX_JOBS: usize = 65_536;
    // `+5` is a number to the standard library
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    let jobs = text.parse().ok().filter(|jobs| is_number && (1..=MAX_JOBS).contains(jobs));
    jobs.ok_or_else(|| format!("a number from 1 to {MAX_JOBS}"))
}

impl Config {
    /// Reads a file; a missing one is an empty configuration unless it was asked for by name.
    pub fn load(path: &Path, asked_for: bool) -> Result<Self, Failure> {
        let shown = path.display();
        let cannot =
            |why: String| Failure::new(Code::Config, format!("cannot read {shown}: {why}"));
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => {
                return Ok(Self::default());
            }
            Err(error) => return Err(cannot(error.to_string())),
        };
        let mut text = String::new();
        let mut limited = std::io::Read::take(file, MAX_CONFIG_BYTES + 1);
        std::io::Read::read_to_string(&mut limited, &mut text)
            .map_err(|error| cannot(error.to_string()))?;
        if text.len() as u64 > MAX_CONFIG_BYTES {
            return Err(cannot(format!("it is larger than {MAX_CONFIG_BYTES} bytes")));
        }
        Self::parse(&text).map_err(|failure| failure.context(format!("cannot read {shown}")))
    }

    /// Reads the text of a configuration; errors name the line and, for an unknown key, the nearest known one.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|error| explain(text, &error))
    }
}

fn explain(text: &str, error: &toml::de::Error) -> Failure {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|&b| b == b'\n').count();
    let message = error.message();
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    let what = match message {
        _ if message.starts_with("unknown field") => "key",
        _ if message.starts_with("unknown variant") => "word",
        _ => "",
    };
    let Some(key) = quoted.next().filter(|_| !what.is_empty()) else {
        let message = in_words(&message.replace('\n', " "));
        return Failure::new(Code::Config, format!("line {line}: {message}"));
    };
    let failure = Failure::new(Code::Config, format!("line {line}: unknown {what} `{key}`"));
    let known: Vec<String> = quoted.collect();
    match nearest(&key, known.iter().cloned()) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint(format!("known here: {}", known.join(", "))),
    }
}

/// What was wanted instead, without the names that numbers have in this program.
fn in_words(message: &str) -> String {
    let Some((found, wanted)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let wanted = match wanted {
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 on",
        "a boolean" => "true or false",
        other => other,
    };
    format!("{}, expected {wanted}", found.trim_end_matches(" as i128"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, Option<String>) {
        let failure = Config::parse(text).unwrap_err();
        assert_eq!(failure.code, Code::Config);
        (failure.to_string(), failure.hint)
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, message, hint) in [
            (
                "name = \"x\"\n[listen]\nprot = 1",
                "line 3: unknown key `prot`",
                Some("did you mean `port`?"),
            ),
            ("[sned]\n", "line 1: unknown key `sned`", Some("did you mean `send`?")),
            ("[[peer]]\nname = \"a\"", "line 1: missing field `addr`", None),
            (
                "[[peer]]\naddr = \"10.1:5\"",
                "line 2: `10.1:5`: the host is neither an IP address nor a host name",
                None,
            ),
            ("name = \"-x\"", "line 1: `-x`: a name does not start with `-`", None),
            ("[[hook]]\nrum = \"x\"", "line 2: unknown key `rum`", Some("did you mean `run`?")),
            ("[[hook]]\non = \"join\"", "line 1: missing field `run`", None),
            ("[[hook]]\nrun = \" \"", "line 2: ` `: a hook needs a command", None),
            (
                "[[hook]]\nrun = \"x\"\non = \"mesage\"",
                "line 3: unknown word `mesage`",
                Some("did you mean `message`?"),
            ),
            ("[[hook]]\nrun = \"x\"\nfrom = []", "line 3: the list is empty", None),
            (
                "[send]\ntimeout = \"5\"",
                "line 2: `5`: a time needs a unit, as in 500ms, 5s, 1m30s, 2h, 7d",
                None,
            ),
        ] {
            let (said, hinted) = refused(text);
            assert_eq!((said.as_str(), hinted.as_deref()), (message, hint), "{text}");
        }
        assert_eq!(
            refused("[listen]\nport = 65536").0,
            "line 2: invalid value: integer `65536`, expected a whole number from 0 to 65535"
        );
        assert_eq!(
            refused("[limits]\npeers = -1").0,
            "line 2: invalid value: integer `-1`, expected a whole number from 0 on"
        );
        assert_eq!(
            refused("[listen]\nlan = \"yes\"").0,
            "line 2: invalid type: string \"yes\", expected true or false"
        );
        assert!(refused("name = ").0.starts_with("line 1: "));
    }

    #[test]
    fn the_example_is_an_empty_configuration_and_every_line_of_it_is_valid() {
        let as_shipped = Config::parse(EXAMPLE).unwrap();
        assert!(as_shipped.peer.is_empty() && as_shipped.name.is_none());
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(line))
            .map(|line| format!("{line}\n"))
            .collect();
        let all = Config::parse(&uncommented).unwrap();
        assert_eq!(all.peer.len(), 2, "the two mandatory peers of the course");
        assert!(all.name.is_some() && all.listen.port.is_some() && all.limits.peers.is_some());
    }
}
