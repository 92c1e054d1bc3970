//! Which style a text needs in YAML so that every reader, of 1.1 or 1.2, takes it for exactly that text.

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// `|` on several lines, with its chomping indicator.
    Literal(&'static str),
}

/// The style of a value.
pub(super) fn of_value(text: &str) -> Style {
    match literal(text) {
        Some(chomping) => Style::Literal(chomping),
        None => of_key(text),
    }
}

/// The style of a key, or of a value that has no room for a block.
///
/// As kubectl does, text that looks like another type is quoted double and text that looks like syntax single.
pub(super) fn of_key(text: &str) -> Style {
    if looks_typed(text) || !text.chars().all(|character| is_printable(character) && !matches!(character, '\n' | '\t'))
    {
        Style::Double
    } else if looks_like_syntax(text) {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Whether the Go reader lets the character stand in a file: all of YAML 1.1's printable ones but line breaks
/// other than `\n`.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The chomping indicator when a literal block gives the text back exactly. White space at the very beginning would
/// need an indentation indicator, which readers of 1.1 and 1.2 do not all count alike.
fn literal(text: &str) -> Option<&'static str> {
    let fits = text.contains('\n') && !text.starts_with([' ', '\t', '\n']) && text.chars().all(is_printable);
    fits.then(|| match text.strip_suffix('\n') {
        None => "-",
        Some(body) if body.ends_with('\n') => "+",
        Some(_) => "",
    })
}

/// Whether some reader would make a null, boolean, number, time or merge key of the plain text.
fn looks_typed(text: &str) -> bool {
    const WORDS: [&str; 16] =
        ["~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=", ".inf", ".nan", "inf", "nan"];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.is_empty()
        || WORDS.iter().any(|word| unsigned.eq_ignore_ascii_case(word))
        || looks_numeric(unsigned)
        || looks_dated(text)
}

/// Wider than any one reader's numbers: everything made of their characters only. Two dots without a colon are
/// a number to nobody, so versions and addresses stay plain.
fn looks_numeric(unsigned: &str) -> bool {
    // Go drops underscores before it looks.
    let unsigned = unsigned.trim_start_matches('_');
    let starts = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let is_numeral = |byte: u8| byte.is_ascii_hexdigit() || b"xXoO_.,:+-".contains(&byte);
    let dots = unsigned.bytes().filter(|byte| *byte == b'.').count();
    starts
        && unsigned.contains(|character: char| character.is_ascii_digit())
        && unsigned.bytes().all(is_numeral)
        && (dots < 2 || unsigned.contains(':'))
}

/// Whether it begins like a year and a month.
fn looks_dated(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 5
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(5).is_some_and(u8::is_ascii_digit)
}

/// Whether the plain text would be cut short, or be taken for something else than a scalar.
fn looks_like_syntax(text: &str) -> bool {
    text.starts_with(|first: char| first.is_whitespace() || "?:,[]{}#&*!|>'\"%@`".contains(first))
        || text.ends_with(|last: char| last.is_whitespace() || last == ':')
        || text == "-"
        || text.starts_with("- ")
        || text.starts_with("---")
        || text.starts_with("...")
        || text.contains(": ")
        || text.contains(" #")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_texts_stay_plain() {
        for text in [
            "dkron",
            "ghcr.io/distribworks/dkron:4.0.1",
            "--bootstrap-expect=3",
            "-c",
            "/usr/bin/dkron",
            "$(POD_IP):8946",
            "app.kubernetes.io/name",
            "100m",
            "10Gi",
            "5s",
            "1.2.3",
            "10.0.0.1",
            "a,b",
            "yes please",
            "x[1]{2}",
            "a#b",
            "a:b",
            "./run",
            "é",
            "=x",
            "<none>",
        ] {
            assert_eq!(of_value(text), Style::Plain, "{text}");
        }
    }

    #[test]
    fn what_looks_like_another_type_is_quoted_double() {
        for text in [
            "",
            "~",
            "null",
            "NULL",
            "Yes",
            "yES",
            "no",
            "on",
            "OFF",
            "y",
            "N",
            "true",
            "<<",
            "=",
            "1",
            "-1",
            "+1",
            "012",
            "0o14",
            "0x1f",
            "0b101",
            "1_000",
            "1,000",
            "1e3",
            "1.5",
            "1.",
            ".5",
            "-.5",
            "1E+5",
            ".inf",
            "-.INF",
            ".NaN",
            "nan",
            "-_2",
            "1:30",
            "10:20:30.5",
            "2001-01-01",
            "2001-1-1 10:00:00",
            "2001-01-01T00:00:00Z",
            "1d",
            "0b-1",
        ] {
            assert_eq!(of_value(text), Style::Double, "{text}");
        }
    }

    #[test]
    fn what_looks_like_syntax_is_quoted_single() {
        for text in [
            " a", "a ", "- a", "-", "---", "--- a", "...", "a: b", "a:", "a #b", "#a", "&a", "*a", "!a", "|", ">",
            "'a'", "\"a\"", "%a", "@a", "`a", "{a}", "[a]", "?a", ":a", ",a",
        ] {
            assert_eq!(of_value(text), Style::Single, "{text}");
        }
    }

    #[test]
    fn what_plain_characters_cannot_show_is_escaped() {
        for text in
            ["a\tb", "a\r\nb", "a\u{85}b\nc", "a\u{2028}b", "\u{feff}", "\u{7f}", "\u{ffff}", "\n", " a\nb", "\ta\n"]
        {
            assert_eq!(of_value(text), Style::Double, "{text:?}");
        }
    }

    #[test]
    fn several_lines_become_a_literal_block() {
        assert_eq!(of_value("a\nb"), Style::Literal("-"));
        assert_eq!(of_value("a\nb\n"), Style::Literal(""));
        assert_eq!(of_value("a\n\n"), Style::Literal("+"));
        assert_eq!(of_key("a\nb"), Style::Double);
    }
}
