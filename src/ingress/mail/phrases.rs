//! Finds the phrases of a table in a text, all at once and in any ASCII case.
//!
//! pipe(8) starts a process for each mail, where building the automaton (1 ms) costs more than all searches; so the first
//! [`FEW`] texts are searched phrase by phrase.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::ingress::pairs::Pairs;

/// How many texts, most of them single lines, are searched before the automaton is built. About ten mails.
const FEW: usize = 500;

/// The phrases of one table.
pub(super) struct Phrases {
    table: fn() -> Vec<&'static str>,
    asked: AtomicUsize,
    phrases: OnceLock<Vec<&'static str>>,
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl Phrases {
    /// Nothing is built yet.
    pub(super) const fn new(table: fn() -> Vec<&'static str>) -> Self {
        Self { table, asked: AtomicUsize::new(0), phrases: OnceLock::new(), automaton: OnceLock::new() }
    }

    /// The row of the first phrase of the table that is in the text.
    pub(super) fn first_row(&self, text: &str) -> Option<usize> {
        if self.are_few_asked() {
            return self.one_by_one(text);
        }
        let found = self.automaton()?.find_overlapping_iter(text);
        found.map(|found| found.pattern().as_usize()).min()
    }

    fn are_few_asked(&self) -> bool {
        let few = self.asked.load(Ordering::Relaxed) < FEW;
        if few {
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
        few
    }

    fn one_by_one(&self, text: &str) -> Option<usize> {
        let pairs = Pairs::of(text);
        self.phrases.get_or_init(self.table).iter().position(|phrase| pairs.may_have(phrase) && has(text, phrase))
    }

    /// The tables are constants, and tests build the automaton of each.
    fn automaton(&self) -> Option<&AhoCorasick> {
        let build = || {
            let kind = Some(AhoCorasickKind::DFA);
            AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build((self.table)()).ok()
        };
        self.automaton.get_or_init(build).as_ref()
    }
}

fn has(text: &str, phrase: &str) -> bool {
    phrase.is_empty() || text.as_bytes().windows(phrase.len()).any(|part| part.eq_ignore_ascii_case(phrase.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_same_however_often_was_asked() {
        let phrases = Phrases::new(|| vec!["later in the table", "in THE", "in"]);
        for asked in 0..2 * FEW {
            assert_eq!(phrases.first_row("it is IN the text"), Some(1), "{asked}");
            assert_eq!([phrases.first_row("Later IN the table"), phrases.first_row("no such words")], [Some(0), None]);
        }
        assert!(phrases.phrases.get().is_some() && phrases.automaton.get().is_some());
    }
}
