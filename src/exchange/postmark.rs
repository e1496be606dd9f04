//! Postmark's suppression dump (`/message-streams/STREAM/suppressions/dump`): a document with `Suppressions`, or CSV.

use super::row::{Names, Row, taken};
use super::{Form, Format, Reading, Wishes};
use crate::event::{Kind, Reason};
use crate::store::ImportedEntry;

pub(super) const FORMAT: Format = Format {
    name: "postmark",
    about: "Postmark suppressions, JSON or CSV",
    form: Form::Rows { needs: &["emailaddress", "suppressionreason"], knows, entry },
};

fn knows(names: &Names<'_>) -> bool {
    names.has(&["emailaddress", "suppressionreason"])
}

fn entry(row: &Row<'_>, _: &Wishes) -> Reading {
    let by_recipient = row.get("origin") == Some("Recipient");
    let (kind, reason) = match row.get("suppressionreason") {
        Some("HardBounce") => (Kind::HardBounce, Reason::Undefined),
        Some("SpamComplaint") => (Kind::Complaint, Reason::Abuse),
        Some("ManualSuppression") if by_recipient => (Kind::Unsubscribe, Reason::Undefined),
        Some("ManualSuppression") => (Kind::Added, Reason::Manual),
        _ => return Err("its reason is none of HardBounce, SpamComplaint and ManualSuppression".into()),
    };
    let entry = row.entry("emailaddress", kind, reason)?;
    taken(ImportedEntry { since: row.time("createdat")?, ..entry })
}
