//! A daemon under attack, and what has to be so after each attempt.

use rusqlite::types::Value;
use suppressd::event::is_unprintable;
use suppressd::ingress::log_limit::PER_WINDOW;

use crate::process::eventually;
use crate::sns::signer::{Post, request};
use crate::world::{World, bounce_of};

/// Longest line that a stranger can cause, in bytes.
const MAX_LINE: usize = 2000;

/// A message that is not what it says, as a request.
pub struct Forgery {
    pub name: &'static str,
    pub request: Vec<u8>,
}

impl Forgery {
    pub fn of(name: &'static str, post: &Post) -> Self {
        Self { name, request: post.request("/sns") }
    }

    /// The headers of a genuine message, with this body.
    pub fn body(name: &'static str, post: &Post, body: impl AsRef<[u8]>) -> Self {
        Self { name, request: request("/sns", &post.headers, body.as_ref()) }
    }
}

/// Forgeries that get the same answer.
pub struct Class {
    pub status: u16,
    /// Words of the one line in the log.
    pub says: &'static str,
    pub forgeries: Vec<Forgery>,
}

/// A daemon with its doors open, and watched.
pub struct Watch {
    pub world: World,
    genuine: usize,
}

impl Watch {
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let mut world = World::idle(settings);
        let lmtp = world.home.quoted_unix("lmtp.sock");
        world.home.set("mail.lmtp", &format!("[{lmtp}]"));
        // The genuine bounces all have one diagnostic.
        world.home.set("policy.incident.recipients", "0");
        world.up();
        let mut watch = Self { world, genuine: 0 };
        watch.a_genuine_message_counts("at the start");
        watch
    }

    /// Each of them gets the status of its class and leaves no trace but the line.
    pub fn refuses(&mut self, classes: &[Class]) {
        for Class { status, says, forgeries } in classes {
            for Forgery { name, request } in forgeries {
                let traces = self.world.traces();
                self.attempt(name, says, |world| {
                    assert_eq!(world.connect().exchange(request).unwrap(), *status, "{name}");
                });
                assert_eq!(self.world.traces(), traces + 2, "{name}: nothing but the genuine bounce and its entry");
            }
        }
    }

    /// Does something that changes nothing and is told in one line with these words, and returns what it returns.
    #[track_caller]
    pub fn attempt<T>(&mut self, name: &str, says: &str, act: impl FnOnce(&World) -> T) -> T {
        if self.genuine.is_multiple_of(PER_WINDOW as usize) {
            // Lines of one kind are limited; the limits begin anew with this.
            self.world.reload();
        }
        let (begun, before) = (self.world.log().len(), self.decided());
        let result = act(&self.world);
        eventually(&format!("{name}: {says}"), || self.world.log()[begun..].contains(says));
        assert_eq!(self.decided(), before, "{name}: the list and the topics stay");
        self.a_genuine_message_counts(name);
        let log = self.world.log();
        let lines: Vec<_> = log[begun..].split_inclusive('\n').filter(|line| !line.contains("to=<genuine-")).collect();
        let [line] = lines[..] else { panic!("{name}: more than one line: {lines:#?}") };
        cannot_be_forged(name, line);
        result
    }

    fn a_genuine_message_counts(&mut self, name: &str) {
        self.genuine += 1;
        let address = format!("genuine-{}@example.com", self.genuine);
        assert_eq!(self.world.post(&bounce_of(&address)), 200, "{name}");
        assert!(self.world.refuses(&address), "{name}");
    }

    /// What decides about mail: the list, what is allowed, events that are proved, and topics.
    pub fn decided(&self) -> Vec<Vec<Value>> {
        let database = self.world.home.database();
        let queries = [
            "SELECT * FROM suppression ORDER BY address",
            "SELECT * FROM allow ORDER BY address",
            "SELECT arn, state FROM topic WHERE state <> 'pending' ORDER BY arn",
            "SELECT number, id FROM event WHERE origin <> 'unproved' ORDER BY number",
        ];
        let rows = |sql: &str| {
            let mut statement = database.prepare(sql).unwrap();
            let columns = statement.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>();
            let rows = statement.query_map([], row).unwrap().collect::<Result<Vec<_>, _>>();
            rows.unwrap()
        };
        queries.into_iter().flat_map(rows).collect()
    }
}

#[track_caller]
fn cannot_be_forged(name: &str, line: &str) {
    let text = line.strip_suffix('\n').unwrap_or_else(|| panic!("{name}: no whole line: {line:?}"));
    assert!(text.starts_with("suppressd: warning: "), "{name}: {text:?}");
    assert!(text.len() <= MAX_LINE, "{name}: {} bytes: {text}", text.len());
    assert!(!text.chars().any(is_unprintable), "{name}: {text:?}");
}
