//! Finds the first row of the table whose phrase is in a text.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::AhoCorasick;

use super::rule::Rule;
use super::rules;
use crate::ingress::pairs::Pairs;

/// The best rule whose phrase is in the plain text and whose condition holds.
///
/// pipe(8) starts a process for each mail, where building the automaton would cost more than all else; so the first
/// [`FEW`] texts are searched phrase by phrase.
pub(super) fn by_text(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    if ASKED.load(Ordering::Relaxed) < FEW {
        ASKED.fetch_add(1, Ordering::Relaxed);
        return phrase_by_phrase(plain, fits);
    }
    all_at_once(plain, fits)
}

/// How many texts are searched phrase by phrase before the automaton is built.
const FEW: usize = 32;

static ASKED: AtomicUsize = AtomicUsize::new(0);

fn phrase_by_phrase(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    let pairs = Pairs::of(plain);
    let has = |phrase: &&str| {
        // Most end here, before their halves are told apart.
        if phrase.get(..2).is_some_and(|begin| !pairs.may_have(begin)) {
            return false;
        }
        let (first, rest) = phrase.split_once('*').unwrap_or((phrase, ""));
        if !pairs.may_have(first) {
            return false;
        }
        let tail = |at: usize| plain.get(at + first.len()..).unwrap_or_default();
        plain.match_indices(first).any(|(at, _)| has_rest(tail(at), rest))
    };
    rules::all().find(|rule| fits(rule) && rule.phrases.iter().any(&has))
}

fn all_at_once(plain: &str, fits: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    let mut best: Option<(usize, &'static Rule)> = None;
    for found in AUTOMATON.iter().flat_map(|a| a.find_overlapping_iter(plain)) {
        let Some(&(row, rule, rest)) = PHRASES.get(found.pattern().as_usize()) else { continue };
        let tail = plain.get(found.end()..).unwrap_or_default();
        if best.is_none_or(|(best, _)| row < best) && has_rest(tail, rest) && fits(rule) {
            best = Some((row, rule));
        }
    }
    best.map(|(_, rule)| rule)
}

fn has_rest(tail: &str, rest: &str) -> bool {
    rest.is_empty() || tail.find(rest).is_some_and(|at| at <= MAX_GAP)
}

/// Most bytes that `*` stands for: both halves must be of one sentence.
pub(super) const MAX_GAP: usize = 80;

/// Row and second half of each phrase, in the order of the automaton's patterns.
static PHRASES: LazyLock<Vec<(usize, &'static Rule, &'static str)>> = LazyLock::new(|| {
    let rest = |phrase: &'static str| phrase.split_once('*').map_or("", |(_, rest)| rest);
    phrases().map(|(row, rule, phrase)| (row, rule, rest(phrase))).collect()
});

/// Matches the first half of every phrase at once. The table is a constant, and a test builds it.
static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let first = phrases().map(|(.., phrase)| phrase.split_once('*').map_or(phrase, |(first, _)| first));
    AhoCorasick::new(first).ok()
});

fn phrases() -> impl Iterator<Item = (usize, &'static Rule, &'static str)> {
    rules::all().enumerate().flat_map(|(row, rule)| rule.phrases.iter().map(move |phrase| (row, rule, *phrase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_searches_find_the_same_rule() {
        let texts = rules::all().map(|r| r.example.text.to_lowercase());
        let phrases = rules::all().flat_map(|r| r.phrases).map(|p| format!("550 {} x", p.replace('*', " a ")));
        for text in texts.chain(phrases) {
            let [one, other] = [phrase_by_phrase(&text, |_| true), all_at_once(&text, |_| true)];
            assert_eq!(one.map(|r| r.name), other.map(|r| r.name), "{text}");
        }
    }
}
