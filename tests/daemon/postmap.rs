//! The same questions by Postfix's own clients: 100,000 keys by postmap(1) through socketmap, through tcp_table, and in the
//! file that `suppressd export` writes of the same list. All answer what a plain map answers.
//!
//! A file holds whole keys, and postmap asks for a key as it is. So a file is asked as Postfix asks one (transport(5),
//! access(5)): for the address, with its local part quoted and then without; for its domain; for `.domain` of each domain
//! above. DUNNO ends that search, and means what "not found" means. suppressd is asked once, with the address; tcp_table, which
//! differs from socketmap in its framing alone, for every second number.
//! [`SPELLINGS`] are what only one of them takes for a recipient on the list.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{Home, Ran, finish};
use crate::world::{World, free_address};

const KEYS: usize = 100_000;
/// Each with every local part and every domain.
const NUMBERS: usize = 560;

/// Local parts with a number for `#`: canonical; as asked for; as Postfix asks a file next, if it does.
const LOCAL_PARTS: &[[&str; 3]] = &[
    ["user#", "user#", ""],
    ["user#", "USER#", ""],
    ["user#", "\"user#\"", "user#"],
    ["user#+tag", "User#+Tag", ""],
    ["o'hara.#%41", "o'hara.#%41", ""],
    ["\"two words #\"", "\"Two Words #\"", "Two Words #"],
    ["\"two words #\"", "two words #", "\"two words #\""],
    ["\"a@b\\\"#\"", "\"a@b\\\"#\"", "a@b\"#"],
    ["\".#.\"", ".#.", "\".#.\""],
    ["jörg#", "jörg#", ""],
    ["jörg#", "JÖRG#", ""],
    ["用户#", "用户#", ""],
];

