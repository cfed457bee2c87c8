//! Flags over environment over configuration over default: which value counts, and where it came from.

use std::fmt;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of this call.
    Flag,
    /// An environment variable.
    Environment,
    /// The configuration file.
    Config,
    /// Nobody said otherwise.
    Default,
}

impl Origin {
    /// The word that `config show` prints.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Config => "config",
            Self::Default => "default",
        }
    }
}

/// One effective value.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The key, as in the configuration file.
    pub key: &'static str,
    /// The value; absent if there is none.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// Chooses each value and remembers why.
#[derive(Debug, Default)]
pub struct Layers {
    /// What was chosen so far.
    pub shown: Vec<Shown>,
}

impl Layers {
    /// The first layer that has a value; perhaps none has.
    pub fn choose<T: fmt::Display>(
        &mut self,
        key: &'static str,
        layers: [(Option<T>, Origin); 3],
    ) -> Option<T> {
        let chosen = layers.into_iter().find_map(|(value, origin)| Some((value?, origin)));
        let (value, origin) = chosen.map_or((None, Origin::Default), |(v, o)| (Some(v), o));
        self.shown.push(Shown { key, value: value.as_ref().map(T::to_string), origin });
        value
    }

    /// A value that always has a default.
    pub fn pick<T: fmt::Display>(
        &mut self,
        key: &'static str,
        flag: Option<T>,
        config: Option<T>,
        default: T,
    ) -> T {
        let fallback = default.to_string();
        let layers = [(flag, Origin::Flag), (config, Origin::Config), (None, Origin::Default)];
        let chosen = self.choose(key, layers);
        if let (None, Some(shown)) = (&chosen, self.shown.last_mut()) {
            shown.value = Some(fallback);
        }
        chosen.unwrap_or(default)
    }
}
