//! Which parts of a document are taken apart while it is read.

use super::node::{Members, Node};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How far a part of a document is taken apart.
#[derive(Debug)]
pub enum Shape {
    /// Kept as text.
    Text,
    /// An object: the named members have shapes of their own, all others stay text.
    Object(&'static [(&'static str, &'static Shape)]),
    /// A list, each item of this shape.
    List(&'static Shape),
}

impl Shape {
    /// An object whose members all stay text.
    pub const MAP: Self = Self::Object(&[]);

    fn member(&self, name: &str) -> &'static Shape {
        match self {
            Self::Object(members) => {
                members.iter().find(|(key, _)| *key == name).map_or(&Self::Text, |(_, shape)| shape)
            }
            _ => &Self::Text,
        }
    }
}

impl<'de> DeserializeSeed<'de> for &'static Shape {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        match self {
            Shape::Text => {
                let raw: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
                Ok(Node::Text(Cow::Borrowed(raw.get())))
            }
            Shape::Object(_) | Shape::List(_) => deserializer.deserialize_any(Parts(self)),
        }
    }
}

struct Parts(&'static Shape);

/// A scalar where parts were expected: kept, so that the reader can say what is wrong with it.
fn scalar<'de>(value: impl Into<serde_json::Value>) -> Node<'de> {
    Node::Text(Cow::Owned(value.into().to_string()))
}

impl<'de> Visitor<'de> for Parts {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Key(name)) = map.next_key()? {
            let value = map.next_value_seed(self.0.member(&name))?;
            members.push(name, value);
        }
        Ok(Node::Object(members.last_wins()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
        let each = match self.0 {
            Shape::List(each) => each,
            _ => &Shape::Text,
        };
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(each)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(scalar(serde_json::Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(scalar(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(scalar(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(scalar(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(scalar(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(scalar(value))
    }
}

/// A member's name, borrowed from the text where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.into())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
