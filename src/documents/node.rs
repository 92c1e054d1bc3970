//! A value read from YAML. Aliases share it, so what is in memory is no larger than the text.

use std::fmt::Write as _;
use std::rc::Rc;

use super::error::Cause;
use super::scalar::Scalar;
use super::{MAX_DEPTH, MAX_YAML_SIZE, number};

pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<(String, Rc<Node>)>),
}

pub(super) struct Node {
    pub(super) value: Value,
    /// Levels of lists and maps, this one included.
    depth: usize,
    /// About how long the JSON text is; control characters take more.
    size: usize,
}

impl Node {
    pub(super) fn scalar(scalar: Scalar) -> Self {
        let size = if let Scalar::Text(text) = &scalar { text.len() + 2 } else { 8 };
        Self { value: Value::Scalar(scalar), depth: 0, size }
    }

    pub(super) fn list(items: Vec<Rc<Node>>) -> Result<Self, Cause> {
        let (depth, size) = measure(items.iter().map(|item| (0, &**item)));
        Self { value: Value::List(items), depth, size }.within_bounds()
    }

    pub(super) fn map(entries: Vec<(String, Rc<Node>)>) -> Result<Self, Cause> {
        let (depth, size) = measure(entries.iter().map(|(key, value)| (key.len() + 3, &**value)));
        Self { value: Value::Map(entries), depth, size }.within_bounds()
    }

    fn within_bounds(self) -> Result<Self, Cause> {
        match self {
            Self { depth, .. } if depth > MAX_DEPTH => Err(Cause::TooDeep),
            Self { size, .. } if size > MAX_YAML_SIZE => Err(Cause::TooLarge),
            fits => Ok(fits),
        }
    }

    /// Compact JSON text.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.push_json(&mut out);
        out
    }

    /// Recurses [`MAX_DEPTH`] deep at most.
    fn push_json(&self, out: &mut String) {
        match &self.value {
            Value::Scalar(scalar) => push_scalar(scalar, out),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    push_comma(index, out);
                    item.push_json(out);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    push_comma(index, out);
                    push_text(key, out);
                    out.push(':');
                    value.push_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// Depth and size of a list or map over `children`, each with the bytes that go before it.
fn measure<'a>(children: impl Iterator<Item = (usize, &'a Node)>) -> (usize, usize) {
    let (depth, size) = children.fold((0, 2), |(depth, size): (usize, usize), (before, child)| {
        (depth.max(child.depth), size.saturating_add(before).saturating_add(child.size).saturating_add(1))
    });
    (depth + 1, size)
}

fn push_comma(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn push_scalar(scalar: &Scalar, out: &mut String) {
    match scalar {
        Scalar::Null => out.push_str("null"),
        Scalar::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Scalar::Int(value) => out.push_str(&value.to_string()),
        Scalar::Unsigned(value) => out.push_str(&value.to_string()),
        Scalar::Float(value) => out.push_str(&number::json(*value)),
        Scalar::Text(text) => push_text(text, out),
    }
}

fn push_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            control if control < ' ' => drop(write!(out, "\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}
