//! From the parser's events to one value: anchors, aliases, merge keys and bounds.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, StructureStyle, Tag, options};

use super::dialect;
use super::error::{Cause, Position, ReadError};
use super::last_wins::LastWins;
use super::node::{Node, Value};
use super::number;
use super::scalar::{self, Scalar};
use super::split::Chunk;
use super::{MAX_DEPTH, MAX_YAML_SIZE};

const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// The object of a document.
pub(super) struct Composed {
    pub(super) object: Rc<Node>,
    pub(super) at: Position,
}

/// Reads one chunk; nothing when it is empty or null.
pub(super) fn compose(chunk: &Chunk) -> Result<Option<Composed>, ReadError> {
    let text = chunk.text.strip_prefix('\u{feff}').unwrap_or(&chunk.text);
    let place = |at: Position| Position { line: (chunk.line + at.line).saturating_sub(1), ..at };
    if let Some((at, cause)) = dialect::forbidden_character(text) {
        return Err(place(at).fail(cause));
    }
    let place = |marker: &Marker| place(Position { line: marker.line(), column: marker.col() + 1 });

    let mut composer = Composer::default();
    let options = options! { emit_comments: false, emit_anchor_events: true };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut ended = false;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            place(error.marker()).fail(match error.kind() {
                ErrorKind::RecursionLimitExceeded => Cause::TooDeep,
                _ => Cause::Yaml(error.info()),
            })
        })?;
        let at = place(&span.start);
        match event {
            Event::DocumentStart(..) if ended => return Err(at.fail(Cause::AfterEnd)),
            Event::DocumentEnd => ended = true,
            event => dialect::check(&event, span, composer.in_flow(), text)
                .and_then(|()| composer.take(event, at))
                .map_err(|cause| at.fail(cause))?,
        }
    }
    let Some((node, at)) = composer.root else { return Ok(None) };
    let found = match &node.value {
        Value::Map(_) => return Ok(Some(Composed { object: node, at })),
        Value::Scalar(Scalar::Null) => return Ok(None),
        Value::List(_) => "a list",
        Value::Scalar(Scalar::Bool(_)) => "true or false",
        Value::Scalar(Scalar::Text(_)) => "text",
        Value::Scalar(_) => "a number",
    };
    Err(at.fail(Cause::NotAnObject(found)))
}

/// A list or map whose end is still to come.
struct Open {
    inside: Inside,
    /// The parser's number for the anchor, 0 for none.
    anchor: usize,
    at: Position,
    in_flow: bool,
}

enum Inside {
    List(Vec<Rc<Node>>),
    Map { entries: LastWins<Rc<Node>>, key: Option<Key> },
}

enum Key {
    Name(String),
    Merge,
}

#[derive(Default)]
struct Composer {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    /// Bytes of keys that merge keys copied; copies cost time even where later keys replace them.
    merged: usize,
    root: Option<(Rc<Node>, Position)>,
}

impl Composer {
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Cause> {
        match event {
            Event::Alias(anchor) => {
                // An unknown anchor is the parser's error already.
                let node = self.anchors.get(&anchor).ok_or(Cause::SelfAlias)?;
                let node = Rc::clone(node);
                self.place(node, true, at)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| full(&tag));
                let plain = style == ScalarStyle::Plain;
                if self.is_merge_key(&text, plain, tag.as_deref()) {
                    return Ok(());
                }
                let node = Rc::new(Node::scalar(scalar::resolve(&text, plain, tag.as_deref())?));
                self.remember(anchor, &node);
                self.place(node, false, at)
            }
            Event::SequenceStart(style, anchor, _) => {
                let in_flow = style == StructureStyle::Flow;
                self.enter(Open { inside: Inside::List(Vec::new()), anchor, at, in_flow })
            }
            Event::MappingStart(style, anchor, _) => {
                let inside = Inside::Map { entries: LastWins::new(), key: None };
                self.enter(Open { inside, anchor, at, in_flow: style == StructureStyle::Flow })
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            _ => Ok(()),
        }
    }

