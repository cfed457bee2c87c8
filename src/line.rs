//! A message as one line of text: `ADDRESS NAME TEXT`.

use crate::escape::escape;
use crate::message::Arrival;

/// How the text of a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line, whatever is in it.
    Escaped,
    /// Its exact bytes.
    Raw,
}

/// `ADDRESS NAME TEXT`; without a known address the IP that was observed, without a name `-`. For a person a name that is
/// only a claim is marked with `?`.
pub fn line(arrival: &Arrival, form: Form, is_doubtful: bool) -> Vec<u8> {
    let address =
        arrival.address.as_ref().map_or_else(|| arrival.observed.to_string(), ToString::to_string);
    let name = arrival.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let mark = if is_doubtful && name.is_some() { "?" } else { "" };
    let name = escape(name.unwrap_or("-").as_bytes()).replace(' ', "_") + mark;
    let mut line = format!("{address} {name} ").into_bytes();
    match form {
        Form::Escaped => line.extend(escape(&arrival.text).bytes()),
        Form::Raw => line.extend(&arrival.text),
    }
    line.push(b'\n');
    line
}
