//! A daemon under attack, and what has to be so after each attempt.

use rusqlite::types::Value;
use suppressd::event::is_unprintable;
use suppressd::log_limit::PER_WINDOW;

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
        for (name, socket) in [("mail.lmtp", "lmtp.sock"), ("lookup.policy", "policy.sock")] {
            let at = world.home.quoted_unix(socket);
            world.home.set(name, &format!("[{at}]"));
        }
        // The genuine bounces all have one diagnostic.
        world.home.set("policy.incident.recipients", "0");
        world.up();
        let mut watch = Self { world, genuine: 0 };
        assert_eq!(watch.world.post(&bounce_of("known@example.com")), 200);
        // The line comes after the answer, and is not that of what is tried first.
        eventually("the line of the first", || watch.world.log().contains("to=<known@example.com>"));
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

    /// Does something that changes nothing and is told in one line with these words.
    #[track_caller]
    pub fn attempt(&mut self, name: &str, says: &str, act: impl FnOnce(&World)) {
        assert_eq!(self.watched(name, says, act), 1, "{name}: lines");
    }

    /// The same, but somebody in front may have refused it.
    #[track_caller]
    pub fn attempt_by_proxy(&mut self, name: &str, act: impl FnOnce(&World)) {
        assert!(self.watched(name, "", act) <= 1, "{name}");
    }

    /// The same without any line.
    #[track_caller]
    pub fn in_silence(&mut self, name: &str, act: impl FnOnce(&World)) {
        assert_eq!(self.watched(name, "", act), 0, "{name}: lines");
    }

    /// The number of lines that it left in the log.
    #[track_caller]
    fn watched(&mut self, name: &str, says: &str, act: impl FnOnce(&World)) -> usize {
        if self.genuine.is_multiple_of(PER_WINDOW as usize) {
            // Lines of one kind are limited; the limits begin anew with this.
            self.world.reload();
        }
        let (begun, before) = (self.world.log().len(), self.decided());
        act(&self.world);
        let told = || self.lines_since(begun).iter().any(|line| line.contains(says));
        eventually(&format!("{name}: {says}"), || says.is_empty() || told());
        assert_eq!(self.decided(), before, "{name}: the list and the topics stay");
        self.a_genuine_message_counts(name);
        let lines = self.lines_since(begun);
        assert!(lines.len() <= 1, "{name}: more than one line: {lines:#?}");
        lines.iter().for_each(|line| cannot_be_forged(name, line));
        lines.len()
    }

    /// Lines after so many bytes of the log, but those of the genuine messages, which may come late.
    pub fn lines_since(&self, begun: usize) -> Vec<String> {
        let log = self.world.log().split_off(begun);
        log.split_inclusive('\n').filter(|line| !line.contains("to=<genuine-")).map(str::to_owned).collect()
    }

    fn a_genuine_message_counts(&mut self, name: &str) {
        self.genuine += 1;
        let address = format!("genuine-{}@example.com", self.genuine);
        assert_eq!(self.world.post(&bounce_of(&address)), 200, "{name}");
        assert!(self.world.refuses(&address), "{name}");
    }

    /// What decides about mail: the list, what is allowed, events that are proved, and topics; all but what the genuine
    /// messages change.
    pub fn decided(&self) -> Vec<Vec<Value>> {
        let database = self.world.home.database();
        let queries = [
            "SELECT * FROM suppression WHERE address NOT LIKE 'genuine-%' ORDER BY address",
            "SELECT * FROM allow ORDER BY address",
            "SELECT arn, state FROM topic WHERE state <> 'pending' ORDER BY arn",
            "SELECT number, id FROM event WHERE origin <> 'unproved' AND address NOT LIKE 'genuine-%'",
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
    let begins = ["suppressd: warning: ", "suppressd: refused: to=<", "suppressd: to=<"]
        .iter()
        .any(|begin| text.starts_with(begin));
    assert!(begins, "{name}: {text:?}");
    // An address is what stands in the brackets, and nothing else does.
    let brackets = [text.matches('<').count(), text.matches('>').count()];
    assert!(text.contains("sns: ") || brackets == [0, 0] || brackets == [1, 1], "{name}: {text:?}");
    assert!(text.len() <= MAX_LINE, "{name}: {} bytes: {text}", text.len());
    assert!(!text.chars().any(is_unprintable), "{name}: {text:?}");
}
