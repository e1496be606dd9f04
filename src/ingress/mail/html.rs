//! The words of a report in HTML: a line for each block and row, a space between cells.
//!
//! `mail_parser` breaks lines at `<br>` and `</p>` only, so that `<td>bob@example.com</td><td>550` would be one word. Linear
//! time; nothing fails.

use std::borrow::Cow;

use mail_parser::decoders::html::html_to_text;

/// The words.
#[must_use]
pub fn words(html: &str) -> String {
    html_to_text(&with_breaks(html))
}

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "div",
    "tr",
    "li",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "pre",
    "blockquote",
    "hr",
    "center",
];
/// Elements that stand beside each other on a line.
const CELLS: &[&str] = &["td", "th"];

/// A space that [`html_to_text`] does not lose between a line's first word and the next, if a tag ends there.
const SPACE: &str = "&#32;";

/// HTML with a `<br>` at the ends of all blocks and, in `<pre>`, of all lines, which is what ends a line of its text.
fn with_breaks(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let (mut is_fresh, mut is_verbatim) = (true, false);
    for (n, piece) in html.split('<').enumerate() {
        let (tag, text) = if n == 0 { ("", piece) } else { piece.split_once('>').unwrap_or((piece, "")) };
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let is_any = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        let is_block = is_any(BLOCKS) || is_any(&["p"]) && !tag.starts_with('/');
        if is_block && !is_fresh {
            out.push_str("<br>");
            is_fresh = true;
        }
        is_verbatim = if name.eq_ignore_ascii_case("pre") { !tag.starts_with('/') } else { is_verbatim };
        let is_cell = is_any(CELLS) && !tag.starts_with('/');
        let is_apart = is_cell || n > 0 && text.starts_with(char::is_whitespace) && !text.trim().is_empty();
        if n > 0 {
            out.push('<');
            out.push_str(piece.get(..piece.len() - text.len()).unwrap_or_default());
        }
        is_fresh |= is_any(&["br", "p"]);
        let text = if (is_apart || is_fresh) && !is_verbatim { text.trim_start() } else { text };
        out.push_str(if is_apart && !is_fresh { SPACE } else { "" });
        is_fresh &= text.trim().is_empty();
        out.push_str(&if is_verbatim { Cow::Owned(text.replace('\n', "<br>")) } else { Cow::Borrowed(text) });
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_block_of_html_is_a_line_and_each_cell_a_word() {
        for (html, words) in [
            (
                "<div>bob@example.com</div><div><b>The</b> address is unknown</div>",
                "bob@example.com\nThe address is unknown",
            ),
            ("Hi<ul><li>bob@example.com</li></ul>", "Hi\nbob@example.com"),
            (
                "<table><TR><td>Recipient</td><td>bob@example.com</td></tr><tr><td>no</td></tr></table>",
                "Recipient bob@example.com\nno",
            ),
            (
                "<tr><th>Recipient</th><th>Error</th></tr><tr><td>bob@example.com</td><td>550 <b>5.1.1</b></td></tr>x",
                "Recipient Error\nbob@example.com 550 5.1.1\nx",
            ),
            ("<pre>&lt;bob@example.com&gt;:\n550 no</pre>", "<bob@example.com>:\n550 no"),
            ("a <i>b</i> c<br>d > e", "a b c\nd > e"),
            ("<p>one</p><div>two</div>", "one\ntwo"),
            ("<div>one</div>\n <div>two</div>\n three<br>\n  four", "one\ntwo\nthree\nfour"),
            ("Hi<p><a href=x>bob@example.com</a> is unknown</p>", "Hi\nbob@example.com is unknown"),
        ] {
            assert_eq!(super::words(html).trim(), words, "{html}");
        }
    }
}