/// Domains: canonical, and as asked for.
const DOMAINS: &[[&str; 2]] = &[
    ["example.com", "example.com"],
    ["example.com", "EXAMPLE.Com"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE"],
    ["xn--bcher-kva.example", "bücher.example"],
    ["xn--bcher-kva.example", "BÜCHER.example"],
    ["x.xn--bcher-kva.example", "x.bücher.example"],
    ["gone.example", "Gone.example"],
    ["sub.gone.example", "sub.gone.example"],
    ["over.example", "over.example"],
    ["a.b.over.example", "a.b.over.example"],
    ["a.c.over.example", "a.c.over.example"],
    ["free.over.example", "free.over.example"],
    ["ended.example", "ended.example"],
    ["[192.0.2.1]", "[192.0.2.1]"],
];

/// Domains and subdomains that are refused, that were until a while ago, and that are allowed.
const REFUSED: &[&str] = &["@gone.example", "@.over.example", "@.xn--bcher-kva.example"];
const ENDED: &[&str] = &["@ended.example", "@.example"];
const ALLOWED: &[&str] = &["@free.over.example", "@.b.over.example"];

/// Columns of an entry, and the refusal that they come to.
const KINDS: &[(&str, &str)] = &[
    (
        "'hard_bounce', 'userunknown', '5.1.1'",
        "550 5.1.1 Recipient is on the suppression list (hard bounce since 2026-11-21)",
    ),
    (
        "'hard_bounce', 'hostunknown', '5.1.2'",
        "550 5.1.2 Recipient is on the suppression list (hard bounce since 2026-11-21)",
    ),
    (
        "'soft_bounce', 'mailboxfull', '4.2.2'",
        "550 5.2.2 Recipient is on the suppression list (soft bounces since 2026-11-21)",
    ),
    ("'complaint', 'abuse', NULL", "550 5.7.1 Recipient is on the suppression list (complaint since 2026-11-21)"),
    ("'added', 'manual', NULL", "550 5.7.1 Recipient is on the suppression list (added on 2026-11-21)"),
];
const WHOLE_DOMAIN: (&str, &str) =
    ("'added', 'manual', NULL", "550 5.7.1 Recipient is on the suppression list (whole domain, added on 2026-11-21)");

/// A key; whether suppressd finds it, and whether Postfix finds it in a file. On the list is `straße@bücher.example`.
const SPELLINGS: &[(&str, bool, bool)] = &[
    ("straße@bücher.example", true, true),
    // Not in the normal form that the file has, and Postfix converts neither that nor a dot at the end.
    ("straße@bu\u{308}cher.example", true, false),
    ("straße@bücher.example.", true, false),
    // Postfix folds the case of what it looks for in a file and of what it reads from a text, and ß to ss with it.
    ("strasse@bücher.example", false, true),
];

/// What anybody may ask for; none is an address on the list.
const NO_ADDRESSES: &[&str] = &[
    "*",
    "@",
    "@@",
    "user1",
    "user1@",
    "@example.com",
    "<>",
    "<user1@example.com>",
    "user1@example.com user1@example.com",
    "user1@@example.com",
    "user1@.example.com",
    "user1@example..com",
    "user1%40example.com",
    "user1@example.com%0a",
    "%",
    "%4",
    "%zz",
    "get user1@example.com",
    "access user1@example.com",
    "22:access user1@example.com,",
    "\"",
    "\"\"@",
    "\"user1@example.com",
    "user1\"@example.com",
    "\\@example.com",
    "user1@[192.0.2.1",
    "user1@[192.0.2.256]",
    "user1@192.0.2.1",
    "user1@-example.com",
    "user1@example.com/",
    "'; DELETE FROM suppression; --",
    "user1@example.com' OR '1",
    "550 5.1.1 no",
    "\u{202e}user1@example.com",
    "user1\u{0}@example.com",
    "user1@exa\u{7f}mple.com",
    "user1@example.com\r",
    " ",
];

/// What everybody is asked.
struct Question {
    /// suppressd, once.
    key: String,
    /// A file, one after the other.
    tried: Vec<String>,
    expected: Option<String>,
}

/// The list as a plain map of canonical addresses and domains.
#[derive(Default)]
struct List {
    refused: HashMap<String, &'static str>,
    allowed: HashSet<String>,
    sql: String,
}

impl List {
    fn refuse(&mut self, address: &str, (columns, refusal): (&str, &'static str), ended: bool) {
        let until = if ended { "'2026-11-22T00:00:00Z'" } else { "NULL" };
        self.sql += &format!(
            "INSERT INTO suppression (address, since, until, kind, reason, status) \
             VALUES ('{}', '2026-11-21T08:46:25Z', {until}, {columns});\n",
            address.replace('\'', "''")
        );
        if !ended {
            self.refused.insert(address.to_owned(), refusal);
        }
    }

    fn allow(&mut self, address: &str, ended: bool) {
        let until = if ended { "2026-11-22T00:00:00Z" } else { "2099-01-01T00:00:00Z" };
        let address_sql = address.replace('\'', "''");
        self.sql += &format!("INSERT INTO allow (address, until) VALUES ('{address_sql}', '{until}');\n");
        if !ended {
            self.allowed.insert(address.to_owned());
        }
    }

    fn answer(&self, local: &str, domain: &str) -> Option<String> {
        let above = above(domain).map(|domain| format!("@{domain}"));
        let keys: Vec<_> = [format!("{local}@{domain}"), format!("@{domain}")].into_iter().chain(above).collect();
        if keys.iter().any(|key| self.allowed.contains(key)) {
            return None;
        }
        keys.iter().find_map(|key| self.refused.get(key)).map(|refusal| (*refusal).to_owned())
    }
}

/// `.domain` of each domain above.
fn above(domain: &str) -> impl Iterator<Item = &str> {
    domain.match_indices('.').map(|(at, _)| &domain[at..])
}

/// A fourth of all addresses, some of them ended, and a fiftieth of all allowed, some of those ended.
fn list() -> List {
    let mut list = List::default();
    let locals: HashSet<_> = LOCAL_PARTS.iter().map(|local| local[0]).collect();
    let domains: HashSet<_> = DOMAINS.iter().map(|domain| domain[0]).collect();
    for number in 0..NUMBERS {
        for local in &locals {
            for domain in &domains {
                let dice = number * 7 + local.len() * 11 + domain.len() * 13;
                let address = format!("{}@{domain}", local.replace('#', &number.to_string()));
                if dice % 4 == 0 {
                    list.refuse(&address, KINDS[dice / 4 % KINDS.len()], dice % 36 == 0);
                }
                if dice % 50 == 0 {
                    list.allow(&address, dice % 150 == 0);
                }
            }
        }
    }
    REFUSED.iter().for_each(|domain| list.refuse(domain, WHOLE_DOMAIN, false));
    ENDED.iter().for_each(|domain| list.refuse(domain, WHOLE_DOMAIN, true));
    ALLOWED.iter().for_each(|domain| list.allow(domain, false));
    list.refuse("straße@xn--bcher-kva.example", KINDS[0], false);
    list
}

fn questions(list: &List) -> Vec<Question> {
    let mut questions = Vec::new();
    for number in 0..NUMBERS {
        for local in LOCAL_PARTS {
            let [canonical, asked, next] = local.map(|text| text.replace('#', &number.to_string()));
            for [canonical_domain, domain] in DOMAINS {
                let key = format!("{asked}@{domain}");
                let next = (!next.is_empty()).then(|| format!("{next}@{domain}"));
                let domains = std::iter::once(*domain).chain(above(domain)).map(str::to_owned);
                let tried = [key.clone()].into_iter().chain(next).chain(domains).collect();
                questions.push(Question { key, tried, expected: list.answer(&canonical, canonical_domain) });
            }
        }
    }
    let nonsense = |key: &&str| Question { key: (*key).to_owned(), tried: vec![(*key).to_owned()], expected: None };
    questions.extend(NO_ADDRESSES.iter().map(nonsense));
    questions
}

/// What postmap finds for each of these keys.
fn postmap<'k>(directory: &Path, table: &str, keys: &[&'k str]) -> HashMap<&'k str, Option<String>> {
    let mut answers: HashMap<_, _> = keys.iter().map(|key| (*key, None)).collect();
    let asked: String = answers.keys().map(|key| format!("{key}\n")).collect();
    let mut command = Command::new("/usr/sbin/postmap");
    command.arg("-c").arg(directory).args(["-q", "-", table]);
    let Ran { out, err, .. } = finish(&mut command, asked.as_bytes());
    assert!(!["fatal", "error", "panic"].iter().any(|word| err.contains(word)), "{table}: {err}");
    for (key, value) in out.lines().map(|line| line.split_once('\t').unwrap()) {
        *answers.get_mut(key).unwrap() = Some(value.to_owned());
    }
    answers
}

