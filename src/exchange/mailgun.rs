//! Mailgun's suppressions: the JSON of its API (`/v3/DOMAIN/bounces`, `complaints`, `unsubscribes`; a document with `items`,
//! or several pages of it one after the other) and the CSV that its pages export and import.

use super::row::{Names, Row, bounce, taken};
use super::{Form, Format, Reading, Taken, Wishes};
use crate::event::{Kind, Reason};
use crate::store::ImportedEntry;

pub(super) const BOUNCES: Format = Format {
    name: "mailgun-bounces",
    about: "Mailgun bounces, JSON or CSV",
    form: Form::Rows { needs: &["address", "code"], knows: knows_bounces, entry: bounced },
};

pub(super) const COMPLAINTS: Format = Format {
    name: "mailgun-complaints",
    about: "Mailgun complaints, JSON or CSV",
    form: Form::Rows { needs: &["address"], knows: knows_complaints, entry: complained },
};

pub(super) const UNSUBSCRIBES: Format = Format {
    name: "mailgun-unsubscribes",
    about: "Mailgun unsubscribes, JSON or CSV",
    form: Form::Rows { needs: &["address"], knows: knows_unsubscribes, entry: unsubscribed },
};

fn knows_bounces(names: &Names<'_>) -> bool {
    names.has(&["address", "code", "error"])
}

/// Any list of addresses could have these columns; only a page of the API is certain.
fn knows_complaints(names: &Names<'_>) -> bool {
    names.list == Some("items") && names.has(&["address", "createdat"]) && names.lacks(&["code", "tags", "tag", "type"])
}

fn knows_unsubscribes(names: &Names<'_>) -> bool {
    names.has(&["address"]) && (names.has(&["tags"]) || names.has(&["tag"]))
}

fn draft(row: &Row<'_>, kind: Kind, reason: Reason) -> Result<ImportedEntry, String> {
    let entry = row.entry("address", kind, reason)?;
    Ok(ImportedEntry { since: row.time("createdat")?, diagnostic: row.words("error"), ..entry })
}

fn bounced(row: &Row<'_>, wishes: &Wishes) -> Reading {
    bounce(draft(row, Kind::HardBounce, Reason::Undefined)?, None, row.get("code"), wishes)
}

fn complained(row: &Row<'_>, _: &Wishes) -> Reading {
    taken(draft(row, Kind::Complaint, Reason::Abuse)?)
}

/// `*` is all mail; whoever left one tag still wants the rest, unless the file goes into a stream of its own.
fn unsubscribed(row: &Row<'_>, wishes: &Wishes) -> Reading {
    let entry = draft(row, Kind::Unsubscribe, Reason::Undefined)?;
    let tags = row.get("tags").or_else(|| row.get("tag")).unwrap_or("*");
    if tags.contains('*') || wishes.stream.is_some() {
        taken(entry)
    } else {
        Ok(Taken::Skipped("unsubscribed from a tag only; --stream takes it"))
    }
}
