//! Which texts a listener has acknowledged, and how often it has shown each.

use std::collections::HashMap;
use std::sync::Mutex;

/// Bookkeeping of one receiver. A text is `SENDER-NUMBER`.
#[derive(Default)]
pub struct Tally(Mutex<HashMap<(String, u32), Entry>>);

#[derive(Default)]
struct Entry {
    acknowledged: bool,
    shown: u32,
}

/// What a [`Tally`] comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Sum {
    pub acknowledged: usize,
    pub shown: usize,
    /// Acknowledged and never shown.
    pub lost: Vec<String>,
    /// Shown more than once.
    pub doubled: Vec<String>,
}

impl Tally {
    /// The sender was told that this text is delivered.
    pub fn acknowledge(&self, text: &str) {
        self.change(text, |entry| entry.acknowledged = true);
    }

    /// The receiver has given this text out. What is no text of ours does not count.
    pub fn show(&self, text: &str) {
        self.change(text, |entry| entry.shown += 1);
    }

    fn change(&self, text: &str, change: impl FnOnce(&mut Entry)) {
        let Some((sender, number)) = text.rsplit_once('-') else { return };
        let Ok(number) = number.parse() else { return };
        change(self.0.lock().unwrap().entry((sender.to_owned(), number)).or_default());
    }

    /// What it comes to.
    pub fn sum(&self) -> Sum {
        let entries = self.0.lock().unwrap();
        let texts = |is_meant: &dyn Fn(&Entry) -> bool| -> Vec<String> {
            let meant = entries.iter().filter(|(_, entry)| is_meant(entry));
            meant.map(|((sender, number), _)| format!("{sender}-{number}")).take(20).collect()
        };
        Sum {
            acknowledged: entries.values().filter(|entry| entry.acknowledged).count(),
            shown: entries.values().filter(|entry| entry.shown > 0).count(),
            lost: texts(&|entry| entry.acknowledged && entry.shown == 0),
            doubled: texts(&|entry| entry.shown > 1),
        }
    }
}
