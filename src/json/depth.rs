//! A cap on nesting, before anything looks at the text.

/// Deepest nesting of objects and lists that is read. Kubernetes objects stay below 30 levels; serde_json's own
/// recursion limit is 128 and would answer some readers and not others.
pub const MAX_DEPTH: usize = 120;

/// Whether `text` nests deeper than [`MAX_DEPTH`]. One pass, no stack, no allocation; text that is not JSON gets some answer.
pub fn too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    false
}

/// Position of the quote that closes a string which began before `at`, or the end of the text.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_nesting_and_not_text() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(!too_deep(&nested(MAX_DEPTH)));
        assert!(too_deep(&nested(MAX_DEPTH + 1)));
        let quoted = format!("{{\"a\\\"{}\": 1}}", "[".repeat(500));
        assert!(!too_deep(&quoted));
        let wide = "[[]],".repeat(500);
        assert!(!too_deep(&wide));
    }

    #[test]
    fn ends_on_text_that_is_no_json() {
        for text in ["\"", "\"\\", "}}}]]]", ""] {
            assert!(!too_deep(text), "{text}");
        }
    }
}
