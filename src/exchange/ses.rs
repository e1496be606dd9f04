//! Amazon SES's account-level suppression list, as `aws sesv2 list-suppressed-destinations` prints it (a document with
//! `SuppressedDestinationSummaries`), one object a line, or CSV; and the form of its bulk actions, CSV without a heading.
//!
//! SES itself refuses these addresses too, so their reason is `suppressed`: whoever releases one is told to tell SES.

use super::row::{Names, Row, taken};
use super::{Form, Format, Reading, Wishes};
use crate::event::{Kind, Reason};
use crate::store::ImportedEntry;

pub(super) const FORMAT: Format = Format {
    name: "ses",
    about: "Amazon SES, list-suppressed-destinations as JSON, JSON lines or CSV",
    form: Form::Rows { needs: &["emailaddress", "reason"], knows, entry },
};

fn knows(names: &Names<'_>) -> bool {
    names.has(&["emailaddress", "reason"]) && names.lacks(&["suppressionreason", "channel"])
}

fn entry(row: &Row<'_>, _: &Wishes) -> Reading {
    let kind = match row.get("reason") {
        Some("BOUNCE") => Kind::HardBounce,
        Some("COMPLAINT") => Kind::Complaint,
        _ => return Err("its reason is neither BOUNCE nor COMPLAINT".into()),
    };
    let entry = row.entry("emailaddress", kind, Reason::Suppressed)?;
    taken(ImportedEntry { since: row.time("lastupdatetime")?, ..entry })
}
