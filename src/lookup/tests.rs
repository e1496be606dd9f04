use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::store::{Change, Key, Store};

const WAIT: Duration = Duration::from_millis(50);

struct Bench {
    _dir: tempfile::TempDir,
    path: PathBuf,
    store: Store,
    readers: Arc<Readers>,
    lookup: Lookup,
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A list with bob, a quoted user, jörg, and a whole domain.
fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("suppressd.db");
    let mut store = Store::open(&path, WAIT).unwrap();
    for key in ["bob@example.com", "\"quoted user\"@example.com", "jörg@bücher.example", "@gone.example"] {
        store.add(&Key::parse(key).unwrap(), &Change::default(), now()).unwrap();
    }
    let readers = Arc::new(Readers::open(path.clone(), WAIT).unwrap());
    let lookup = Lookup::new(Arc::clone(&readers), Settings::default());
    Bench { _dir: dir, path, store, readers, lookup }
}

impl Bench {
    /// The replies to all of `input`, and how it ended.
    fn replies(&self, protocol: Protocol, input: &[u8]) -> (String, Step) {
        let (mut output, mut done) = (Vec::new(), 0);
        loop {
            match protocol.step(&input[done..], &self.lookup, now(), &mut output) {
                Step::Answered(length) => done += length,
                end => return (String::from_utf8(output).unwrap(), end),
            }
        }
    }

    fn socketmap(&self, request: &str) -> String {
        let (reply, end) = self.replies(Protocol::Socketmap, format!("{}:{request},", request.len()).as_bytes());
        assert_eq!(end, Step::Incomplete, "nothing is left");
        let (length, rest) = reply.split_once(':').unwrap();
        let content = rest.strip_suffix(',').unwrap();
        assert_eq!(length.parse(), Ok(content.len()));
        content.to_owned()
    }

    fn tcp(&self, map: Map, line: &str) -> String {
        self.replies(Protocol::TcpTable(map.into()), line.as_bytes()).0
    }

    fn policy(&self, attributes: &str) -> String {
        self.replies(Protocol::Policy, format!("request=smtpd_access_policy\n{attributes}\n").as_bytes()).0
    }

