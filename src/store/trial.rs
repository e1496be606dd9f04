//! What other rules would make of the events that are here. Writes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{Store, StoreError, history};
use crate::address::Address;
use crate::event::Kind;
use crate::policy::{Entries, Entry, History, Rules, outcome, stream};

/// An entry that other rules would make different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub address: String,
    /// Of which stream; empty for all mail.
    pub stream: String,
    /// The entry in force now.
    pub now: Option<Entry>,
    /// The entry that would be in force.
    pub then: Option<Entry>,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Addresses with events that can count, or entries that came from events.
    pub addresses: usize,
    /// Their events.
    pub events: usize,
}

impl Store {
    /// Calls `each` with every entry that these rules would make different, until it returns false. Entries of operators and
    /// what incidents hold back stay as they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn try_rules(
        &mut self,
        rules: &Rules,
        now: Timestamp,
        mut each: impl FnMut(Difference) -> bool,
    ) -> Result<Looked, StoreError> {
        // One snapshot for all.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let mut looked = Looked::default();
        for address in addresses(&transaction)? {
            let Ok(canonical) = Address::parse(&address) else { continue };
            let mut history = history::load(&transaction, &address, None)?;
            place(&transaction, &mut history, rules)?;
            looked.addresses += 1;
            looked.events += history.occurrences.len();
            let then = outcome(&canonical, &history, rules);
            if !differences(&address, &history, then, now).into_iter().all(&mut each) {
                break;
            }
        }
        Ok(looked)
    }
}

fn addresses(transaction: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT address FROM event \
               WHERE kind IN ('hard_bounce', 'soft_bounce', 'complaint', 'unsubscribe', 'removed') \
                 AND origin <> 'unproved' AND address GLOB '?*@*' \
               UNION SELECT address FROM suppression WHERE source NOT IN ('manual', 'import') AND kind <> 'added'";
    let mut statement = transaction.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Places events in the streams of these rules. Bounces hold for all mail, whatever stream they are in.
fn place(connection: &Connection, history: &mut History, rules: &Rules) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT sender, headers FROM event WHERE number = ?1")?;
    let in_stream = |kind: Kind| matches!(kind, Kind::Complaint | Kind::Unsubscribe);
    for occurrence in history.occurrences.iter_mut().filter(|occurrence| in_stream(occurrence.kind)) {
        occurrence.stream = statement.query_row([occurrence.number], |row| {
            let sender = row.get_ref(0)?.as_str_or_null()?;
            let headers = row.get_ref(1)?.as_str_or_null()?;
            Ok(stream::of(&rules.streams, &stream::Mail { sender, sasl_user: None, headers }).to_owned())
        })?;
    }
    Ok(())
}

fn differences(address: &str, history: &History, then: Entries, now: Timestamp) -> Vec<Difference> {
    let listed = history.listed.iter().filter(|listed| listed.entry.in_force(now));
    let (by_operator, by_events): (Vec<_>, Vec<_>) = listed.partition(|listed| listed.by_operator);
    let is_operators = |stream: &String| by_operator.iter().any(|listed| listed.stream == *stream);
    let mut pairs: BTreeMap<String, (Option<Entry>, Option<Entry>)> =
        by_events.iter().map(|listed| (listed.stream.clone(), (Some(listed.entry.clone()), None))).collect();
    for (stream, entry) in then.into_iter().filter(|(stream, entry)| entry.in_force(now) && !is_operators(stream)) {
        pairs.entry(stream).or_default().1 = Some(entry);
    }
    let until = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.until);
    let differ = pairs.into_iter().filter(|(_, (now, then))| until(now) != until(then));
    differ.map(|(stream, (now, then))| Difference { address: address.to_owned(), stream, now, then }).collect()
}
