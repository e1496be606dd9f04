//! Finds the phrases of a table in a text, all at once and in any ASCII case.
//!
//! pipe(8) starts a process for each mail, where building the fastest automaton (1 ms) costs more than all searches; so the first
//! [`FEW`] texts are searched by one that is built in a quarter of the time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// How many texts, most of them single lines, are searched before the fastest automaton is built. About ten mails.
const FEW: usize = 500;

/// The phrases of one table.
pub(super) struct Phrases {
    table: fn() -> Vec<&'static str>,
    asked: AtomicUsize,
    quickly_built: OnceLock<Option<AhoCorasick>>,
    fastest: OnceLock<Option<AhoCorasick>>,
}

impl Phrases {
    /// Nothing is built yet.
    pub(super) const fn new(table: fn() -> Vec<&'static str>) -> Self {
        Self { table, asked: AtomicUsize::new(0), quickly_built: OnceLock::new(), fastest: OnceLock::new() }
    }

    /// Whether any phrase is in the text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.automaton().is_some_and(|automaton| automaton.is_match(text))
    }

    /// The row of the first phrase of the table that is in the text.
    pub(super) fn first_row(&self, text: &str) -> Option<usize> {
        let found = self.automaton()?.find_overlapping_iter(text);
        found.map(|found| found.pattern().as_usize()).min()
    }

    /// The tables are constants, and tests build both automatons of each.
    fn automaton(&self) -> Option<&AhoCorasick> {
        if self.asked.load(Ordering::Relaxed) < FEW {
            self.asked.fetch_add(1, Ordering::Relaxed);
            return self.quickly_built.get_or_init(|| self.build(AhoCorasickKind::ContiguousNFA)).as_ref();
        }
        self.fastest.get_or_init(|| self.build(AhoCorasickKind::DFA)).as_ref()
    }

    fn build(&self, kind: AhoCorasickKind) -> Option<AhoCorasick> {
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(kind)).build((self.table)()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_same_however_often_was_asked() {
        let phrases = Phrases::new(|| vec!["later in the table", "in THE", "in"]);
        for asked in 0..2 * FEW {
            assert_eq!(phrases.first_row("it is IN the text"), Some(1), "{asked}");
            assert!(phrases.is_in("Later IN the table") && !phrases.is_in("no such words"), "{asked}");
        }
        assert!(phrases.quickly_built.get().is_some() && phrases.fastest.get().is_some());
    }
}
