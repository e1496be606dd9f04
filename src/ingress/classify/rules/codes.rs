//! Who spoke and when, and the codes, where the words don't tell.

use super::{HARD, SOFT};
use crate::event::{Reason, Side};
use crate::ingress::classify::Stage;
use crate::ingress::classify::rule::{Rule, When, coded, relay_said, rule, said, said_at};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Who spoke and when, where the words don't tell.
    rule("nothing-said-by-relay", When::Relay, SOFT, Reason::RelayRefused, Side::Sender,
        relay_said("554 Something new"), &[]),
    rule("nothing-said-at-mail-from", When::AtMailFrom, SOFT, Reason::Rejected, Side::Sender,
        said_at(Stage::MailFrom, "550 5.1.1 go away"), &[]),
    rule("nothing-said-at-connect", When::AtConnect, SOFT, Reason::Blocked, Side::Sender,
        said_at(Stage::Connect, "554 go away"), &[]),
    // The codes alone.
    rule("code-user-unknown", When::Status(&[(5, 1, 1), (5, 1, 3), (5, 1, 10), (5, 1, 351)]), HARD, Reason::UserUnknown, Side::Recipient,
        coded("5.1.1"), &[]),
    rule("code-host-unknown", When::Status(&[(5, 1, 2)]), HARD, Reason::HostUnknown, Side::Recipient,
        coded("5.1.2"), &[]),
    // RFC 7504: the domain does not accept mail. Its 521 is used for much else.
    rule("code-no-mail-service", When::Reply(556), HARD, Reason::HostUnknown, Side::Recipient, said("556"), &[]),
    rule("code-has-moved", When::Status(&[(5, 1, 6)]), HARD, Reason::HasMoved, Side::Recipient, coded("5.1.6"), &[]),
    rule("code-sender", When::Status(&[(0, 1, 7), (0, 1, 8)]), SOFT, Reason::Rejected, Side::Sender,
        coded("5.1.8"), &[]),
    rule("code-mailbox-disabled", When::Status(&[(5, 2, 1), (5, 7, 13)]), SOFT, Reason::Suspended, Side::Recipient,
        coded("5.2.1"), &[]),
    rule("code-mailbox-full", When::Status(&[(0, 2, 2)]), SOFT, Reason::MailboxFull, Side::Recipient,
        coded("5.2.2"), &[]),
    rule("code-too-big", When::Status(&[(0, 2, 3), (0, 3, 4), (0, 7, 16)]), SOFT, Reason::TooBig, Side::Sender,
        coded("5.3.4"), &[]),
    rule("code-system-full", When::Status(&[(0, 3, 1)]), SOFT, Reason::SystemFull, Side::Transport, coded("4.3.1"), &[]),
    rule("code-expired", When::Status(&[(0, 4, 7)]), SOFT, Reason::Expired, Side::Transport, coded("4.4.7"), &[]),
    rule("code-loop", When::Status(&[(0, 4, 6)]), SOFT, Reason::MailLoop, Side::Transport, coded("5.4.6"), &[]),
    rule("code-network", When::Status(&[(0, 4, 0), (0, 4, 1), (0, 4, 2), (0, 4, 3), (0, 4, 4), (0, 4, 5)]), SOFT, Reason::NetworkError, Side::Transport,
        coded("4.4.1"), &[]),
    rule("code-system", When::Status(&[(0, 3, 0), (0, 3, 2), (0, 3, 3), (0, 3, 5)]), SOFT, Reason::SystemError, Side::Transport,
        coded("5.3.5"), &[]),
    rule("code-protocol", When::Status(&[(0, 5, 0), (0, 5, 1), (0, 5, 2), (0, 5, 3), (0, 5, 4), (0, 5, 5)]), SOFT, Reason::ProtocolError, Side::Sender,
        coded("5.5.4"), &[]),
    rule("code-authentication", When::Status(&[ (0, 7, 20), (0, 7, 21), (0, 7, 22), (0, 7, 23), (0, 7, 24), (0, 7, 26), (0, 7, 29), (5, 7, 509), ]), SOFT, Reason::AuthFailure, Side::Sender,
        coded("5.7.26"), &[]),
    rule("code-client-blocked", When::Status(&[(0, 7, 25), (5, 7, 511), (5, 7, 606), (5, 7, 708)]), SOFT, Reason::Blocked, Side::Sender,
        coded("5.7.25"), &[]),
    rule("code-policy", When::Status(&[(0, 7, 0), (0, 7, 1), (0, 7, 2), (0, 7, 3), (0, 7, 5), (0, 7, 7), (0, 7, 8), (0, 7, 9)]), SOFT, Reason::Policy, Side::Sender,
        coded("5.7.1"), &[]),
    rule("code-content", When::Status(&[ (0, 6, 0), (0, 6, 1), (0, 6, 2), (0, 6, 3), (0, 6, 4), (0, 6, 5), (0, 6, 6), (0, 6, 7), (0, 6, 9), ]), SOFT, Reason::ContentError, Side::Sender,
        coded("5.6.0"), &[]),
    rule("code-mailbox-other", When::Status(&[(0, 2, 0), (0, 2, 4), (0, 1, 4)]), SOFT, Reason::Filtered, Side::Recipient,
        coded("5.2.0"), &[]),
    rule("nothing-said-at-data", When::AtData, SOFT, Reason::Filtered, Side::Unknown,
        said_at(Stage::Data, "554 no"), &[]),
    rule("code-transient", When::Transient, SOFT, Reason::SystemError, Side::Transport, coded("4.0.0"), &[]),
    rule("code-permanent", When::Permanent, SOFT, Reason::OnHold, Side::Unknown, coded("5.0.0"), &[]),
];
