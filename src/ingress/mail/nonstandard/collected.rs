//! Gathers, line by line, what a report says about each recipient that it names.

use super::super::MAX_RECIPIENTS;
use super::line::{enumerated, is_address};
use super::listing::{MAX_WORDS, Notice, max_shared};
use crate::ingress::classify::beginning;

/// What is gathered line by line.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) notices: Vec<Notice>,
    /// Whom the lines are about.
    pub(super) current: Option<usize>,
    /// What is about nobody alone.
    shared: String,
    /// In a session's transcript.
    transcript: bool,
    /// Who is to be told about again, in better words.
    pub(super) again: Vec<usize>,
}

impl Collected {
    /// A new section: what stood before is about nobody.
    pub(super) fn begin(&mut self, transcript: bool) {
        (self.current, self.transcript) = (None, transcript);
        self.shared.clear();
    }

    /// A line names a recipient, or several.
    pub(super) fn name(&mut self, line: &str, first: &str, rest: &str) {
        let others = further(line, first);
        let rest_of_last = others.last().and_then(|last| line.rsplit_once(last));
        let rest_of_last = rest_of_last.map_or(rest, |(_, behind)| behind.trim_start_matches([':', '>', ' ']));
        let quoted = if self.transcript { quoted_last(&self.shared).trim_end().to_owned() } else { String::new() };
        for (n, address) in std::iter::once(first).chain(others.iter().copied()).enumerate() {
            let at = self.place(address);
            if let Some(told) = self.again.iter().position(|told| *told == at) {
                self.again.swap_remove(told);
                self.notices.get_mut(at).into_iter().for_each(|notice| notice.words.clear());
            }
            append(self.notices.get_mut(at).filter(|_| self.transcript), &quoted);
            append(self.notices.get_mut(at), if n == others.len() { rest_of_last } else { "" });
            self.current = if self.transcript { None } else { Some(at) };
        }
        add_line(&mut self.shared, if self.transcript { line } else { "" });
    }

    /// Sendmail says whom a user or program of its own stands for.
    pub(super) fn expand(&mut self, address: &str) {
        let at = self.place(address);
        let words = std::mem::take(&mut self.shared);
        if let Some(notice) = self.notices.get_mut(at) {
            notice.alias = Some(address.to_owned());
            append(Some(notice), &words);
        }
        self.current = Some(at);
    }

    pub(super) fn say(&mut self, line: &str, alias: Option<&str>) {
        match self.current.and_then(|at| self.notices.get_mut(at)) {
            Some(notice) if alias.is_some_and(|alias| !alias.eq_ignore_ascii_case(&notice.reported)) => {
                notice.alias = alias.map(str::to_owned);
            }
            Some(notice) => append(Some(notice), line),
            None => add_line(&mut self.shared, line),
        }
    }

    /// Where the notice about an address is.
    fn place(&mut self, address: &str) -> usize {
        let known = self.notices.iter().position(|n| n.reported.eq_ignore_ascii_case(address));
        let at = known.unwrap_or(self.notices.len());
        if at == self.notices.len() && at < MAX_RECIPIENTS {
            self.notices.push(Notice { reported: address.to_owned(), ..Notice::default() });
        }
        at
    }

    pub(super) fn into_notices(mut self) -> Vec<Notice> {
        share(&mut self.notices, &self.shared, self.transcript);
        for notice in self.notices.iter_mut().filter(|n| n.words.trim_start().starts_with("(expanded")) {
            notice.alias = expanded(&notice.words);
        }
        self.notices
    }
}

/// The addresses that a line names behind its first: `<bob@example.com>, <carol@example.com>`.
fn further<'l>(line: &'l str, first: &str) -> Vec<&'l str> {
    let from_first = line.find(first).and_then(|at| line.get(at..)).unwrap_or_default();
    enumerated(from_first.split_whitespace()).into_iter().skip(1).collect()
}

fn add_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn append(notice: Option<&mut Notice>, text: &str) {
    if let Some(notice) = notice.filter(|n| n.words.len() < MAX_WORDS) {
        notice.words.push_str(beginning(text, MAX_WORDS - notice.words.len()));
        notice.words.push('\n');
    }
}

/// What stands before the first recipient or in a session's transcript is about all of them, unless a line names one. What
/// stands behind several, each on the line after the other, is about all of these.
fn share(notices: &mut [Notice], shared: &str, is_transcript: bool) {
    let lone = notices.len() == 1 && is_transcript;
    let most = max_shared(notices.len());
    let shared = beginning(shared, most);
    let empty = notices.iter().all(|n| n.words.trim().is_empty());
    let mut next = "";
    for notice in notices.iter_mut().rev() {
        if lone || empty {
            notice.words.push_str(shared);
        } else if notice.words == "\n" {
            // The next line names another, who has the words.
            beginning(next, most).clone_into(&mut notice.words);
        }
        next = &notice.words;
    }
}

/// The other system's lines (`<<< 550 blacklisted`) at the end of a transcript so far.
#[must_use]
pub fn quoted_last(transcript: &str) -> &str {
    let quoted = transcript.split_inclusive('\n').rev().take_while(|line| line.trim_start().starts_with("<<<"));
    let length: usize = quoted.map(str::len).sum();
    transcript.get(transcript.len() - length..).unwrap_or_default()
}

/// Postfix, `bounce_notify_util.c`: `(expanded from <bob@example.com>)`, on one line or two.
fn expanded(words: &str) -> Option<String> {
    let words = beginning(words, 600).split_whitespace().collect::<Vec<_>>().join(" ");
    let (address, _) = words.strip_prefix("(expanded from <")?.split_once(">)")?;
    is_address(address).then(|| address.to_owned())
}