    /// Whether the innermost list or map is written in brackets.
    fn in_flow(&self) -> bool {
        self.open.last().is_some_and(|open| open.in_flow)
    }

    fn enter(&mut self, open: Open) -> Result<(), Cause> {
        if self.open.len() == MAX_DEPTH {
            return Err(Cause::TooDeep);
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Cause> {
        let Some(done) = self.open.pop() else { return Ok(()) };
        let node = Rc::new(match done.inside {
            Inside::List(items) => Node::list(items)?,
            Inside::Map { entries, .. } => Node::map(entries.into_entries())?,
        });
        self.remember(done.anchor, &node);
        self.place(node, false, done.at)
    }

    fn remember(&mut self, anchor: usize, node: &Rc<Node>) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(node));
        }
    }

    /// Takes note of a merge key, if this scalar is one.
    fn is_merge_key(&mut self, text: &str, plain: bool, tag: Option<&str>) -> bool {
        let Some(Open { inside: Inside::Map { key: key @ None, .. }, .. }) = self.open.last_mut() else {
            return false;
        };
        let is_merge = text == "<<" && tag.map_or(plain, |tag| tag == "!" || tag == MERGE_TAG);
        if is_merge {
            *key = Some(Key::Merge);
        }
        is_merge
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Rc<Node>, is_alias: bool, at: Position) -> Result<(), Cause> {
        let Some(Open { inside, .. }) = self.open.last_mut() else {
            refuse_infinity(&node)?;
            self.root = Some((node, at));
            return Ok(());
        };
        match inside {
            Inside::List(items) => {
                refuse_infinity(&node)?;
                items.push(node);
            }
            Inside::Map { entries, key } => match key.take() {
                None => *key = Some(Key::Name(name(&node)?)),
                Some(Key::Name(name)) => {
                    refuse_infinity(&node)?;
                    entries.insert(name, node);
                }
                Some(Key::Merge) => merge(&node, is_alias, entries, &mut self.merged)?,
            },
        }
        Ok(())
    }
}

/// Copies the entries of a map, or of several. What was written before the merge key is replaced, as in Go.
fn merge(node: &Node, is_alias: bool, into: &mut LastWins<Rc<Node>>, merged: &mut usize) -> Result<(), Cause> {
    let maps = match &node.value {
        Value::Map(_) => vec![node],
        // Of several, the earlier ones win.
        Value::List(items) if !is_alias => items.iter().rev().map(|item| &**item).collect(),
        _ => return Err(Cause::Merge),
    };
    for map in maps {
        let Value::Map(entries) = &map.value else { return Err(Cause::Merge) };
        for (key, value) in entries {
            *merged += key.len() + 1;
            if *merged > MAX_YAML_SIZE {
                return Err(Cause::TooLarge);
            }
            into.insert(key.clone(), Rc::clone(value));
        }
    }
    Ok(())
}

/// The name that a node gives as a key; JSON has text only.
fn name(node: &Node) -> Result<String, Cause> {
    match &node.value {
        Value::Scalar(Scalar::Text(text)) => Ok(text.clone()),
        Value::Scalar(Scalar::Bool(value)) => Ok(value.to_string()),
        Value::Scalar(Scalar::Int(value)) => Ok(value.to_string()),
        Value::Scalar(Scalar::Float(value)) => Ok(number::key(*value)),
        Value::Scalar(Scalar::Null) => Err(Cause::Key("null")),
        Value::Scalar(Scalar::Unsigned(_)) => Err(Cause::Key("a number this large")),
        Value::List(_) => Err(Cause::Key("a list")),
        Value::Map(_) => Err(Cause::Key("a map")),
    }
}

fn refuse_infinity(node: &Node) -> Result<(), Cause> {
    match &node.value {
        Value::Scalar(Scalar::Float(value)) if !value.is_finite() => Err(Cause::NotFinite(number::key(*value))),
        _ => Ok(()),
    }
}

fn full(tag: &Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}