    /// Makes every further lookup fail.
    fn corrupt(&self) {
        for file in ["suppressd.db", "suppressd.db-wal"] {
            let file = self.path.with_file_name(file);
            let length = std::fs::metadata(&file).map_or(0, |m| m.len());
            std::fs::write(&file, vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
        }
        // Nothing is left of what was known before.
        self.readers.renew();
    }
}

const ADDED: &str = "5.7.1 Recipient is on the suppression list (added on 2026-11-21)";
const DOMAIN: &str = "5.7.1 Recipient is on the suppression list (whole domain, added on 2026-11-21)";

#[test]
fn socketmap_answers_each_key_of_postfix() {
    let bench = bench();
    let added = format!("OK 550 {ADDED}");
    let domain = format!("OK 550 {DOMAIN}");
    for (request, reply) in [
        ("access bob@example.com", added.as_str()),
        ("access BOB@Example.COM", &added),
        ("access bob@example.com.", &added),
        ("access \"quoted user\"@example.com", &added),
        ("access quoted user@example.com", &added),
        ("access jörg@bücher.example", &added),
        ("access JÖRG@Bücher.Example", &added),
        ("access jörg@xn--bcher-kva.example", &added),
        ("access anybody@gone.example", &domain),
        ("transport bob@example.com", &format!("OK error:{ADDED}")),
        ("access alice@example.com", "NOTFOUND "),
        ("access bob+tag@example.com", "NOTFOUND "),
        ("access bob@sub.gone.example", "NOTFOUND "),
        ("transport alice@example.com", "NOTFOUND "),
        ("transport *", "NOTFOUND "),
        ("access *", "NOTFOUND "),
        ("access bob", "NOTFOUND "),
        ("access @gone.example", "NOTFOUND "),
        ("access ", "NOTFOUND "),
        ("access  bob@example.com\0", "NOTFOUND "),
        ("access bob@exa mple.com", "NOTFOUND "),
        ("access", "PERM write a map name, a space and a key"),
        ("", "PERM write a map name, a space and a key"),
        ("virtual bob@example.com", "PERM unknown map \"virtual\"; there are access, transport and return-path"),
        ("Access bob@example.com", "PERM unknown map \"Access\"; there are access, transport and return-path"),
        ("a\r\nb\0 bob@example.com", "PERM unknown map \"a b?\"; there are access, transport and return-path"),
        (" bob@example.com", "PERM unknown map \"\"; there are access, transport and return-path"),
    ] {
        assert_eq!(bench.socketmap(request), reply, "{request:?}");
    }
}

#[test]
fn socketmap_keys_that_are_no_text_are_not_found() {
    let (reply, _) = bench().replies(Protocol::Socketmap, b"12:access \xff@b.c,8:acc\xff a@b,");
    assert_eq!(reply, "9:NOTFOUND ,70:PERM unknown map \"acc\u{fffd}\"; there are access, transport and return-path,");
}

#[test]
fn keys_at_the_limit_are_answered_and_longer_requests_violate() {
    let bench = bench();
    let key = |length: usize| format!("access {}@example.com", "a".repeat(length - "@example.com".len()));
    assert_eq!(bench.socketmap(&key(MAX_KEY)), "NOTFOUND ");
    assert_eq!(bench.socketmap(&key(MAX_KEY + 50)), "NOTFOUND ", "a longer key in a request that still fits");
    let (reply, end) = bench.replies(Protocol::Socketmap, b"10000000:access aaaa");
    assert_eq!((reply.as_str(), end), ("", Step::Violation("length over the limit")));
}

#[test]
fn pipelined_requests_are_answered_in_order_up_to_a_violation() {
    let bench = bench();
    let input = b"22:access bob@example.com,24:access alice@example.com,11:transport *,01:x,22:access bob@example.com,";
    let (reply, end) = bench.replies(Protocol::Socketmap, input);
    assert_eq!(reply, format!("{}:OK 550 {ADDED},9:NOTFOUND ,9:NOTFOUND ,", ADDED.len() + 7));
    assert_eq!(end, Step::Violation("length with a leading zero"));
}

#[test]
fn tcp_table_answers_each_key_of_postfix() {
    let bench = bench();
    let text = ADDED.replace(' ', "%20");
    for (line, reply) in [
        ("get bob@example.com\n", format!("200 550%20{text}\n")),
        ("get BOB@example.com\r\n", format!("200 550%20{text}\n")),
        ("get %22quoted%20user%22@example.com\n", format!("200 550%20{text}\n")),
        ("get quoted%20user@example.com\n", format!("200 550%20{text}\n")),
        ("get j%c3%b6rg@b%C3%BCcher.example\n", format!("200 550%20{text}\n")),
        ("get alice@example.com\n", "500 not%20on%20the%20list\n".into()),
        ("get *\n", "500 not%20on%20the%20list\n".into()),
        ("get %ff@example.com\n", "500 not%20on%20the%20list\n".into()),
        ("get %00bob@example.com\n", "500 not%20on%20the%20list\n".into()),
        ("get \n", "500 not%20on%20the%20list\n".into()),
        ("put bob@example.com OK\n", "500 this%20table%20can't%20be%20written\n".into()),
        ("get\n", "400 write%20get,%20a%20space%20and%20a%20key\n".into()),
        ("GET / HTTP/1.1\n", "400 write%20get,%20a%20space%20and%20a%20key\n".into()),
        ("get 100%@example.com\n", "400 a%20%%20needs%20two%20hexadecimal%20digits\n".replace("%%20", "%25%20")),
    ] {
        assert_eq!(bench.tcp(Map::Access, line), reply, "{line:?}");
    }
    assert_eq!(bench.tcp(Map::Transport, "get bob@example.com\n"), format!("200 error:{text}\n"));
    let endless = vec![b'a'; tcp_table::MAX_REQUEST + 1];
    let (reply, end) = bench.replies(Protocol::TcpTable(Map::Access.into()), &endless);
    assert_eq!(
        (reply.as_str(), end),
        ("400 request%20over%20the%20limit\n", Step::Violation("400 request over the limit"))
    );
}

#[test]
fn policy_service_answers_each_recipient_of_postfix() {
    let bench = bench();
    let refused = format!("action=550 {ADDED}\n\n");
    for (attributes, reply) in [
        ("protocol_state=RCPT\nrecipient=bob@example.com\nsender=\n", refused.as_str()),
        ("recipient=Bob@Example.com\nclient_address=192.0.2.1\n", &refused),
        ("recipient=quoted user@example.com\nhelo_name=\u{202e}\n", &refused),
        ("recipient=bob@example.com\nrecipient=alice@example.com\n", &refused),
        ("ccert_subject=a=b\nrecipient=jörg@bücher.example\n", &refused),
        ("recipient=alice@example.com\n", "action=DUNNO\n\n"),
        ("recipient=alice\n", "action=DUNNO\n\n"),
        ("recipient=\n", "action=DUNNO\n\n"),
        ("protocol_state=DATA\n", "action=DUNNO\n\n"),
    ] {
        assert_eq!(bench.policy(attributes), reply, "{attributes:?}");
    }
}

#[test]
fn policy_requests_that_are_none_violate() {
    let bench = bench();
    for (input, why) in [
        (&b"\n"[..], "no request attribute"),
        (b"recipient=bob@example.com\n\n", "no request attribute"),
        (b"request=other\n\n", "not a request for an access policy"),
        (b"request=smtpd_access_policy\nrubbish\n\n", "a line without ="),
        (&[b'a'; policy_service::MAX_REQUEST + 1], "request over the limit"),
    ] {
        assert_eq!(bench.replies(Protocol::Policy, input), (String::new(), Step::Violation(why)));
    }
    assert_eq!(bench.replies(Protocol::Policy, b"request=smtpd_access_policy\nrecip").1, Step::Incomplete);
    let (reply, _) = bench.replies(Protocol::Policy, b"request=smtpd_access_policy\nrecipient=\xff@b.example\n\n");
    assert_eq!(reply, "action=DUNNO\n\n");
}

#[test]
fn warn_mode_lets_mail_pass_and_counts_nothing() {
    let bench = bench();
    bench.lookup.set(Settings { mode: Mode::Warn, ..Settings::default() });
    assert_eq!(bench.socketmap("access bob@example.com"), format!("OK WARN would refuse: {ADDED}"));
    assert_eq!(bench.socketmap("transport bob@example.com"), "NOTFOUND ");
    assert_eq!(bench.policy("recipient=bob@example.com\n"), format!("action=WARN would refuse: {ADDED}\n\n"));
    assert_eq!(bench.lookup.take_refusals(), []);
}

#[test]
fn trouble_is_never_reported_as_not_found_unless_the_operator_says_so() {
    let bench = bench();
    bench.corrupt();
    let request = "access alice@example.com";
    assert_eq!(bench.socketmap(request), "TEMP the suppression list can't be read now");
    let trouble = "400 the%20suppression%20list%20can't%20be%20read%20now\n";
    assert_eq!(bench.tcp(Map::Access, "get alice@example.com\n"), trouble);
    let deferred = "action=DEFER_IF_PERMIT 4.3.5 The suppression list can't be read now\n\n";
    assert_eq!(bench.policy("recipient=alice@example.com\n"), deferred);
    bench.lookup.set(Settings { on_error: OnError::Accept, ..Settings::default() });
    assert_eq!(bench.socketmap(request), "NOTFOUND ");
    assert_eq!(bench.tcp(Map::Access, "get alice@example.com\n"), "500 not%20on%20the%20list\n");
    assert_eq!(bench.policy("recipient=alice@example.com\n"), "action=DUNNO\n\n");
}

#[test]
fn a_writer_that_holds_the_database_slows_no_lookup() {
    let bench = bench();
    let other = rusqlite::Connection::open(&bench.path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; DELETE FROM suppression").unwrap();
    assert_eq!(bench.socketmap("access bob@example.com"), format!("OK 550 {ADDED}"));
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(bench.socketmap("access bob@example.com"), "NOTFOUND ");
}

#[test]
fn hand_written_rows_count_at_once_and_cannot_shape_the_reply() {
    let mut bench = bench();
    bench.store.remove(&Key::parse("bob@example.com").unwrap(), &Change::default(), now()).unwrap();
    assert_eq!(bench.socketmap("access bob@example.com"), "NOTFOUND ");
    let by_hand = rusqlite::Connection::open(&bench.path).unwrap();
    let sql = "PRAGMA ignore_check_constraints = on; INSERT INTO suppression (address, kind, reason, status, since) \
               VALUES ('Bob@Example.com', char(10) || 'DUNNO', 'x', '2.0.0 OK' || char(13, 10), 'never')";
    by_hand.execute_batch(sql).unwrap();
    let text = "5.7.1 Recipient is on the suppression list (added)";
    assert_eq!(bench.socketmap("access bob@example.com"), format!("OK 550 {text}"));
}

#[test]
fn refusals_are_counted_by_recipient_and_handed_over_once() {
    let bench = bench();
    for key in ["bob@example.com", "BOB@example.com", "x@gone.example", "alice@example.com"] {
        let _ = bench.socketmap(&format!("access {key}"));
    }
    let mut refusals = bench.lookup.take_refusals();
    refusals.sort();
    assert_eq!(refusals, [("bob@example.com".to_owned(), 2), ("x@gone.example".to_owned(), 1)]);
    assert_eq!(bench.lookup.take_refusals(), []);
}

/// A thread of lookups that rests just then had taken them, and not counted them yet.
#[test]
fn whoever_takes_the_counts_misses_no_refusal_that_was_answered() {
    let bench = bench();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                bench.lookup.rest();
            }
        });
        let missed = (0..5000).filter(|_| {
            let _ = bench.socketmap("access bob@example.com");
            bench.lookup.take_refusals() != [("bob@example.com".to_owned(), 1)]
        });
        let missed = missed.count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(missed, 0);
    });
}

