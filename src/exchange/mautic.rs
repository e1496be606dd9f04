//! Mautic's list "do not contact" (table `lead_donotcontact` joined with the contact's e-mail), as CSV or JSON.

use super::row::{Names, Row, taken};
use super::{Form, Format, Reading, Taken, Wishes};
use crate::event::{Kind, Reason};
use crate::store::ImportedEntry;

pub(super) const FORMAT: Format = Format {
    name: "mautic",
    about: "Mautic do-not-contact, CSV: email, reason, channel, comments, date_added",
    form: Form::Rows { needs: &["email", "reason"], knows, entry },
};

fn knows(names: &Names<'_>) -> bool {
    names.has(&["email", "reason", "channel"])
}

fn entry(row: &Row<'_>, _: &Wishes) -> Reading {
    if row.get("channel").is_some_and(|channel| channel != "email") {
        return Ok(Taken::Skipped("another channel than email"));
    }
    let (kind, reason) = match row.get("reason") {
        Some("0") => return Ok(Taken::Skipped("may be contacted")),
        Some("1") => (Kind::Unsubscribe, Reason::Undefined),
        Some("2") => (Kind::HardBounce, Reason::Undefined),
        Some("3") => (Kind::Added, Reason::Manual),
        _ => return Err("its reason is none of 1 (unsubscribed), 2 (bounced) and 3 (manual)".into()),
    };
    let entry = row.entry("email", kind, reason)?;
    taken(ImportedEntry { since: row.time("dateadded")?, diagnostic: row.words("comments"), ..entry })
}
