//! Where one YAML document of a file ends and the next begins, by kubectl's rules, which are not YAML's.

use super::error::{Cause, Position, ReadError};

/// The text of one document, as kubectl hands it to its YAML parser: lines end in `\n`, the last one too.
pub(super) struct Chunk {
    pub(super) text: String,
    /// The line of the file where `text` begins.
    pub(super) line: usize,
}

/// The documents of `text`, which begins on line `first_line` of the file.
///
/// Every line that begins with `---` separates, whatever is open at that point. It vanishes between two documents;
/// before the first, and after an empty one, it stays in the text and tells the YAML parser nothing new.
pub(super) fn chunks(text: &str, first_line: usize) -> impl Iterator<Item = Result<Chunk, ReadError>> {
    let mut lines = text.split_inclusive('\n').zip(first_line..);
    std::iter::from_fn(move || {
        let mut chunk = Chunk { text: String::new(), line: 0 };
        for (line, number) in lines.by_ref() {
            let line = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n')).unwrap_or(line);
            if let Some(after) = line.strip_prefix("---") {
                let after = after.trim();
                if !after.is_empty() && !after.starts_with('#') {
                    let at = Position { line: number, column: 1 };
                    return Some(Err(at.fail(Cause::Separator(after.chars().take(40).collect()))));
                }
                if !chunk.text.is_empty() {
                    return Some(Ok(chunk));
                }
            }
            if chunk.text.is_empty() {
                chunk.line = number;
            }
            chunk.text.push_str(line);
            chunk.text.push('\n');
        }
        (!chunk.text.is_empty()).then_some(Ok(chunk))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String)> {
        chunks(text, 1).map(|chunk| chunk.unwrap()).map(|chunk| (chunk.line, chunk.text)).collect()
    }

    #[test]
    fn a_separator_vanishes_between_documents_only() {
        assert_eq!(texts("a\n---\nb"), [(1, "a\n".to_owned()), (3, "b\n".to_owned())]);
        assert_eq!(texts("---\na\n---\n"), [(1, "---\na\n".to_owned())]);
        assert_eq!(texts("a\n---\n---\nb\n"), [(1, "a\n".to_owned()), (3, "---\nb\n".to_owned())]);
        assert_eq!(texts(""), []);
    }

    #[test]
    fn a_separator_may_carry_white_space_and_a_comment() {
        assert_eq!(texts("a\n---  # next\nb\n--- \t\nc\n").len(), 3);
        assert_eq!(texts("a\n ---\nb\n"), [(1, "a\n ---\nb\n".to_owned())]);
    }

    #[test]
    fn anything_else_after_a_separator_is_refused_with_its_line() {
        for bad in ["a\n--- b\n", "a\n----\n", "a\n--- {}\n", "a\n---|\n"] {
            let error = chunks(bad, 10).find_map(Result::err).unwrap();
            assert_eq!(error.at.line, 11, "{bad:?}");
            assert!(matches!(error.cause, Cause::Separator(_)), "{bad:?}");
        }
    }

    #[test]
    fn line_ends_become_newlines() {
        assert_eq!(texts("a\r\n---\r\nb\r\r\n"), [(1, "a\n".to_owned()), (3, "b\r\n".to_owned())]);
    }
}
