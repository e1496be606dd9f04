//! What Postfix, or whoever may connect, says to a lookup socket: whole sessions of each protocol over one list.
//!
//! The first byte tells how the rest is meant: even, as what the client sends; odd, as keys, each ended by a zero byte and
//! begun by one that chooses the table, which are asked for as Postfix writes them, and which a plain map answers too.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use suppressd::address::Address;
use suppressd::config::Config;
use suppressd::event::{Event, EventId, Evidence, Kind, Origin, Reason, Side, Source};
use suppressd::lookup::netstring::{self, Parsed};
use suppressd::lookup::{Lookup, MAX_KEY, Map, Protocol, Settings, Step};
use suppressd::store::{Change, Key, Readers, Store, Submission};

const CONFIG: &str = "[[stream]]\nname = \"news\"\nsenders = [\"news@example.org\"]\n";
const MARKER: &str = "Recipient is on the suppression list (";

/// Who is refused, in which stream, and with which words behind [`MARKER`] and before the date.
const LIST: [(&str, &str, &str, &str); 5] = [
    ("bob@example.com", "", "5.7.1", "added on"),
    ("\"two words\"@example.org", "", "5.1.1", "hard bounce since"),
    ("jörg@xn--bcher-kva.example", "", "5.7.1", "added on"),
    ("@gone.example", "", "5.7.1", "whole domain, added on"),
    ("eve@example.com", "news", "5.7.1", "complaint since"),
];
const ALLOWED: &str = "dan@gone.example";

pub fn socketmap(data: &[u8]) {
    netstrings(data);
    session(&Protocol::Socketmap, data);
}

pub fn tcp_table(data: &[u8]) {
    let map = if data.len().is_multiple_of(2) { Map::Access } else { Map::Transport };
    session(&Protocol::TcpTable(map.into()), data);
}

pub fn policy(data: &[u8]) {
    session(&Protocol::Policy, data);
}

/// What is written is read again, and reading never goes beyond the input.
fn netstrings(data: &[u8]) {
    if let Parsed::Complete { content, length } = netstring::parse(data, 10_000) {
        assert!(length <= data.len() && content.len() < length && content.len() <= 10_000);
    }
    let text = String::from_utf8_lossy(data);
    let mut written = Vec::new();
    netstring::write(&[&text], &mut written);
    assert_eq!(
        netstring::parse(&written, text.len()),
        Parsed::Complete { content: text.as_bytes(), length: written.len() }
    );
    for end in [0, 1, written.len() / 2, written.len() - 1] {
        assert_eq!(netstring::parse(written.get(..end).unwrap_or_default(), text.len()), Parsed::Incomplete);
    }
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn lookup() -> &'static Lookup {
    static LOOKUP: OnceLock<(tempfile::TempDir, Lookup)> = OnceLock::new();
    &LOOKUP.get_or_init(open).1
}

fn open() -> (tempfile::TempDir, Lookup) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("suppressd.db");
    let config = Config::parse(CONFIG, "suppressd.toml").unwrap();
    let mut store = Store::open(&path, Duration::from_secs(5)).unwrap();
    for (address, stream, _, words) in LIST {
        if words.contains("added") {
            store.add(&Key::parse(address).unwrap(), &Change::default(), now()).unwrap();
        } else {
            let kind = if stream.is_empty() { Kind::HardBounce } else { Kind::Complaint };
            let submission = Submission { events: vec![event(kind, address)], ..Submission::default() };
            store.submit(&submission, &config.policy, now()).unwrap();
        }
    }
    let until = "2026-12-21T12:00:00Z".parse().unwrap();
    store.allow(&Key::parse(ALLOWED).unwrap(), until, &Change::default(), now()).unwrap();
    let readers = Arc::new(Readers::open(path, Duration::from_secs(5)).unwrap());
    let settings = Settings { streams: config.policy.streams, ..Settings::default() };
    (dir, Lookup::new(readers, settings))
}

fn event(kind: Kind, address: &str) -> Event {
    Event {
        id: EventId(address.to_owned()),
        kind,
        at: now(),
        recipient: Address::parse(address).unwrap(),
        reported: address.to_owned(),
        source: Source::Ses,
        origin: Origin::SnsSignature,
        evidence: Evidence {
            reason: Reason::UserUnknown,
            side: Side::Recipient,
            sender: (kind == Kind::Complaint).then(|| "news@example.org".to_owned()),
            ..Evidence::default()
        },
    }
}

