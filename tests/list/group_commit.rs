//! Many submissions in one commit: each is told what became of it, whatever its neighbours are.

use std::collections::BTreeSet;
use std::thread::JoinHandle;

use suppressd::event::Kind;
use suppressd::store::{Receipt, StoreError, Submission, Writer};
use tokio::task::{JoinSet, yield_now};

use super::bench::{Bench, WAIT, at};

const MANY: usize = 400;

fn submission(bench: &mut Bench, number: usize) -> Submission {
    let event = bench.event(Kind::HardBounce, &format!("user{number}@domain{number}.example"), "2026-11-20T08");
    Submission { events: vec![event], ..Submission::default() }
}

fn start(bench: &Bench) -> (Writer, JoinHandle<()>) {
    Writer::start(bench.path(), WAIT, bench.config.policy.clone(), || at("2026-11-21T12")).unwrap()
}

/// Hands all in while the database is locked: the first may be a group of its own, and the others are one. Returns who
/// was told that his is recorded, and who that it is not.
async fn at_once(bench: &Bench, submissions: Vec<Submission>) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let (writer, thread) = start(bench);
    let lock = bench.sql();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut told: JoinSet<(usize, Result<Receipt, StoreError>)> = JoinSet::new();
    for (number, submission) in submissions.into_iter().enumerate() {
        let writer = writer.clone();
        told.spawn(async move { (number, writer.submit(submission).await) });
    }
    // Each gets as far as to wait for the answer.
    yield_now().await;
    lock.execute_batch("COMMIT").unwrap();
    let (mut recorded, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (number, result) in told.join_all().await {
        match result {
            Ok(_) => recorded.insert(number),
            Err(_) => refused.insert(number),
        };
    }
    drop(writer);
    thread.join().unwrap();
    (recorded, refused)
}

/// Whose event and entry are in the database.
fn present(bench: &Bench) -> BTreeSet<usize> {
    let numbers = |sql: &str| -> BTreeSet<usize> {
        let connection = bench.sql();
        let mut statement = connection.prepare(sql).unwrap();
        let number = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let addresses = statement.query_map([], number).unwrap().map(Result::unwrap);
        addresses.map(|address| address[4..].split('@').next().unwrap().parse().unwrap()).collect()
    };
    let events = numbers("SELECT address FROM event");
    assert_eq!(numbers("SELECT address FROM suppression"), events);
    events
}

#[tokio::test]
async fn a_submission_that_the_database_refuses_is_told_so_alone_and_leaves_nothing() {
    let mut bench = Bench::new("");
    let is_bad = |number: &usize| number % 7 == 3;
    // A count beyond what SQLite's numbers hold comes last, when the event and its entry are written already.
    let too_many = vec![("x@example.com".to_owned(), u64::MAX), ("x@example.com".to_owned(), u64::MAX)];
    let submissions = (0..MANY).map(|number| {
        let submission = submission(&mut bench, number);
        if is_bad(&number) { Submission { refusals: too_many.clone(), ..submission } } else { submission }
    });
    let submissions = submissions.collect();
    let (recorded, refused) = at_once(&bench, submissions).await;
    assert_eq!(refused, (0..MANY).filter(is_bad).collect());
    assert_eq!(recorded, (0..MANY).filter(|number| !is_bad(number)).collect());
    assert_eq!(present(&bench), recorded);
    assert_eq!(bench.count("SELECT count(*) FROM refusal"), 0);
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nobody() {
    for trouble in [
        // Looked at when all is committed.
        "CREATE TABLE seen (number INTEGER REFERENCES event (number) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER trouble AFTER INSERT ON event WHEN new.address LIKE 'user200@%' BEGIN \
           INSERT INTO seen VALUES (-1); END",
        // Takes back what the neighbours have written before, too.
        "CREATE TRIGGER trouble AFTER INSERT ON event WHEN new.address LIKE 'user200@%' BEGIN \
           SELECT raise(ROLLBACK, 'no'); END",
    ] {
        let mut bench = Bench::new("");
        bench.sql().execute_batch(trouble).unwrap();
        let submissions: Vec<_> = (0..MANY).map(|number| submission(&mut bench, number)).collect();
        let (recorded, refused) = at_once(&bench, submissions.clone()).await;
        assert!(refused.contains(&200) && refused.len() > MANY / 4, "{refused:?} by {trouble}");
        assert!(recorded.is_subset(&present(&bench)), "{recorded:?} are acknowledged, by {trouble}");
        // SNS and Postfix come again.
        bench.sql().execute_batch("DROP TRIGGER trouble").unwrap();
        let (recorded, refused) = at_once(&bench, submissions).await;
        assert_eq!((recorded.len(), refused.len()), (MANY, 0));
        assert_eq!(present(&bench), recorded);
    }
}
