//! Options whose value is one of a few words: what is offered, and what the help says of each.

use std::error::Error;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::trust::{Accept, Secure, Share};

/// Whose messages a listener takes.
pub fn accept() -> impl TypedValueParser<Value = Accept> {
    one_of([
        ("any", "everybody's"),
        ("known", "those of peers in the list"),
        ("trusted", "those of peers whose key was given"),
    ])
}

/// Who is told of our peers.
pub fn share() -> impl TypedValueParser<Value = Share> {
    one_of([
        ("any", "everybody whose messages are taken"),
        ("trusted", "peers whose key was given"),
        ("nobody", "nobody"),
    ])
}

/// Whether what we send is encrypted.
pub fn secure() -> impl TypedValueParser<Value = Secure> {
    one_of([
        ("require", "always, or it is not sent"),
        ("prefer", "whenever a p2p is there"),
        ("off", "never"),
    ])
}

/// Whether what we take is encrypted.
pub fn listen_secure() -> impl TypedValueParser<Value = Secure> {
    one_of([
        ("require", "always, or it is refused"),
        ("prefer", "plain programs may write, too"),
        ("off", "never"),
    ])
}

fn one_of<T>(words: [(&'static str, &'static str); 3]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    let words = words.map(|(word, about)| PossibleValue::new(word).help(about));
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}
