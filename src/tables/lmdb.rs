//! Writes an LMDB file (version 1 of its format) with one database, as `mdb_load` would: lmdb.h, mdb.c.
//!
//! Every library opens such a file by code that the compiler can't vouch for; a file that is written once, in order of its
//! keys, is two headers and a tree of pages. Numbers are in the order of this machine's bytes, 64 bits wide, as
//! Postfix on the same machine reads them.
//! LIMITS: keys of [`MAX_KEY`] bytes; longer ones, which no recipient has, are left out. Keys and values are in memory
//! until they are written: about 45 bytes an entry.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use super::Out;

/// Bytes of a page.
const PAGE: usize = 4096;
/// Bytes of a page's header.
const HEADER: usize = 16;
/// Bytes of a node before its key.
const NODE: usize = 8;
/// Longest key (`MDB_MAXKEYSIZE`).
const MAX_KEY: usize = 511;
/// Longest value that lies in a page; ours have a tenth of it.
const MAX_VALUE: usize = 1024;
const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x08;
/// `MDB_INTEGERKEY`, which the list of free pages has.
const INTEGER_KEY: u16 = 0x08;
const NO_PAGE: u64 = u64::MAX;

/// Entries on their way into a file.
#[derive(Default)]
pub(super) struct Sorted {
    keys: Vec<u8>,
    entries: Vec<Entry>,
    values: Vec<String>,
    known: HashMap<String, u32>,
}

#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    length: u32,
    /// Many entries have one value.
    value: u32,
}

impl Sorted {
    /// Takes an entry; of two with one key, the first stays.
    pub(super) fn add(&mut self, key: &str, value: &str) -> io::Result<()> {
        if key.is_empty() || key.len() > MAX_KEY || value.len() > MAX_VALUE {
            return Ok(());
        }
        let number = match self.known.get(value) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.values.len()).map_err(io::Error::other)?;
                self.values.push(value.to_owned());
                self.known.insert(value.to_owned(), number);
                number
            }
        };
        let length = u32::try_from(key.len()).map_err(io::Error::other)?;
        self.entries.push(Entry { start: self.keys.len(), length, value: number });
        self.keys.extend_from_slice(key.as_bytes());
        Ok(())
    }

    /// Writes the file.
    pub(super) fn write(mut self, file: &File) -> io::Result<()> {
        let keys = std::mem::take(&mut self.keys);
        let key = |entry: &Entry| keys.get(entry.start..entry.start + entry.length as usize).unwrap_or_default();
        self.entries.sort_by(|a, b| key(a).cmp(key(b)));
        self.entries.dedup_by(|a, b| key(a) == key(b));
        let mut out = Pages::start(file)?;
        let mut level = out.leaves(self.entries.iter().map(|entry| {
            let value = self.values.get(entry.value as usize).map(String::as_bytes).unwrap_or_default();
            (key(entry), value)
        }))?;
        let (leaf_pages, mut depth) = (level.len() as u64, u16::from(!level.is_empty()));
        while level.len() > 1 {
            level = out.branches(&level)?;
            depth += 1;
        }
        let root = level.first().map_or(NO_PAGE, |(_, page)| *page);
        out.finish(&Tree { depth, leaf_pages, entries: self.entries.len() as u64, root })
    }
}

/// The pages of one level of the tree: the first key and the number of each.
type Level = Vec<(Vec<u8>, u64)>;

/// What a header says of the tree.
struct Tree {
    depth: u16,
    leaf_pages: u64,
    entries: u64,
    root: u64,
}

/// Pages of a file, one after the other.
struct Pages<'f> {
    out: Out<'f>,
    /// Number of the next page.
    next: u64,
}

impl<'f> Pages<'f> {
    fn start(file: &'f File) -> io::Result<Self> {
        let mut out = Out::new(file);
        out.write_all(&[0; 2 * PAGE])?;
        Ok(Self { out, next: 2 })
    }

