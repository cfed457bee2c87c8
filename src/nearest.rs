//! Finds what was probably meant by a misspelled word.

/// The most similar candidate, if one is similar enough to be worth a hint.
pub fn nearest(word: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    /// Below this a hint misleads more than it helps; clap uses the same bound for its options.
    const SIMILAR: f64 = 0.7;
    let scored =
        candidates.map(|c| (strsim::jaro_winkler(&word.to_lowercase(), &c.to_lowercase()), c));
    let close = scored.filter(|(score, _)| *score > SIMILAR);
    close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_word_is_offered() {
        let names = || ["alice", "bob", "carol"].into_iter().map(str::to_owned);
        assert_eq!(nearest("alcie", names()).as_deref(), Some("alice"));
        assert_eq!(nearest("ALICE", names()).as_deref(), Some("alice"));
        assert_eq!(nearest("zzz", names()), None);
    }
}
