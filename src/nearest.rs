//! Finds what was probably meant by a misspelled word.

/// The most similar candidate, if one is similar enough to be worth a hint.
pub fn nearest(word: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    /// Below this a hint misleads more than it helps.
    const SIMILAR: f64 = 0.65;
    let scored = candidates.map(|c| (similarity(&word.to_lowercase(), &c.to_lowercase()), c));
    let close = scored.filter(|(score, _)| *score > SIMILAR);
    close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// One measure forgives a wrong ending, the other a pair of letters in the wrong order.
fn similarity(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b).max(strsim::normalized_damerau_levenshtein(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_word_is_offered() {
        let names = || ["alice", "bob", "carol"].into_iter().map(str::to_owned);
        assert_eq!(nearest("alcie", names()).as_deref(), Some("alice"));
        assert_eq!(nearest("bbo", names()).as_deref(), Some("bob"));
        assert_eq!(nearest("ALICE", names()).as_deref(), Some("alice"));
        assert_eq!(nearest("zzz", names()), None);
    }
}