#[test]
fn the_return_path_map_signs_own_senders_and_never_twice() {
    let bench = bench();
    assert_eq!(bench.socketmap("return-path bounces@example.org"), "NOTFOUND ", "without keys");
    let keys = crate::return_path::Keys::parse("k1 0123456789abcdef").unwrap();
    bench.lookup.set_signer(Some(Signer::new(keys, vec!["example.org".into()])));
    let reply = bench.socketmap("return-path bounces+42@example.org");
    let signed = reply.strip_prefix("OK bounces+k1--").expect(&reply);
    assert!(signed.ends_with("=42@example.org"), "{signed}");
    let signed = format!("return-path bounces+k1--{signed}");
    for other in [&*signed, "return-path ", "return-path <>", "return-path bob@example.com"] {
        assert_eq!(bench.socketmap(other), "NOTFOUND ", "{other}");
    }
}

#[test]
fn counts_are_bounded_and_known_recipients_still_count() {
    let bench = bench();
    let address = |i: usize| Address::parse(&format!("user{i}@gone.example")).unwrap();
    let count = |i| bench.lookup.keep_refusals(&[(address(i).to_string(), 1)]);
    (0..MAX_COUNTED + 10).for_each(count);
    count(0);
    let refusals = bench.lookup.take_refusals();
    assert_eq!(refusals.len(), MAX_COUNTED);
    assert!(refusals.contains(&("user0@gone.example".to_owned(), 2)));
}

