//! Where the YAML 1.2 parser would read something else than kubectl's YAML 1.1 reader, without a word: refused.
//!
//! Found by comparing both on generated files. What only one of them accepts is not listed here.

use granit_parser::{Event, ScalarStyle, Span};

use super::error::{Cause, Position};
use super::style;

/// The Go reader takes printable characters only, and begins a line at three that YAML 1.2 takes for text.
pub(super) fn forbidden_character(text: &str) -> Option<(Position, Cause)> {
    let cause = |character| match character {
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some(Cause::LineBreak(character)),
        character if style::is_printable(character) || character == '\r' => None,
        character => Some(Cause::Forbidden(character)),
    };
    let (offset, cause) = text.char_indices().find_map(|(offset, found)| Some((offset, cause(found)?)))?;
    Some((Position::end_of(text.get(..offset)?), cause))
}

/// Looks at an event with its place in `text`; `in_flow` says that it stands in brackets.
pub(super) fn check(event: &Event<'_>, span: Span, in_flow: bool, text: &str) -> Result<(), Cause> {
    let behind = |span: Span| text.get(span.end.byte_offset()?..);
    match event {
        // Elsewhere a name ends at any other character, and the rest becomes the value.
        Event::Anchor(_, name) if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) => {
            return Err(Cause::Dialect("only letters, digits, `-` and `_` may be in the name of an anchor"));
        }
        // Plain text in brackets ends at a question mark there, and an indicator `?` needs no space.
        Event::Scalar(value, ScalarStyle::Plain, ..) if in_flow && value.contains('?') => {
            return Err(Cause::Dialect("text with a `?` needs quotes inside brackets"));
        }
        // `{a:}` has the key `a:` there.
        Event::Scalar(value, ScalarStyle::Plain, ..)
            if in_flow
                && !value.is_empty()
                && behind(span)
                    .and_then(|rest| rest.strip_prefix(':'))
                    .is_some_and(|rest| rest.starts_with([',', '[', ']', '{', '}'])) =>
        {
            return Err(Cause::Dialect("the colon after this key needs a space behind it"));
        }
        _ => {}
    }
    // A comma belongs to the tag there.
    if span.tag_span().and_then(behind).is_some_and(|rest| rest.starts_with([',', '[', ']', '{', '}'])) {
        return Err(Cause::Dialect("a tag needs a space behind it"));
    }
    Ok(())
}
