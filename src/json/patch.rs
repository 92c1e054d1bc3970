//! RFC 6902 patches: the three operations that an injector needs.

use super::node::{Node, ParseError, quoted};
use super::pointer::Pointer;
use std::borrow::Cow;

/// One operation. Values are JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adds a member, or inserts an item before an index or (`-`) at the end.
    Add(Pointer, String),
    /// Replaces what is there.
    Replace(Pointer, String),
    /// Removes what is there.
    Remove(Pointer),
}

/// Operations in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch(Vec<Operation>);

/// An operation that cannot be carried out on a document.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Nothing is there to step into, replace or remove.
    #[error("{0}: no such place")]
    NoSuchPlace(Pointer),
    /// The path is not written as RFC 6901 wants it.
    #[error("{0}: not a JSON pointer")]
    NotAPointer(Pointer),
    /// A part of the document, or a value of the patch, is not JSON.
    #[error("{0}: {1}")]
    NotJson(Pointer, ParseError),
}

impl Operation {
    fn parts(&self) -> (&'static str, &Pointer, Option<&str>) {
        match self {
            Self::Add(path, value) => ("add", path, Some(value)),
            Self::Replace(path, value) => ("replace", path, Some(value)),
            Self::Remove(path) => ("remove", path, None),
        }
    }
}

impl Patch {
    /// Adds an operation at the end.
    pub fn push(&mut self, operation: Operation) {
        self.0.push(operation);
    }

    /// Appends another patch.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The operations in order.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patch as JSON text, as `AdmissionResponse.patch` carries it (before base64).
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(64 + self.0.len() * 96);
        out.push('[');
        for (at, operation) in self.0.iter().enumerate() {
            let (name, path, value) = operation.parts();
            if at > 0 {
                out.push(',');
            }
            out.push_str("{\"op\":\"");
            out.push_str(name);
            out.push_str("\",\"path\":");
            out.push_str(&quoted(path.as_str()));
            if let Some(value) = value {
                out.push_str(",\"value\":");
                out.push_str(value);
            }
            out.push('}');
        }
        out.push(']');
        out
    }

    /// Carries the patch out on a document.
    ///
    /// # Errors
    /// [`ApplyError`] at the first operation that does not apply; the document is then half changed and of no use.
    pub fn apply(&self, document: &mut Node<'_>) -> Result<(), ApplyError> {
        self.0.iter().try_for_each(|operation| apply(document, operation))
    }
}

fn apply(document: &mut Node<'_>, operation: &Operation) -> Result<(), ApplyError> {
    let (_, path, _) = operation.parts();
    let nowhere = || ApplyError::NoSuchPlace(path.clone());
    let mut steps: Vec<String> = path.steps().ok_or_else(|| ApplyError::NotAPointer(path.clone()))?.collect();
    let last = steps.pop().ok_or_else(nowhere)?;
    let mut at = document;
    for step in &steps {
        at = match at.open().map_err(|error| ApplyError::NotJson(path.clone(), error))? {
            Node::Object(members) => members
                .iter_mut()
                .find(|(name, _)| *name == step.as_str())
                .map(|(_, value)| value)
                .ok_or_else(nowhere)?,
            Node::List(items) => index(step, items.len()).and_then(|n| items.get_mut(n)).ok_or_else(nowhere)?,
            Node::Text(_) => return Err(nowhere()),
        };
    }
    match at.open().map_err(|error| ApplyError::NotJson(path.clone(), error))? {
        Node::Object(members) => {
            let place = members.iter().position(|(name, _)| *name == last.as_str());
            match (operation, place) {
                (Operation::Add(_, value) | Operation::Replace(_, value), Some(place)) => {
                    members[place].1 = text(value);
                }
                (Operation::Add(_, value), None) => members.push((Cow::Owned(last), text(value))),
                (Operation::Remove(_), Some(place)) => drop(members.remove(place)),
                (Operation::Replace(..) | Operation::Remove(_), None) => return Err(nowhere()),
            }
        }
        Node::List(items) => match operation {
            Operation::Add(_, value) => {
                let place = if last == "-" { Some(items.len()) } else { index(&last, items.len() + 1) };
                items.insert(place.ok_or_else(nowhere)?, text(value));
            }
            Operation::Replace(_, value) => {
                let place = index(&last, items.len()).ok_or_else(nowhere)?;
                items[place] = text(value);
            }
            Operation::Remove(_) => drop(items.remove(index(&last, items.len()).ok_or_else(nowhere)?)),
        },
        Node::Text(_) => return Err(nowhere()),
    }
    Ok(())
}

fn text<'a>(value: &str) -> Node<'a> {
    Node::Text(Cow::Owned(value.to_owned()))
}

/// A list index as RFC 6901 writes it (no sign, no leading zero), below `len`.
fn index(step: &str, len: usize) -> Option<usize> {
    let canonical = step == "0" || (!step.starts_with('0') && step.bytes().all(|b| b.is_ascii_digit()));
    step.parse().ok().filter(|n| canonical && *n < len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Shape;

    fn applied(document: &str, operations: &[Operation]) -> Result<String, ApplyError> {
        let mut node = Node::parse(document, &Shape::MAP).unwrap();
        Patch(operations.to_vec()).apply(&mut node)?;
        Ok(node.to_json())
    }

    fn add(path: &str, value: &str) -> Operation {
        Operation::Add(Pointer::of(path), value.into())
    }

    #[test]
    fn operations_reach_into_text_and_into_what_was_added() {
        let operations = [
            add("/a/l/0", "1"),
            add("/a/l/-", "9"),
            add("/m", "{\"x~y\":[]}"),
            add("/m/x~0y/-", "{\"deep\":1.0}"),
            Operation::Replace(Pointer::of("/a/n"), "\"new\"".into()),
            Operation::Remove(Pointer::of("/gone")),
        ];
        let after = applied(r#"{"a":{"l":[5],"n":1,"keep": 1.50},"gone":null}"#, &operations).unwrap();
        assert_eq!(after, r#"{"a":{"l":[1,5,9],"n":"new","keep":1.50},"m":{"x~y":[{"deep":1.0}]}}"#);
    }

    #[test]
    fn places_that_are_not_there_are_errors() {
        let bad = [
            add("/a/b", "1"),
            add("/l/3", "1"),
            add("/l/01", "1"),
            add("/l/+1", "1"),
            add("/n/-", "1"),
            add("", "1"),
            add("a", "1"),
            Operation::Replace(Pointer::of("/x"), "1".into()),
            Operation::Replace(Pointer::of("/l/-"), "1".into()),
            Operation::Remove(Pointer::of("/l/2")),
            Operation::Remove(Pointer::of("/x")),
        ];
        for operation in bad {
            assert!(applied(r#"{"l":[1,2],"n":null}"#, std::slice::from_ref(&operation)).is_err(), "{operation:?}");
        }
    }

    #[test]
    fn the_written_patch_means_the_same_to_another_implementation() {
        let document = r#"{"l":[1],"o":{"a/b":1}}"#;
        let operations = [
            add("/l/0", "{\"q\":\"\\\"\"}"),
            Operation::Remove(Pointer::of("/o/a~1b")),
            Operation::Replace(Pointer::of("/l/1"), "null".into()),
        ];
        let patch: json_patch::Patch = serde_json::from_str(&Patch(operations.to_vec()).to_json()).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(document).unwrap();
        json_patch::patch(&mut value, &patch).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&applied(document, &operations).unwrap()).unwrap();
        assert_eq!(value, ours);
    }
}
