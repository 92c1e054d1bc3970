//! JSON: an object at the root, read with the eyes for YAML's braces after serde has found that it is JSON.

use serde::de::IgnoredAny;

use super::flow::Scanner;
use super::root::{Root, Whole};
use super::values::Values;

/// Reads a text.
pub fn read(text: &str) -> Whole {
    let other = |why| Whole { values: Values::unread(), root: Root::Other(why) };
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return other("it is not JSON");
    }
    let mut scanner = Scanner::at(text, text.len() - text.trim_start().len());
    let at = scanner.at + 1;
    if scanner.peek() != Some('{') {
        return other("its root is no object");
    }
    let read = scanner.mapping(0);
    let empty = read.as_ref().is_some_and(Vec::is_empty);
    let complete = read.is_some();
    Whole { values: Values::of(read.unwrap_or_default(), complete), root: Root::Flow { at, empty } }
}
