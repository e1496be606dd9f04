//! Lines of text: comments and empty ones left out, continued ones joined.

use std::io::{self, BufRead, BufReader, Read};

use super::MAX_RECORD;

/// Calls `each` with the number and text of every line until it returns false.
pub(super) fn read(
    input: impl Read,
    continued: bool,
    each: &mut dyn FnMut(u64, Result<&str, String>) -> bool,
) -> io::Result<()> {
    let mut lines = Lines::new(input);
    let mut held: Option<(u64, String)> = None;
    while let Some((number, line)) = lines.next()? {
        let text = match line {
            Ok(text) if text.trim().is_empty() || text.trim_start().starts_with('#') => continue,
            Ok(text) => text,
            Err(what) => {
                let before = held.take().is_none_or(|(number, text)| each(number, Ok(&text)));
                if !before || !each(number, Err(what)) {
                    return Ok(());
                }
                continue;
            }
        };
        if let (true, true, Some((_, held))) = (continued, text.starts_with([' ', '\t']), held.as_mut()) {
            held.push(' ');
            held.push_str(text.trim());
            continue;
        }
        if let Some((number, text)) = held.replace((number, text.trim().to_owned()))
            && !each(number, Ok(&text))
        {
            return Ok(());
        }
    }
    if let Some((number, text)) = held {
        each(number, Ok(&text));
    }
    Ok(())
}

/// Lines with their numbers, none longer than [`MAX_RECORD`].
pub(super) struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), buffer: Vec::new(), number: 0 }
    }

    /// The next line without its end, or what is wrong with it.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<&str, String>)>> {
        self.buffer.clear();
        self.number += 1;
        let limit = MAX_RECORD as u64;
        if self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        if self.buffer.len() >= MAX_RECORD && self.buffer.last() != Some(&b'\n') {
            self.input.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(format!("is longer than {MAX_RECORD} bytes")))));
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|_| "is not UTF-8".to_owned());
        Ok(Some((self.number, text.map(|text| text.trim_end_matches(['\r', '\n'])))))
    }
}
