//! A readable difference between two texts.

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};
use std::io::{self, Write};

/// Lines of context around a change.
const CONTEXT: usize = 2;

/// Writes what changed, line by line, with a little context. Colours pass through `out`, which strips them where nobody
/// would see them.
pub fn write(out: &mut impl Write, before: &str, after: &str) -> io::Result<()> {
    let gone = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let new = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let dim = Style::new().dimmed();
    let diff = TextDiff::from_lines(before, after);
    for (at, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if at > 0 {
            writeln!(out, "{dim}    ⋮{dim:#}")?;
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (mark, style) = match change.tag() {
                ChangeTag::Delete => ('-', gone),
                ChangeTag::Insert => ('+', new),
                ChangeTag::Equal => (' ', dim),
            };
            writeln!(out, "{style}  {mark} {}{style:#}", change.value().trim_end_matches('\n'))?;
        }
    }
    Ok(())
}
