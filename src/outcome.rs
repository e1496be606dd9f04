//! What became of something handed in, and the one table that says it in each door's language.
//!
//! | outcome | webhook | pipe(8) | LMTP | who retries |
//! |---|---|---|---|---|
//! | accepted, duplicate | 200 | 0 | 250 | nobody |
//! | malformed | 400 | 0, quarantined | 250, quarantined | nobody |
//! | forged or not allowed | 403 | 0, quarantined | 250, quarantined | nobody |
//! | try again | 503 | 75 | 451 | SNS, Postfix |
//!
//! pipe(8) *bounces* the bounce on every status but 0, 71 and 75 and death by a signal; so nothing but 0 and 75 is
//! ever returned there.

/// Fixed words in every refusal of ours that Postfix passes on. A bounce that carries them, however folded, is our own
/// refusal coming back and says nothing new about the address.
pub const MARKER: &str = "Recipient is on the suppression list (";

/// What became of something handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed.
    Accepted,
    /// Known already; nothing changed.
    Duplicate,
    /// Not in the form that this door takes.
    Malformed,
    /// Not proved to come from whom it says, or from somebody not allowed.
    Forged,
    /// Our own trouble: store busy, full or read-only, certificate not to be had, shutting down.
    TryAgain,
}

impl Outcome {
    /// HTTP status code. SNS retries 5xx and never 4xx.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Accepted | Self::Duplicate => 200,
            Self::Malformed => 400,
            Self::Forged => 403,
            Self::TryAgain => 503,
        }
    }

    /// Exit status for pipe(8): 0, or 75 (`EX_TEMPFAIL`), which Postfix defers.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::TryAgain => 75,
            Self::Accepted | Self::Duplicate | Self::Malformed | Self::Forged => 0,
        }
    }

    /// LMTP reply to one recipient after the final dot (RFC 2033 §4.2).
    #[must_use]
    pub const fn lmtp_reply(self) -> &'static str {
        match self {
            Self::Accepted => "250 2.0.0 recorded",
            Self::Duplicate => "250 2.0.0 recorded before",
            Self::Malformed | Self::Forged => "250 2.0.0 kept in quarantine",
            Self::TryAgain => "451 4.3.0 cannot record this now, try again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_tells_the_same_story() {
        use Outcome::*;
        for (outcome, http, exit, lmtp) in [
            (Accepted, 200, 0, "250"),
            (Duplicate, 200, 0, "250"),
            (Malformed, 400, 0, "250"),
            (Forged, 403, 0, "250"),
            (TryAgain, 503, 75, "451"),
        ] {
            assert_eq!(outcome.http_status(), http);
            assert_eq!(outcome.exit_status(), exit);
            assert!(outcome.lmtp_reply().starts_with(lmtp));
        }
    }
}
