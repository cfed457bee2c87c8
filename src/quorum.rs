//! How many of many are enough.

use std::fmt;
use std::str::FromStr;

/// How many peers have to be reached for a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// All of them.
    All,
    /// One of them.
    Any,
    /// So many.
    Count(usize),
    /// So many in a hundred, rounded up.
    Percent(usize),
}

impl Quorum {
    /// How many that is of so many; more than there are cannot be reached.
    pub fn of(self, targets: usize) -> usize {
        match self {
            Self::All => targets,
            Self::Any => 1,
            Self::Count(count) => count,
            Self::Percent(percent) => (targets * percent).div_ceil(100),
        }
    }
}

impl FromStr for Quorum {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `+5` is a number to the standard library
        let number = |digits: &str| {
            let is_number = digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|&number| is_number && number > 0)
        };
        let quorum = match text {
            "all" => Some(Self::All),
            "any" => Some(Self::Any),
            _ => match text.strip_suffix('%') {
                Some(digits) => number(digits).filter(|n| *n <= 100).map(Self::Percent),
                None => number(text).map(Self::Count),
            },
        };
        quorum.ok_or("`all`, `any`, a number from 1, or a percentage from 1% to 100%")
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Any => f.write_str("any"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for text in ["all", "any", "1", "40", "1%", "50%", "100%"] {
            assert_eq!(text.parse::<Quorum>().unwrap().to_string(), text);
        }
        for bad in ["", "0", "-1", "+1", "0%", "101%", "%", "half", "1.5", "1 %", "ALL"] {
            assert!(bad.parse::<Quorum>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_part_is_rounded_up() {
        for (quorum, targets, enough) in [
            (Quorum::All, 3, 3),
            (Quorum::Any, 3, 1),
            (Quorum::Count(2), 3, 2),
            (Quorum::Count(5), 3, 5),
            (Quorum::Percent(50), 3, 2),
            (Quorum::Percent(50), 4, 2),
            (Quorum::Percent(51), 4, 3),
            (Quorum::Percent(1), 3, 1),
            (Quorum::Percent(100), 3, 3),
        ] {
            assert_eq!(quorum.of(targets), enough, "{quorum} of {targets}");
        }
    }
}
