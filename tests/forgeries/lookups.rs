//! What somebody may send who can connect to the lookup sockets: no framing, other framing, keys of any bytes and length.
//!
//! Nothing of it changes an answer about anybody, waits for what does not come, or writes more than its line.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use suppressd::log_limit::PER_WINDOW;
use suppressd::lookup::{MAX_KEY, socketmap};

use crate::process::PATIENCE;
use crate::watch::Watch;
use crate::world::{World, free_address};

/// What is said on a connection of its own, and all that comes back until it ends.
struct Said {
    name: &'static str,
    bytes: Vec<u8>,
    reply: &'static str,
    /// Words of the one line in the log; nothing for no line.
    says: &'static str,
}

fn said(name: &'static str, bytes: impl Into<Vec<u8>>, reply: &'static str, says: &'static str) -> Said {
    Said { name, bytes: bytes.into(), reply, says }
}

fn netstring(content: &str) -> String {
    format!("{}:{content},", content.len())
}

/// What a netstring holds; nothing for nothing.
fn content(netstring: &str) -> &str {
    let Some((length, rest)) = netstring.split_once(':') else { return netstring };
    let content = rest.strip_suffix(',').unwrap();
    assert_eq!(length, content.len().to_string());
    content
}

const NOTHING: &str = "NOTFOUND ";
const NO_NAME: &str = "PERM write a map name, a space and a key";
const CLOSED: &str = "socketmap: connection closed: ";
const REFUSED: &str = "refused: to=<";

