//! SNS topics: which are ours, which wait for an operator's word, which are refused.
//!
//! At most [`MAX_PENDING`] subscriptions wait. The oldest makes room of the account that has most of them, so that nobody's many
//! topics push out another's one. Topics of the configuration are not kept here.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::event::timestamp_text;

/// Most subscriptions kept while they wait for `suppressd topics allow`.
pub const MAX_PENDING: u32 = 100;

/// What an operator decided about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicState {
    /// Its messages count.
    Allowed,
    /// Somebody subscribed us; nobody has decided.
    Pending,
    /// Its messages are refused, even if the configuration names it.
    Denied,
}

/// A change to what is known of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicChange {
    /// A genuine subscription to a topic that is not allowed: it waits.
    Pending {
        /// The topic.
        arn: String,
        /// Where a GET confirms it.
        subscribe_url: String,
    },
    /// The subscription was confirmed.
    Confirmed {
        /// The topic.
        arn: String,
    },
    /// The subscription has ended.
    Unsubscribed {
        /// The topic.
        arn: String,
    },
    /// An operator decided.
    Decided {
        /// The topic.
        arn: String,
        /// What he decided.
        allowed: bool,
    },
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TopicEntry {
    /// The topic.
    pub arn: String,
    /// allowed, pending or denied.
    pub state: String,
    /// Since when.
    pub since: String,
    /// When its subscription was confirmed from here.
    pub confirmed: Option<String>,
    /// Where a GET confirms a pending subscription.
    #[serde(skip)]
    pub subscribe_url: Option<String>,
}

impl Store {
    /// All topics of the database.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn topics(&self) -> Result<Vec<TopicEntry>, StoreError> {
        let sql = "SELECT arn, state, since, confirmed, subscribe_url FROM topic ORDER BY state, arn";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(TopicEntry {
                arn: row.get(0)?,
                state: row.get(1)?,
                since: row.get(2)?,
                confirmed: row.get(3)?,
                subscribe_url: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Changes what is known of a topic.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change_topic(&mut self, change: &TopicChange, now: Timestamp) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        apply(&transaction, change, now)?;
        Ok(transaction.commit()?)
    }
}

pub(super) fn state(connection: &Connection, arn: &str) -> Result<Option<TopicState>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT state FROM topic WHERE arn = ?1")?;
    let state: Option<String> = statement.query_row([arn], |row| row.get(0)).optional()?;
    Ok(state.map(|state| match state.as_str() {
        "allowed" => TopicState::Allowed,
        "pending" => TopicState::Pending,
        _ => TopicState::Denied,
    }))
}

pub(super) fn apply(connection: &Connection, change: &TopicChange, now: Timestamp) -> Result<(), StoreError> {
    let now = timestamp_text(now);
    match change {
        TopicChange::Pending { arn, subscribe_url } => {
            // An operator's decision stays; a newer token replaces an older one.
            let sql = "INSERT INTO topic (arn, state, since, subscribe_url) VALUES (?1, 'pending', ?2, ?3) \
                       ON CONFLICT (arn) DO UPDATE SET subscribe_url = excluded.subscribe_url, \
                         since = CASE state WHEN 'pending' THEN excluded.since ELSE since END";
            connection.execute(sql, params![arn, now, subscribe_url])?;
            // An account is what its topics' names begin with, up to the last colon.
            let excess = "DELETE FROM topic WHERE arn IN ( \
                            SELECT arn FROM ( \
                              SELECT arn, since, rowid AS number, row_number() OVER ( \
                                PARTITION BY rtrim(arn, replace(arn, ':', '')) ORDER BY since DESC, rowid DESC) AS place \
                              FROM topic WHERE state = 'pending' AND confirmed IS NULL) \
                            ORDER BY place, since DESC, number DESC LIMIT -1 OFFSET ?1)";
            connection.execute(excess, [MAX_PENDING])?;
        }
        TopicChange::Confirmed { arn } => {
            // Of a topic of the configuration nobody has decided here: taken out there, it is allowed no more.
            let sql = "INSERT INTO topic (arn, state, since, confirmed) VALUES (?1, 'pending', ?2, ?2) \
                       ON CONFLICT (arn) DO UPDATE SET confirmed = excluded.confirmed, subscribe_url = NULL";
            connection.execute(sql, params![arn, now])?;
        }
        TopicChange::Unsubscribed { arn } => {
            connection.execute("UPDATE topic SET confirmed = NULL WHERE arn = ?1", [arn])?;
        }
        TopicChange::Decided { arn, allowed } => {
            let state = if *allowed { "allowed" } else { "denied" };
            let sql = "INSERT INTO topic (arn, state, since) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (arn) DO UPDATE SET state = excluded.state, since = excluded.since";
            connection.execute(sql, params![arn, state, now])?;
        }
    }
    Ok(())
}