#[test]
fn postmap_hears_the_same_of_100_000_keys_by_socketmap_and_tcp_table_and_in_an_exported_file() {
    let tcp = free_address();
    let world = World::start_with(&[("lookup.tcp-table", &format!("[{{ listen = \"{tcp}\", map = \"access\" }}]"))]);
    let (list, home) = (list(), &world.home);
    home.sql(&format!("BEGIN;\n{}COMMIT;", list.sql));
    home.ok(&["export", "--format", "access", "--output", home.path("access").to_str().unwrap()]);
    fs::write(home.path("main.cf"), "compatibility_level = 3.6\n").unwrap();
    fs::write(home.path("master.cf"), "").unwrap();
    let socketmap = format!("socketmap:unix:{}:access", home.path("lookup.sock").display());
    let tcp_table = format!("tcp:{tcp}");
    let file = format!("texthash:{}", home.path("access").display());

    let questions = questions(&list);
    let keys: Vec<_> = questions.iter().map(|question| question.key.as_str()).collect();
    assert!(keys.len() >= KEYS);
    let every_second: Vec<_> = keys.chunks(LOCAL_PARTS.len() * DOMAINS.len()).step_by(2).flatten().copied().collect();
    let tried: Vec<_> = questions.iter().flat_map(|question| question.tried.iter().map(String::as_str)).collect();
    let (by_socketmap, by_tcp, in_file) = std::thread::scope(|scope| {
        let by_tcp = scope.spawn(|| postmap(&home.path(""), &tcp_table, &every_second));
        let in_file = scope.spawn(|| postmap(&home.path(""), &file, &tried));
        (postmap(&home.path(""), &socketmap, &keys), by_tcp.join().unwrap(), in_file.join().unwrap())
    });
    for Question { key, tried, expected } in &questions {
        let key = key.as_str();
        let first = tried.iter().find_map(|key| in_file[key.as_str()].as_ref()).filter(|value| *value != "DUNNO");
        assert_eq!(by_socketmap[key], *expected, "{key} by socketmap");
        assert_eq!(first, expected.as_ref(), "{key} in a file");
        assert_eq!(by_tcp.get(key).unwrap_or(expected), expected, "{key} by tcp_table");
    }
    for (_, refusal) in KINDS.iter().chain([&WHOLE_DOMAIN]) {
        let found = by_tcp.values().flatten().filter(|value| value == refusal).count();
        assert!(found >= 1_000, "{found} are refused with {refusal}");
    }
    for (key, by_suppressd, by_file) in SPELLINGS {
        for (table, found) in [(&socketmap, by_suppressd), (&tcp_table, by_suppressd), (&file, by_file)] {
            assert_eq!(postmap(&home.path(""), table, &[key])[key].is_some(), *found, "{key} in {table}");
        }
    }
}

/// What postfix/README says of it.
#[test]
fn a_sharp_s_is_not_found_in_a_database_and_is_two_in_text() {
    let home = Home::new();
    home.ok(&["add", "straße@example.com"]);
    fs::write(home.path("main.cf"), "compatibility_level = 3.6\n").unwrap();
    fs::write(home.path("master.cf"), "").unwrap();
    let keys = ["straße@example.com", "strasse@example.com"];
    for (name, table, is_found) in [("t.cdb", "cdb:t", false), ("t.lmdb", "lmdb:t", false), ("t", "texthash:t", true)] {
        let file = home.path(name);
        let format = name.split_once('.').map_or("transport", |(_, form)| form);
        home.ok(&["export", "--format", format, "-o", file.to_str().unwrap()]);
        let (form, name) = table.split_once(':').unwrap();
        let found = postmap(&home.path(""), &format!("{form}:{}", home.path(name).display()), &keys);
        assert!(keys.iter().all(|key| found[key].is_some() == is_found), "{table}: {found:?}");
    }
}