fn session(protocol: &Protocol, data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let (sent, expected) = if first % 2 == 0 { (rest.to_vec(), None) } else { requests(protocol, rest) };
    let whole = converse(protocol, &[&sent]);
    let answers = read(protocol, &whole.0);
    answers.iter().for_each(check);
    if let Some(expected) = expected {
        assert!(!whole.1, "a request of Postfix's is a violation");
        assert_eq!(answers, expected);
    }
    let (head, tail) = sent.split_at(usize::from(*first) * sent.len() / 256);
    assert_eq!(converse(protocol, &[head, tail]), whole, "in two pieces");
    if sent.len() < 300 {
        assert_eq!(converse(protocol, &sent.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    }
}

/// All that is answered, and whether the connection ends for a violation.
fn converse(protocol: &Protocol, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let (mut input, mut output) = (Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while !input.is_empty() {
            let before = output.len();
            match protocol.step(&input, lookup(), now(), &mut output) {
                Step::Answered(length) => {
                    assert!(
                        (1..=input.len()).contains(&length) && output.len() > before && output.len() < before + 600
                    );
                    input.drain(..length);
                }
                Step::Incomplete => {
                    assert_eq!(output.len(), before);
                    break;
                }
                Step::Violation(_) => return (output, true),
            }
        }
    }
    (output, false)
}

/// An answer freed of its framing: a word and a text.
type Answer = (String, String);

/// Our own words only, and no refusal but those of the list.
fn check((word, text): &Answer) {
    assert!(
        word == "PERM" && !text.contains(char::is_control) || text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
    );
    assert!(!text.contains("can't be read"), "{text}");
    assert!(["OK", "200", "NOTFOUND", "500", "PERM", "400", "550", "DUNNO"].contains(&word.as_str()), "{word} {text}");
    if text.contains(MARKER) {
        let of = |(.., status, words): &(&str, &str, &str, &str)| text.contains(&refusal(status, words));
        assert!(LIST.iter().any(of), "{word} {text}");
    } else {
        assert!(!["OK", "200", "550"].contains(&word.as_str()), "{word} {text}");
    }
}

fn refusal(status: &str, words: &str) -> String {
    format!("{status} {MARKER}{words} 2026-11-21)")
}

fn read(protocol: &Protocol, mut output: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !output.is_empty() {
        let (text, rest) = match protocol {
            Protocol::Socketmap => {
                let colon = output.iter().position(|byte| *byte == b':').unwrap();
                let length: usize = std::str::from_utf8(&output[..colon]).unwrap().parse().unwrap();
                let (text, rest) = output[colon + 1..].split_at(length);
                (text.to_vec(), rest.strip_prefix(b",").unwrap())
            }
            Protocol::TcpTable(_) => {
                let end = output.iter().position(|byte| *byte == b'\n').unwrap();
                (unquote(&output[..end]), &output[end + 1..])
            }
            Protocol::Policy => {
                let end = output.windows(2).position(|pair| pair == b"\n\n").unwrap();
                (output[..end].strip_prefix(b"action=").unwrap().to_vec(), &output[end + 2..])
            }
        };
        let text = String::from_utf8(text).unwrap();
        let (word, text) = text.split_once(' ').unwrap_or((&text, ""));
        answers.push((word.to_owned(), text.to_owned()));
        output = rest;
    }
    answers
}

/// Requests for keys as Postfix writes them, and what each must get.
fn requests(protocol: &Protocol, data: &[u8]) -> (Vec<u8>, Option<Vec<Answer>>) {
    let (mut sent, mut answers) = (Vec::new(), Vec::new());
    for item in data.split(|byte| *byte == 0).filter(|item| !item.is_empty()) {
        let (table, key) = (item[0] % 4, &item[1..item.len().min(MAX_KEY)]);
        let (stream, map) =
            (if table / 2 == 1 { "news" } else { "" }, if table % 2 == 0 { "access" } else { "transport" });
        let answer = match protocol {
            Protocol::Socketmap => {
                let name = if stream.is_empty() { map.to_owned() } else { format!("{map}/{stream}") };
                sent.extend(format!("{}:{name} ", name.len() + 1 + key.len()).bytes().chain(key.iter().copied()));
                sent.push(b',');
                expected("OK", map, key, stream).unwrap_or(("NOTFOUND".into(), String::new()))
            }
            Protocol::TcpTable(table) => {
                sent.extend(b"get ");
                key.iter().for_each(|byte| quote(*byte, &mut sent));
                sent.push(b'\n');
                expected("200", table.map.as_str(), key, "").unwrap_or(("500".into(), "not on the list".into()))
            }
            Protocol::Policy => {
                let key: Vec<_> = key.iter().copied().filter(|byte| *byte != b'\n').collect();
                let sender = if stream.is_empty() { "" } else { "news@example.org" };
                sent.extend(
                    format!("request=smtpd_access_policy\nsender={sender}\nrecipient=").bytes().chain(key.clone()),
                );
                sent.extend(b"\n\n");
                expected("550", "", &key, stream).unwrap_or(("DUNNO".into(), String::new()))
            }
        };
        answers.push(answer);
    }
    (sent, Some(answers))
}

/// What a plain map finds; `None` for nothing.
fn expected(word: &str, map: &str, key: &[u8], stream: &str) -> Option<Answer> {
    let address = Address::parse_lookup_key(std::str::from_utf8(key).ok()?).ok()?;
    if address.as_str() == ALLOWED {
        return None;
    }
    let (.., status, words) = LIST.iter().find(|(listed, of, ..)| {
        (of.is_empty() || *of == stream) && (*listed == address.as_str() || *listed == address.domain_key())
    })?;
    let form = match map {
        "access" => "550 ",
        "transport" => "error:",
        _ => "",
    };
    Some((word.to_owned(), format!("{form}{}", refusal(status, words))))
}

/// As Postfix's dict_tcp.c does.
fn quote(byte: u8, sent: &mut Vec<u8>) {
    match byte {
        b'%' | b' ' | 0..32 | 127.. => sent.extend(format!("%{byte:02x}").bytes()),
        _ => sent.push(byte),
    }
}

fn unquote(line: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        assert!(first.is_ascii_graphic() || *first == b' ', "{line:?}");
        (text, rest) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digits = [*high, *low];
                text.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                (text, tail)
            }
            _ => {
                text.push(*first);
                (text, tail)
            }
        };
    }
    text
}
