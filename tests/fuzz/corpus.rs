//! The inputs to begin with: what is kept in `fuzz/corpus`, and what student programs put on the wire.

use std::path::Path;

/// The kept inputs of a target, each with its name, in order.
pub fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&dir).into_iter().flatten().map(|file| file.unwrap().path());
    let mut kept: Vec<_> = files
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    kept.sort();
    kept
}

/// Every captured arrival (`tests/data/README.md`).
pub fn captured() -> Vec<Vec<u8>> {
    let text = include_str!("../data/wire-corpus.json");
    let entries: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    let bytes = |hex: &str| {
        hex.as_bytes().chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect()
    };
    entries.iter().map(|entry| bytes(entry["hex"].as_str().unwrap())).collect()
}

/// What inputs of a target are made of.
pub fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = kept(target).into_iter().map(|(_, input)| input).collect();
    if matches!(target, "plain" | "text" | "escape" | "shown") {
        seeds.extend(captured());
    }
    seeds.push(Vec::new());
    seeds
}
