//! The table of rules. The first row that fits wins, so order is part of each row's meaning: what is about *us* stands before
//! what is about the mailbox, and codes come after words.
//!
//! A phrase is in the plain form of [`super::Plain`]; `*` stands for anything, within [`super::search::MAX_GAP`], between its
//! halves. A row without phrases goes by its condition alone and is asked only when no phrase of any row fits.
//! Each row: name, where it applies, class, reason, side, an example, the phrases.

mod codes;
mod mailbox;
mod ours;
mod unclear;

use super::Class;
use super::rule::{Rule, When, rule, said};
use crate::event::{Reason, Side};

/// The verdict where no row fits.
pub const NOTHING: Rule = rule("nothing-known", When::Always, SOFT, Reason::Undefined, Side::Unknown, said(""), &[]);

const HARD: Class = Class::Hard;
const SOFT: Class = Class::Soft;

/// The parts of the table, in its order.
const PARTS: [&[Rule]; 4] = [ours::RULES, mailbox::RULES, unclear::RULES, codes::RULES];

/// The rows, in order.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    PARTS.into_iter().flatten()
}
