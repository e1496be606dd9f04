//! What an operator hands us: configurations, and lists of other tools.

use jiff::Timestamp;
use suppressd::config::{self, Config};
use suppressd::event::{Kind, timestamp_text};
use suppressd::exchange::{CSV_HEADER, Exported, FORMATS, Format, Taken, Wishes, csv_line, is_stream, read};
use suppressd::store::{ImportedEntry, Key, Suppression};

/// A configuration is taken, and shows itself as one that means the same; or each error is a line with its number.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Config::parse(&text, "file") {
        Ok(config) => {
            let shown = config::show(&text);
            assert_eq!(Config::parse(&shown, "file").as_ref(), Ok(&config), "{shown}");
        }
        Err(error) => {
            let lines = text.matches('\n').count() + 1;
            for error in error.to_string().lines() {
                let (number, what) = error.strip_prefix("file:").and_then(|rest| rest.split_once(": ")).expect(error);
                assert!((1..=lines).contains(&number.parse().unwrap()), "{error:?} of {lines}");
                assert!(!what.is_empty() && !what.contains(char::is_control), "{error:?}");
            }
        }
    }
}

/// A list in the form that the first byte chooses, or that is told from its content. What is taken can be exported and
/// imported again, and is the same then.
pub fn import(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else { return };
    let format = FORMATS.get(usize::from(choice % 32));
    let wishes = Wishes { soft: choice & 32 != 0, stream: None };
    let mut last = 0;
    let told = read(file, format, &wishes, &mut |line, reading| {
        assert!(line >= last && line as usize <= file.len() + 1, "line {line}");
        last = line;
        match reading {
            Ok(Taken::Entry(entry)) => check(&entry),
            Ok(Taken::Skipped(_)) => {}
            Err(why) => assert!(!why.is_empty() && !why.contains(char::is_control), "{why:?}"),
        }
        true
    });
    if let Err(suppressd::exchange::ReadError::Unsure(why)) = told {
        assert!(format.is_none() && !why.contains(char::is_control), "{why:?}");
    }
}

fn check(entry: &ImportedEntry) {
    let key = entry.key.as_str();
    assert_eq!(Key::parse(key).as_ref().map(Key::as_str), Ok(key));
    assert!(is_stream(&entry.stream));
    let kinds = [Kind::HardBounce, Kind::SoftBounce, Kind::Complaint, Kind::Unsubscribe, Kind::Added];
    assert!(kinds.contains(&entry.kind), "{entry:?}");
    let texts = [Some(&entry.reported), Some(&entry.reason), entry.note.as_ref(), entry.diagnostic.as_ref()];
    assert!(texts.into_iter().flatten().all(|text| !text.contains(char::is_control)), "{entry:?}");
    let listed = Suppression {
        address: key.to_owned(),
        stream: entry.stream.clone(),
        kind: entry.kind.as_str().to_owned(),
        reason: entry.reason.clone(),
        status: entry.status.map(|status| status.to_string()),
        since: timestamp_text(entry.since.unwrap_or(Timestamp::UNIX_EPOCH)),
        until: entry.until.map(timestamp_text),
        source: "import".to_owned(),
        event: None,
        note: entry.note.clone(),
    };
    let csv = format!("{CSV_HEADER}\n{}\n", csv_line(&entry.stream, &listed));
    let json = serde_json::to_string(&Exported::new(&entry.stream, &listed)).unwrap();
    for exported in [csv, json] {
        let again = import_own(&exported);
        assert_eq!(again, listed, "{exported}");
    }
}

fn import_own(text: &str) -> Suppression {
    let mut taken = Vec::new();
    let wishes = Wishes { soft: true, stream: None };
    let format = Format::named("suppressd");
    read(text.as_bytes(), format, &wishes, &mut |_, reading| {
        taken.push(reading);
        true
    })
    .unwrap();
    let Some(Ok(Taken::Entry(entry))) = taken.pop() else { panic!("{taken:?} of {text}") };
    assert!(taken.is_empty(), "{text}");
    Suppression {
        address: entry.key.as_str().to_owned(),
        stream: entry.stream,
        kind: entry.kind.as_str().to_owned(),
        reason: entry.reason,
        status: entry.status.map(|status| status.to_string()),
        since: timestamp_text(entry.since.unwrap()),
        until: entry.until.map(timestamp_text),
        source: "import".to_owned(),
        event: None,
        note: entry.note,
    }
}
