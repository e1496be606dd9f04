//! listmonk: its bounces (`/api/bounces`, a document with `data.results`) and the CSV of its subscribers.

use super::row::{Names, Row, soft, taken};
use super::{Form, Format, Reading, Taken, Wishes};
use crate::event::{Kind, Reason};
use crate::store::ImportedEntry;

pub(super) const BOUNCES: Format = Format {
    name: "listmonk-bounces",
    about: "listmonk bounces, JSON of /api/bounces",
    form: Form::Rows { needs: &["email", "type"], knows: knows_bounces, entry: bounced },
};

pub(super) const SUBSCRIBERS: Format = Format {
    name: "listmonk-subscribers",
    about: "listmonk subscribers, CSV; those that are blocklisted or unsubscribed",
    form: Form::Rows { needs: &["email", "status"], knows: knows_subscribers, entry: subscriber },
};

fn knows_bounces(names: &Names<'_>) -> bool {
    names.has(&["email", "type", "source", "createdat"])
}

fn knows_subscribers(names: &Names<'_>) -> bool {
    names.has(&["uuid", "email", "status"]) && names.lacks(&["type"])
}

fn bounced(row: &Row<'_>, wishes: &Wishes) -> Reading {
    let draft = |kind, reason| -> Result<ImportedEntry, String> {
        Ok(ImportedEntry { since: row.time("createdat")?, ..row.entry("email", kind, reason)? })
    };
    match row.get("type") {
        Some("hard") => taken(draft(Kind::HardBounce, Reason::Undefined)?),
        Some("complaint") => taken(draft(Kind::Complaint, Reason::Abuse)?),
        Some("soft") => soft(draft(Kind::SoftBounce, Reason::Undefined)?, wishes),
        _ => Err("its type is none of hard, soft and complaint".into()),
    }
}

/// What brought a subscriber on the blocklist is not told.
fn subscriber(row: &Row<'_>, _: &Wishes) -> Reading {
    let (kind, reason) = match row.get("status") {
        Some("blocklisted" | "blacklisted") => (Kind::Added, Reason::Manual),
        Some("unsubscribed") => (Kind::Unsubscribe, Reason::Undefined),
        Some("enabled" | "disabled" | "confirmed" | "unconfirmed") => {
            return Ok(Taken::Skipped("subscriber who is neither blocklisted nor unsubscribed"));
        }
        _ => return Err("its status is none that listmonk has".into()),
    };
    let entry = row.entry("email", kind, reason)?;
    taken(ImportedEntry { since: row.time("updatedat")?, ..entry })
}