    fn leaves<'a>(&mut self, entries: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> io::Result<Level> {
        let mut level = Level::new();
        let mut page = Page::new(LEAF);
        let mut first = Vec::new();
        for (key, value) in entries {
            let node = node(key, value.len() as u64, value);
            if !page.fits(&node) {
                self.put(std::mem::replace(&mut page, Page::new(LEAF)), std::mem::take(&mut first), &mut level)?;
            }
            if page.nodes.is_empty() {
                first = key.to_vec();
            }
            page.add(node);
        }
        if !page.nodes.is_empty() {
            self.put(page, first, &mut level)?;
        }
        Ok(level)
    }

    /// A branch page has two nodes at least.
    fn branches(&mut self, below: &[(Vec<u8>, u64)]) -> io::Result<Level> {
        let mut level = Level::new();
        let mut rest = below;
        while !rest.is_empty() {
            let mut page = Page::new(BRANCH);
            for (index, (key, number)) in rest.iter().enumerate() {
                // The first key of a branch is never looked at: what is less than the second is below it.
                let node = node(if index == 0 { &[] } else { key }, *number, &[]);
                if !page.fits(&node) || (rest.len() - index == 2 && page.nearly_full()) {
                    break;
                }
                page.add(node);
            }
            let (these, others) = rest.split_at(page.nodes.len());
            let first = these.first().map(|(key, _)| key.clone()).unwrap_or_default();
            self.put(page, first, &mut level)?;
            rest = others;
        }
        Ok(level)
    }

    fn put(&mut self, page: Page, first: Vec<u8>, level: &mut Level) -> io::Result<()> {
        level.push((first, self.next));
        self.out.write_all(&page.bytes(self.next))?;
        self.next += 1;
        Ok(())
    }

    fn finish(mut self, tree: &Tree) -> io::Result<()> {
        let empty = Tree { depth: 0, leaf_pages: 0, entries: 0, root: NO_PAGE };
        let branch_pages = self.next - 2 - tree.leaf_pages;
        self.out.seek(SeekFrom::Start(0))?;
        // The header with the greater transaction counts.
        self.out.write_all(&meta(0, &empty, 0, 1, self.next))?;
        self.out.write_all(&meta(1, tree, branch_pages, self.next - 1, self.next))?;
        self.out.flush()
    }
}

struct Page {
    flags: u16,
    nodes: Vec<Vec<u8>>,
    used: usize,
}

impl Page {
    const fn new(flags: u16) -> Self {
        Self { flags, nodes: Vec::new(), used: HEADER }
    }

    fn fits(&self, node: &[u8]) -> bool {
        self.used + 2 + node.len() <= PAGE
    }

    /// Whether two more of the longest nodes of a branch might not fit.
    const fn nearly_full(&self) -> bool {
        self.used + 2 * (2 + NODE + MAX_KEY + 1) > PAGE
    }

    fn add(&mut self, node: Vec<u8>) {
        self.used += 2 + node.len();
        self.nodes.push(node);
    }

    /// Header, offsets of the nodes in order of their keys, and from the end upwards the nodes.
    fn bytes(&self, number: u64) -> Vec<u8> {
        let lower = HEADER + 2 * self.nodes.len();
        let upper = PAGE - (self.used - lower);
        let mut out = header(number, self.flags, lower, upper);
        let mut offset = PAGE;
        for node in &self.nodes {
            offset -= node.len();
            out.extend(short(offset).to_ne_bytes());
        }
        out.resize(upper, 0);
        self.nodes.iter().rev().for_each(|node| out.extend(node));
        out
    }
}

/// A node: 48 bits for the length of its value or the number of its page, the length of its key, key, value.
fn node(key: &[u8], number: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(NODE + key.len() + value.len() + 1);
    let halves = if cfg!(target_endian = "little") { [0, 16, 32] } else { [16, 0, 32] };
    for shift in halves {
        out.extend(short(usize::try_from((number >> shift) & 0xffff).unwrap_or_default()).to_ne_bytes());
    }
    out.extend(short(key.len()).to_ne_bytes());
    out.extend(key);
    out.extend(value);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

fn header(number: u64, flags: u16, lower: usize, upper: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(PAGE);
    out.extend(number.to_ne_bytes());
    for part in [0, flags, short(lower), short(upper)] {
        out.extend(part.to_ne_bytes());
    }
    out
}

/// One of the two pages that say what the file holds.
fn meta(transaction: u64, tree: &Tree, branch_pages: u64, last_page: u64, pages: u64) -> Vec<u8> {
    let mut out = header(transaction, META, 0, 0);
    out.extend([MAGIC, VERSION].iter().flat_map(|number| number.to_ne_bytes()));
    out.extend([0, pages * PAGE as u64].iter().flat_map(|number: &u64| number.to_ne_bytes()));
    let nothing = Tree { depth: 0, leaf_pages: 0, entries: 0, root: NO_PAGE };
    database(&mut out, u32::try_from(PAGE).unwrap_or_default(), INTEGER_KEY, &nothing, 0);
    database(&mut out, 0, 0, tree, branch_pages);
    out.extend([last_page, transaction].iter().flat_map(|number| number.to_ne_bytes()));
    out.resize(PAGE, 0);
    out
}

/// `MDB_db`.
fn database(out: &mut Vec<u8>, pad: u32, flags: u16, tree: &Tree, branch_pages: u64) {
    out.extend(pad.to_ne_bytes());
    out.extend([flags, tree.depth].iter().flat_map(|number| number.to_ne_bytes()));
    let numbers = [branch_pages, tree.leaf_pages, 0, tree.entries, tree.root];
    out.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
}

/// Everything within a page is below 2^16.
fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