#[test]
fn lasting_trouble_is_logged_once_a_minute() {
    let bench = bench();
    let after = |seconds: i64| bench.lookup.trouble_is_news(now() + SignedDuration::from_secs(seconds));
    assert_eq!([0, 1, 59, 60, 61, 119, 120].map(after), [true, false, false, true, false, false, true]);
    assert!(after(-3600), "the clock was set back");
}

/// Noise that looks like the protocols, the same in every run.
fn noise(seed: u64) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"22:access bob@example.com,",
        b"11:transport *,",
        b"get bob@example.com\n",
        b"get %",
        b"put ",
        b"0:,",
        b"9:access ,",
        b"request=smtpd_access_policy\n",
        b"recipient=bob@example.com\n",
        b"\n",
        b"\n\n",
        b"=",
        b":",
        b",",
        b"7",
        b"\0",
        b"\xff",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..next() % 12).flat_map(|_| WORDS[next() % WORDS.len()].iter().copied()).collect()
}

#[test]
fn however_input_is_cut_into_reads_the_replies_are_the_same() {
    let bench = bench();
    for protocol in [Protocol::Socketmap, Protocol::TcpTable(Map::Access.into()), Protocol::Policy] {
        for seed in 0..500 {
            let input = noise(seed);
            let (whole, end) = bench.replies(protocol.clone(), &input);
            let (mut output, mut done, mut last) = (Vec::new(), 0, Step::Incomplete);
            for read in 0..=input.len() {
                while !matches!(last, Step::Violation(_)) {
                    last = protocol.step(&input[done..read], &bench.lookup, now(), &mut output);
                    let Step::Answered(length) = last else { break };
                    done += length;
                }
            }
            assert_eq!((String::from_utf8(output).unwrap(), last), (whole, end), "{protocol:?} {input:?}");
        }
    }
}

