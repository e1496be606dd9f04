//! A DNS server on loopback that knows a few TXT records, counts what it is asked, and can be silent.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What it does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Answers.
    Well,
    /// Says SERVFAIL.
    Broken,
    /// Says nothing.
    Silent,
}

pub struct Dns {
    pub at: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Dns {
    /// Serves these names and texts until the test ends.
    pub fn start(mood: Mood, records: &[(&str, &str)]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (at, asked) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let records: HashMap<_, _> =
            records.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, client)) = socket.recv_from(&mut buffer) {
                count.fetch_add(1, Ordering::SeqCst);
                if mood != Mood::Silent {
                    socket.send_to(&reply(&buffer[..length], mood, &records), client).unwrap();
                }
            }
        });
        Self { at, asked }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// RFC 1035 §4.1: the question is sent back, with one TXT record or none.
fn reply(question: &[u8], mood: Mood, records: &HashMap<String, String>) -> Vec<u8> {
    let (name, end) = name(question);
    let record = records.get(&name).filter(|_| mood == Mood::Well);
    let code = match (mood, record) {
        (Mood::Well, Some(_)) => 0,
        (Mood::Well, None) => 3,
        _ => 2,
    };
    let mut reply = question[..2].to_vec();
    reply.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(record.is_some()), 0, 0, 0, 0]);
    reply.extend(&question[12..end + 4]);
    if let Some(text) = record {
        let strings: Vec<u8> = text.as_bytes().chunks(200).flat_map(|c| [&[c.len() as u8], c].concat()).collect();
        reply.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        reply.extend((strings.len() as u16).to_be_bytes());
        reply.extend(strings);
    }
    reply
}

/// The name that is asked for, in lower case, and where it ends.
fn name(question: &[u8]) -> (String, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]).to_lowercase());
        at += length + 1;
    }
    (labels.join("."), at + 1)
}
