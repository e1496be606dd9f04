//! SendGrid's suppressions: the JSON of its API (`/v3/suppression/...`) and the CSV of its pages. Times are in Unix seconds.
//!
//! Bounces and blocks have the same columns and mean different things: a block is a refusal of one message, for its
//! content or sender, and SendGrid itself goes on sending. So which of them a file holds must be said.

use super::row::{Names, Row, bounce, soft, taken};
use super::{Form, Format, Reading, Wishes};
use crate::event::{Kind, Reason};
use crate::status::EnhancedStatus;
use crate::store::ImportedEntry;

pub(super) const BOUNCES: Format = Format {
    name: "sendgrid-bounces",
    about: "SendGrid bounces, JSON or CSV",
    form: Form::Rows { needs: &["email", "created", "reason"], knows: knows_bounces, entry: bounced },
};

pub(super) const BLOCKS: Format = Format {
    name: "sendgrid-blocks",
    about: "SendGrid blocks, JSON or CSV; soft bounces, all of them",
    form: Form::Rows { needs: &["email", "created", "reason"], knows: knows_bounces, entry: blocked },
};

pub(super) const INVALID: Format = Format {
    name: "sendgrid-invalid",
    about: "SendGrid invalid emails, JSON or CSV",
    form: Form::Rows { needs: &["email", "created", "reason"], knows: knows_invalid, entry: invalid },
};

pub(super) const SPAM: Format = Format {
    name: "sendgrid-spam",
    about: "SendGrid spam reports, JSON or CSV",
    form: Form::Rows { needs: &["email", "created"], knows: knows_spam, entry: complained },
};

pub(super) const UNSUBSCRIBES: Format = Format {
    name: "sendgrid-unsubscribes",
    about: "SendGrid global unsubscribes, JSON or CSV",
    form: Form::Rows { needs: &["email", "created"], knows: knows_unsubscribes, entry: unsubscribed },
};

fn knows_bounces(names: &Names<'_>) -> bool {
    names.has(&["email", "created", "reason", "status"])
}

fn knows_invalid(names: &Names<'_>) -> bool {
    names.has(&["email", "created", "reason"]) && names.lacks(&["status", "channel", "type"])
}

fn knows_spam(names: &Names<'_>) -> bool {
    names.has(&["email", "created", "ip"])
}

fn knows_unsubscribes(names: &Names<'_>) -> bool {
    names.has(&["email", "created"]) && names.names.len() == 2
}

fn draft(row: &Row<'_>, kind: Kind, reason: Reason) -> Result<ImportedEntry, String> {
    let entry = row.entry("email", kind, reason)?;
    Ok(ImportedEntry { since: row.time("created")?, diagnostic: row.words("reason"), ..entry })
}

fn bounced(row: &Row<'_>, wishes: &Wishes) -> Reading {
    let status = row.get("status").and_then(EnhancedStatus::parse);
    bounce(draft(row, Kind::HardBounce, Reason::Undefined)?, status, row.get("status"), wishes)
}

fn blocked(row: &Row<'_>, wishes: &Wishes) -> Reading {
    let status = row.get("status").and_then(EnhancedStatus::parse);
    soft(ImportedEntry { status, ..draft(row, Kind::SoftBounce, Reason::Blocked)? }, wishes)
}

fn invalid(row: &Row<'_>, _: &Wishes) -> Reading {
    taken(draft(row, Kind::HardBounce, Reason::UserUnknown)?)
}

fn complained(row: &Row<'_>, _: &Wishes) -> Reading {
    taken(draft(row, Kind::Complaint, Reason::Abuse)?)
}

fn unsubscribed(row: &Row<'_>, _: &Wishes) -> Reading {
    taken(draft(row, Kind::Unsubscribe, Reason::Undefined)?)
}