/// Bob complained about marketing; everything else may reach him.
fn with_streams() -> Bench {
    let mut bench = bench();
    let change = Change { stream: "marketing".into(), ..Change::default() };
    bench.store.add(&Key::parse("carol@example.com").unwrap(), &change, now()).unwrap();
    let stream = |name: &str, sender: &str, user: &str| Stream {
        name: name.into(),
        senders: crate::policy::Pattern::parse(sender).into_iter().collect(),
        sasl_users: vec![user.into()],
        ..Stream::default()
    };
    let streams = vec![stream("marketing", "news@example.org", "letters"), stream("shop", "@shop.example.org", "shop")];
    bench.lookup.set(Settings { streams, ..Settings::default() });
    bench
}

#[test]
fn the_name_of_the_map_tells_the_stream_and_an_unknown_one_is_told() {
    let bench = with_streams();
    for (map, found) in
        [("access/marketing", true), ("access/shop", false), ("access", false), ("transport/marketing", true)]
    {
        assert_eq!(bench.socketmap(&format!("{map} carol@example.com")).starts_with("OK "), found, "{map}");
        assert!(bench.socketmap(&format!("{map} bob@example.com")).starts_with("OK "), "{map}: all mail to bob");
    }
    for map in ["access/news", "access/", "transport/Marketing"] {
        let reply = bench.socketmap(&format!("{map} carol@example.com"));
        assert!(reply.starts_with("PERM no such stream: "), "{map}: {reply}");
    }
    let table = Table::parse("access/marketing").unwrap();
    let (reply, _) = bench.replies(Protocol::TcpTable(table), b"get carol@example.com\n");
    assert!(reply.starts_with("200 550"), "{reply}");
    for name in ["access/", "access/A b", "return-path/marketing", "what"] {
        assert_eq!(Table::parse(name), None, "{name}");
    }
}

#[test]
fn the_policy_service_finds_the_stream_by_sender_or_login_name() {
    let bench = with_streams();
    for (attributes, refused) in [
        ("sender=News+k1--x=@example.org", true),
        ("sender=app@example.org\nsasl_username=letters", true),
        ("sender=app@shop.example.org", false),
        ("sender=\nsasl_username=", false),
        ("sender=not an address", false),
    ] {
        let reply = bench.policy(&format!("recipient=carol@example.com\n{attributes}\n"));
        assert_eq!(reply.starts_with("action=550 "), refused, "{attributes}: {reply}");
    }
}