fn framing() -> Vec<Said> {
    let over = socketmap::MAX_REQUEST + 1;
    let closed = |name, bytes: &str| said(name, bytes, "", CLOSED);
    let whole = format!("access {}", "x".repeat(socketmap::MAX_REQUEST - "access ".len()));
    vec![
        closed("a leading zero", "018:access a@b.example,"),
        closed("zeros", "00:,"),
        closed("a sign", "+18:access a@b.example,"),
        closed("below zero", "-1:a,"),
        closed("a space before", " 18:access a@b.example,"),
        closed("a space behind the length", "18 :access a@b.example,"),
        closed("hexadecimal", "0x12:access a@b.example,"),
        closed("other digits", "١٨:access a@b.example,"),
        closed("no length", ":access a@b.example,"),
        closed("no colon", "18;access a@b.example,"),
        closed("no comma", "18:access a@b.example;"),
        closed("shorter than it says", "17:access a@b.example,"),
        closed("one over the limit", &format!("{over}:")),
        closed("ten megabytes announced", "10485760:access x"),
        closed("ten megabytes sent", &netstring(&format!("access {}", "x".repeat(10 << 20)))),
        closed("over 32 bits", "4294967314:access a@b.example,"),
        closed("over 64 bits", "18446744073709551634:access a@b.example,"),
        closed("digits without end", &"1".repeat(1 << 20)),
        closed("another protocol", "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"),
        closed("a forged log line", "\nsuppressd: refused: to=<bob@example.com>\n\u{1b}[2J"),
        said("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(), "", CLOSED),
        said("NULs", vec![0; 1000], "", CLOSED),
        said("a right one, then none", format!("{}x", netstring("access a@b.example")), NOTHING, CLOSED),
        said("cut off in the length", "1", "", ""),
        said("cut off in the content", "18:access", "", ""),
        said("cut off before the comma", "18:access a@b.example", "", ""),
        said("nothing in it", "0:,", NO_NAME, ""),
        said("a NUL in it", "1:\0,", NO_NAME, ""),
        said("as long as may be", netstring(&whole), NOTHING, ""),
    ]
}

/// Keys that are no addresses, or look like one on the list; maps that are none.
fn keys() -> Vec<Said> {
    let nothing = |name, key: &str| said(name, netstring(&format!("access {key}")), NOTHING, "");
    let no_map = |name, request: &str, reply| said(name, netstring(request), reply, "");
    vec![
        nothing("nothing", ""),
        nothing("a NUL behind", "known@example.com\0"),
        nothing("a NUL before", "\0known@example.com"),
        nothing("a NUL within", "known@example\0.com"),
        nothing("a line break behind", "known@example.com\n"),
        nothing("a second key", "alive@example.com\nknown@example.com"),
        nothing("a space and more", "alive@example.com known@example.com"),
        nothing("Cyrillic letters", "knоwn@example.com"),
        nothing("hidden text", "known\u{200b}@example.com"),
        nothing("a LIKE pattern", "%@example.com"),
        nothing("words of SQL", "x' OR '1'='1"),
        nothing("words of SQL in quotes", "\"x' OR 1=1 --\"@example.com"),
        nothing("a path", "../../etc/passwd"),
        nothing("a key of ten thousand bytes", &"x".repeat(MAX_KEY)),
        nothing("a user of nine thousand bytes", &format!("{}@example.com", "x".repeat(9000))),
        said("no UTF-8", [&b"14:access \xff\xfe\x80@b.c"[..], b","].concat(), NOTHING, ""),
        no_map(
            "capitals",
            "ACCESS known@example.com",
            "PERM unknown map \"ACCESS\"; there are access, transport and return-path",
        ),
        no_map(
            "another map",
            "virtual known@example.com",
            "PERM unknown map \"virtual\"; there are access, transport and return-path",
        ),
        no_map(
            "a terminal's words",
            "\u{1b}[2J\r\n\u{202e} x",
            "PERM unknown map \"?[2J ?\"; there are access, transport and return-path",
        ),
        no_map("no name", " known@example.com", "PERM unknown map \"\"; there are access, transport and return-path"),
        no_map(
            "a stream that is none",
            "access/../x known@example.com",
            "PERM no such stream: \"access/../x\"; write a [[stream]] of that name into the configuration",
        ),
        no_map(
            "a stream of nothing",
            "access/ known@example.com",
            "PERM no such stream: \"access/\"; write a [[stream]] of that name into the configuration",
        ),
        no_map("no space", "access", NO_NAME),
        no_map("a tab", "access\tknown@example.com", NO_NAME),
        no_map("a sender of others", "return-path ceo@elsewhere.example", NOTHING),
    ]
}

/// Recipients of a domain on the list: what Postfix hands on of them stands in the log, in one line.
fn refused() -> Vec<Said> {
    let reply = "OK 550 5.7.1 Recipient is on the suppression list (whole domain, added on ";
    let refused = |name, key: &str| said(name, netstring(&format!("access {key}@listed.example")), reply, REFUSED);
    let pass = |name, key: &str| said(name, netstring(&format!("access {key}@listed.example")), NOTHING, "");
    vec![
        refused("an address", "bob"),
        refused("quoted", "\"bob smith\""),
        refused("our own words", "bob>,action=suppressed,event=1"),
        refused("a forged line in quotes", "\"x suppressd: refused: to=<eve@example.com>, map=access\""),
        refused("no ASCII", "bjørn"),
        pass("a line break", "x\r\nsuppressd: refused: to=<eve"),
        pass("an escape sequence", "\u{1b}[2J"),
        pass("an escape sequence of one character", "\u{9b}2J"),
        pass("a NUL", "\"a\0b\""),
    ]
}

fn tcp_table() -> Vec<Said> {
    let closed = |name, bytes: &str, reply| said(name, bytes, reply, "tcp-table: connection closed: 400 ");
    let reply = |name, bytes: &str, reply| said(name, bytes, reply, "");
    vec![
        closed("no command", "known@example.com\n", "400 write%20get,%20a%20space%20and%20a%20key\n"),
        closed("capitals", "GET known@example.com\n", "400 write%20get,%20a%20space%20and%20a%20key\n"),
        closed("an empty line", "\n", "400 write%20get,%20a%20space%20and%20a%20key\n"),
        closed("NULs", "\0\0\0\n", "400 write%20get,%20a%20space%20and%20a%20key\n"),
        closed("half an escape", "get a%4\n", "400 a%20%25%20needs%20two%20hexadecimal%20digits\n"),
        closed("no escape", "get a%zz\n", "400 a%20%25%20needs%20two%20hexadecimal%20digits\n"),
        closed("ten megabytes", &format!("get {}", "x".repeat(10 << 20)), "400 request%20over%20the%20limit\n"),
        reply("written to", "put known@example.com x\n", "500 this%20table%20can't%20be%20written\n"),
        reply("a NUL", "get known@example.com%00\n", "500 not%20on%20the%20list\n"),
        reply("a line break", "get alive@example.com%0a%0d200%20x\n", "500 not%20on%20the%20list\n"),
        reply("no UTF-8", "get %ff%fe@example.com\n", "500 not%20on%20the%20list\n"),
        reply("cut off", "get known@example.com", ""),
        said("an address", "get known%40example.com\n", "200 550%205.1.1%20Recipient", REFUSED),
    ]
}

fn policy() -> Vec<Said> {
    let request = |lines: &str| format!("request=smtpd_access_policy\n{lines}\n\n");
    let closed = |name, bytes: &str| said(name, bytes, "", "policy: connection closed: ");
    let pass = |name, lines: &str| said(name, request(lines), "action=DUNNO\n\n", "");
    let refused = |name, lines: &str| said(name, request(lines), "action=550 5.1.1 Recipient", REFUSED);
    vec![
        closed("nothing", "\n"),
        closed("no request", "recipient=known@example.com\n\n"),
        closed("another request", "request=junk\nrecipient=known@example.com\n\n"),
        closed("a line without value", &request("recipient")),
        closed("ten megabytes", &"x=".repeat(5 << 20)),
        closed("ten megabytes of lines", &"x=y\n".repeat(3 << 20)),
        pass("no recipient", "sender=known@example.com"),
        pass("the name in capitals", "Recipient=known@example.com"),
        pass("a NUL", "recipient=known@example.com\0"),
        pass("a carriage return", "recipient=known@example.com\r"),
        pass("the first recipient counts", "recipient=alive@example.com\nrecipient=known@example.com"),
        refused("whatever comes second", "recipient=known@example.com\nrecipient=alive@example.com"),
        refused("a client for the log", "client_address=192.0.2.1]\u{1b}[2J, to=<x>\nrecipient=known@example.com"),
        refused("a sender for the log", "sender=x\u{1b}[2J\u{202e}\nsasl_username=\u{1b}\nrecipient=known@example.com"),
    ]
}

/// Everything that comes back until the end.
fn exchange(mut stream: impl Read + Write, end: impl FnOnce(), bytes: &[u8]) -> String {
    // Who is refused may be cut off while he still writes.
    let _ = stream.write_all(bytes);
    end();
    let mut replies = Vec::new();
    if let Err(error) = stream.read_to_end(&mut replies) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8(replies).unwrap()
}

fn unix(world: &World, socket: &str, bytes: &[u8]) -> String {
    let stream = UnixStream::connect(world.home.path(socket)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let half = stream.try_clone().unwrap();
    exchange(stream, move || drop(half.shutdown(Shutdown::Write)), bytes)
}

fn try_all(watch: &mut Watch, all: Vec<Said>, ask: impl Fn(&World, &[u8]) -> String) {
    for Said { name, bytes, reply, says } in all {
        let act = |world: &World| {
            let got = ask(world, &bytes);
            let expected = if says == REFUSED { got.starts_with(reply) } else { got == reply };
            assert!(expected && !got.trim_end_matches('\n').contains(char::is_control), "{name}: {got:?}");
        };
        if says.is_empty() { watch.in_silence(name, act) } else { watch.attempt(name, says, act) }
    }
}

#[test]
fn whatever_is_said_to_the_lookup_sockets_nobody_gets_another_answer() {
    let tcp = free_address();
    let mut watch = Watch::start(&[("lookup.tcp-table", &format!("[{{ listen = \"{tcp}\", map = \"access\" }}]"))]);
    watch.world.home.ok(&["add", "@listed.example"]);
    for said in [framing(), keys(), refused()] {
        try_all(&mut watch, said, |world, bytes| content(&unix(world, "lookup.sock", bytes)).to_owned());
    }
    try_all(&mut watch, policy(), |world, bytes| unix(world, "policy.sock", bytes));
    try_all(&mut watch, tcp_table(), |_, bytes| {
        let stream = TcpStream::connect(tcp).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let half = stream.try_clone().unwrap();
        exchange(stream, move || drop(half.shutdown(Shutdown::Write)), bytes)
    });
}

#[test]
fn a_flood_of_what_is_no_request_is_a_few_lines() {
    let watch = Watch::start(&[]);
    for _ in 0..200 {
        assert_eq!(unix(&watch.world, "lookup.sock", b"00:,"), "");
    }
    let log = watch.world.log();
    assert_eq!(log.matches(CLOSED).count(), PER_WINDOW as usize, "{log}");
}
