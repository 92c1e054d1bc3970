//! The document itself.

use super::shape::Shape;
use serde::de::DeserializeSeed;
use std::borrow::Cow;
use std::collections::HashMap;

/// A part of a document. Where two members have one name the last one counts, as in Go's and serde_json's readers.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    /// JSON text that nobody took apart: a scalar, or any structure outside the [`Shape`].
    Text(Cow<'a, str>),
    /// Members in the author's order.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    /// Items in order.
    List(Vec<Node<'a>>),
}

/// Text that is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("not JSON: {0}")]
pub struct ParseError(#[from] serde_json::Error);

static NULL: Node<'static> = Node::Text(Cow::Borrowed("null"));

impl<'a> Node<'a> {
    /// Reads a whole text, taking apart what `shape` names.
    ///
    /// # Errors
    /// [`ParseError`] with line and column.
    pub fn parse(text: &'a str, shape: &'static Shape) -> Result<Self, ParseError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let node = shape.deserialize(&mut reader)?;
        reader.end()?;
        Ok(node)
    }

    /// The member of that name; JSON null where there is none, so that a path can be followed without a branch at each step.
    pub fn get(&self, name: &str) -> &Node<'a> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map_or(&NULL, |(_, value)| value),
            Self::List(_) => &NULL,
            Self::Text(text) => {
                debug_assert!(!text.starts_with('{'), "`{name}` was asked of an object that its shape left as text");
                &NULL
            }
        }
    }

    /// Whether a member of that name is written, null or not.
    pub fn has(&self, name: &str) -> bool {
        matches!(self, Self::Object(members) if members.iter().any(|(key, _)| key == name))
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node<'a>] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Absent or JSON null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Text(text) if text == "null")
    }

    /// Absent, null, `""`, `{}` or `[]`: what Kubernetes takes for "not set".
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => matches!(&**text, "null" | "\"\"" | "{}" | "[]"),
            Self::Object(members) => members.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }

    /// The text of a JSON string.
    pub fn str(&self) -> Option<Cow<'_, str>> {
        let Self::Text(text) = self else { return None };
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') { serde_json::from_str(text).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
    }

    /// Whether this is the JSON string that says `text`. Most comparisons fail at the first byte, and cost no more than that.
    pub fn is(&self, text: &str) -> bool {
        let Self::Text(raw) = self else { return false };
        let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
        match (inner.as_bytes().first(), text.as_bytes().first()) {
            (Some(a), Some(b)) if a != b && *a != b'\\' => false,
            _ if inner == text => !text.contains('\\'),
            _ => inner.contains('\\') && self.str().as_deref() == Some(text),
        }
    }

    /// A whole number.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A boolean.
    pub fn bool(&self) -> Option<bool> {
        match self {
            Self::Text(text) if text == "true" => Some(true),
            Self::Text(text) if text == "false" => Some(false),
            _ => None,
        }
    }

    /// The strings of a list; `None` if it is no list of strings.
    pub fn strings(&self) -> Option<Vec<Cow<'_, str>>> {
        match self {
            Self::List(items) => items.iter().map(Node::str).collect(),
            _ => None,
        }
    }

    /// Writes the document as JSON text.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
        }
    }

    /// The document as JSON text.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Takes one level apart where it is still text, so that a patch can step into it.
    pub(super) fn open(&mut self) -> Result<&mut Self, ParseError> {
        if let Self::Text(text) = self {
            let opened = match text {
                Cow::Borrowed(text) => Node::parse(text, &Shape::MAP)?,
                Cow::Owned(text) => Node::parse(text, &Shape::MAP)?.into_owned(),
            };
            *self = opened;
        }
        Ok(self)
    }

    /// A copy that borrows nothing.
    fn into_owned<'b>(self) -> Node<'b> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Text(text) => Node::Text(owned(text)),
            Self::Object(members) => {
                Node::Object(members.into_iter().map(|(name, value)| (owned(name), value.into_owned())).collect())
            }
            Self::List(items) => Node::List(items.into_iter().map(Node::into_owned).collect()),
        }
    }
}

/// JSON text of a string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Members as they are read, before names that occur twice are settled.
#[derive(Default)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Members<'a> {
    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Node<'a>) {
        self.0.push((name, value));
    }

    /// Of each name the last value, at the place of the first. Linear, so that many members cannot be used as an attack.
    pub(super) fn last_wins(mut self) -> Vec<(Cow<'a, str>, Node<'a>)> {
        let repeated = if self.0.len() <= 16 {
            (1..self.0.len()).any(|at| self.0[..at].iter().any(|(name, _)| *name == self.0[at].0))
        } else {
            let mut seen = std::collections::HashSet::with_capacity(self.0.len());
            self.0.iter().any(|(name, _)| !seen.insert(name.as_ref()))
        };
        if !repeated {
            return self.0;
        }
        let mut place = HashMap::<Cow<'a, str>, usize>::new();
        let mut kept: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(self.0.len());
        for (name, value) in self.0.drain(..) {
            if let Some(at) = place.get(&name) {
                kept[*at].1 = value;
            } else {
                place.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static POD: Shape = Shape::Object(&[("spec", &Shape::Object(&[("containers", &Shape::List(&Shape::MAP))]))]);

    #[test]
    fn what_is_outside_the_shape_keeps_its_text() {
        let text = r#"{"x":{"n": 1.10, "e":1e3},"spec":{"containers":[{"name":"a","big":12345678901234567890123}]}}"#;
        let node = Node::parse(text, &POD).unwrap();
        assert_eq!(node.to_json(), text);
        assert_eq!(node.get("spec").get("containers").items()[0].get("name").str().unwrap(), "a");
        assert!(node.get("none").get("at").get("all").is_null());
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let node = Node::parse(r#"{"spec":{"containers":[]},"a":1,"spec":{"containers":null},"a":2}"#, &POD).unwrap();
        assert_eq!(node.to_json(), r#"{"spec":{"containers":null},"a":2}"#);
        let many: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 20)).collect();
        let text = format!("{{{}}}", many.join(","));
        let node = Node::parse(&text, &Shape::MAP).unwrap();
        assert_eq!(node.members().len(), 20);
        assert_eq!(node.get("k3").integer(), Some(23));
    }

    #[test]
    fn scalars_in_place_of_structures_are_kept() {
        for text in ["5", "null", "\"a\\nb\"", "true", "-1", "1.5"] {
            let whole = format!("{{\"spec\":{text}}}");
            assert_eq!(Node::parse(&whole, &POD).unwrap().to_json(), whole);
        }
    }

    #[test]
    fn escapes_are_read() {
        let node = Node::parse(r#"{"a\u002fb":"x\"\u00e9"}"#, &Shape::MAP).unwrap();
        assert_eq!(node.get("a/b").str().unwrap(), "x\"é");
        assert!(node.get("a/b").is("x\"é") && !node.get("a/b").is("x"));
        let written = Node::parse(r#"{"a":"b","c":"\u0062","d":"\\","e":""}"#, &Shape::MAP).unwrap();
        for (name, text) in [("a", "b"), ("c", "b"), ("d", "\\"), ("e", "")] {
            assert!(written.get(name).is(text), "{name}");
        }
        for (name, text) in [("a", ""), ("a", "c"), ("d", "\\\\"), ("e", "b"), ("none", "null")] {
            assert!(!written.get(name).is(text), "{name}");
        }
    }

    #[test]
    fn broken_text_is_an_error() {
        for text in ["", "{", "{\"a\":}", "[1,]", "{} {}", "{\"a\" 1}", "\u{0}"] {
            assert!(Node::parse(text, &POD).is_err(), "{text}");
        }
    }
}
