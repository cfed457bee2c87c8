//! Makes foreign bytes safe to show: one line, nothing invisible, nothing that a terminal obeys; and safe to paste.
//!
//! The result is reversible: every escape starts with a backslash and a backslash is itself escaped.
//! This file knows nothing of where the bytes come from or go to.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The bytes as one line of visible text.
///
/// `\n`, `\r`, `\t` and `\\` stand for themselves escaped, `\u{202e}` for any other character that cannot
/// be seen or that a terminal may obey, `\xff` for a byte that is not UTF-8.
pub fn escape(bytes: &[u8]) -> String {
    // that this does not end early is what lets the processor do many bytes at once
    if bytes.iter().fold(true, |all, &byte| all & is_plain(byte)) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut line = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
            let (plain, other) = rest.split_at(at);
            line.push_str(plain);
            let mut chars = other.chars();
            chars.next().into_iter().for_each(|c| push_char(&mut line, c));
            rest = chars.as_str();
        }
        line.push_str(rest);
        for byte in chunk.invalid() {
            line.push_str(&format!("\\x{byte:02x}"));
        }
    }
    line
}

/// Whether a byte is a visible character of ASCII that stands for itself.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'\\'
}

fn push_char(line: &mut String, c: char) {
    match c {
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        '\\' => line.push_str("\\\\"),
        c if is_visible(c) => line.push(c),
        c => line.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

/// An object of JSON with JSON's own escapes for what cannot be seen: serde_json leaves bidirectional overrides and C1
/// controls as they are.
pub fn escape_json(object: String) -> String {
    if object.is_ascii() && !object.contains('\u{7f}') {
        return object;
    }
    let mut line = String::with_capacity(object.len() + 16);
    for c in object.chars() {
        if is_visible(c) {
            line.push(c);
        } else {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| line.push_str(&format!("\\u{unit:04x}")));
        }
    }
    line
}

/// A word as a shell takes it for this word and nothing else: names are chosen by others, and hints are pasted.
pub fn shell_word(word: &str) -> String {
    // no argument can hold a NUL, so it does not matter what becomes of one
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned)
}

/// Whether a character can be shown as it is: it leaves a mark or is the blank, and steers nothing.
///
/// Not visible are control, format, private-use, unassigned and separator characters (Unicode general
/// categories Cc, Cf, Co, Cn, Zl, Zp, and Zs but for the blank), everything with the property
/// Default_Ignorable_Code_Point (fillers, joiners, variation selectors), and the empty braille pattern.
/// `char::is_control` sees only Cc and lets bidirectional overrides pass (CVE-2021-42574).
pub fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    const EMPTY_BRAILLE: char = '\u{2800}';
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let hidden = GeneralCategoryGroup::Other.union(GeneralCategoryGroup::Separator);
    !hidden.contains(category)
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        && c != EMPTY_BRAILLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_text_stays_as_it_is() {
        for text in ["", "hello there", "नमस्ते 😀", "Grüße, 世界!", "a=b 'c' \"d\" $(e)"]
        {
            assert_eq!(escape(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_could_forge_a_line_or_steer_a_terminal_is_escaped() {
        for (bytes, line) in [
            (&b"a\nb\tc\rd\\e"[..], r"a\nb\tc\rd\\e"),
            (b"\x1b[31mred\x07\x7f", r"\u{1b}[31mred\u{7}\u{7f}"),
            ("a\u{202e}b\u{2066}c".as_bytes(), r"a\u{202e}b\u{2066}c"),
            ("zero\u{200b}width\u{feff}".as_bytes(), r"zero\u{200b}width\u{feff}"),
            ("\u{9b}31m\u{85}\u{2028}\u{2029}".as_bytes(), r"\u{9b}31m\u{85}\u{2028}\u{2029}"),
            ("\u{3164}\u{115f}\u{2800}\u{a0}".as_bytes(), r"\u{3164}\u{115f}\u{2800}\u{a0}"),
            ("tag\u{e0041}\u{fe0f}".as_bytes(), r"tag\u{e0041}\u{fe0f}"),
            ("\u{600}\u{fff9}\u{110bd}".as_bytes(), r"\u{600}\u{fff9}\u{110bd}"),
            (b"\xff\xfeok\xe0\xa4", r"\xff\xfeok\xe0\xa4"),
            (b"literal \\u{1b}", r"literal \\u{1b}"),
        ] {
            assert_eq!(escape(bytes), line);
        }
    }

    /// Reads an escaped line back, to show that nothing is lost.
    fn unescape(line: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = line.chars();
        let hex = |digits: &str| u32::from_str_radix(digits, 16).expect("hex digits");
        while let Some(c) = rest.next() {
            if c != '\\' {
                bytes.extend(c.to_string().bytes());
                continue;
            }
            match rest.next().expect("an escape is complete") {
                'n' => bytes.push(b'\n'),
                'r' => bytes.push(b'\r'),
                't' => bytes.push(b'\t'),
                '\\' => bytes.push(b'\\'),
                'x' => {
                    let digits: String = rest.by_ref().take(2).collect();
                    bytes.push(u8::try_from(hex(&digits)).expect("two digits"));
                }
                'u' => {
                    let digits: String = rest.by_ref().skip(1).take_while(|&c| c != '}').collect();
                    let c = char::from_u32(hex(&digits)).expect("a scalar value");
                    bytes.extend(c.to_string().bytes());
                }
                other => panic!("unknown escape \\{other}"),
            }
        }
        bytes
    }

    #[test]
    fn every_unicode_scalar_value_is_safe_and_comes_back() {
        let mut count = 0;
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            count += 1;
            let text = c.to_string();
            let line = escape(text.as_bytes());
            assert!(!line.chars().any(char::is_control), "U+{:04X}", u32::from(c));
            assert_eq!(unescape(&line), text.as_bytes(), "U+{:04X}", u32::from(c));
            if line == text {
                assert!(c == ' ' || !c.is_whitespace(), "U+{:04X} is a blank", u32::from(c));
            }
        }
        assert_eq!(count, 1_112_064);
    }

    #[test]
    fn every_byte_pair_comes_back() {
        for pair in 0..=u16::MAX {
            let bytes = pair.to_be_bytes();
            let line = escape(&bytes);
            assert!(!line.contains(['\n', '\r', '\u{1b}']));
            assert_eq!(unescape(&line), bytes);
        }
    }
}
