//! JSON of any shape, to be read field by field.
//!
//! One reader for everything that comes from outside: a derived one for each type would make the program larger by some 40 KB.

pub mod parts;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::procedure::Name;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`, and a field that is not there.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number from zero.
    Number(u64),
    /// Any other number, which nobody here means.
    OtherNumber,
    /// A string.
    Text(Name),
    /// A list.
    List(Vec<Json>),
    /// The fields of an object. Of two with the same name the first counts.
    Object(Vec<(Name, Json)>),
}

impl Json {
    /// Reads a text that holds one value and nothing else.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// A field of an object; [`Json::Null`] where there is none.
    pub fn get(&self, name: &str) -> &Self {
        let Self::Object(fields) = self else { return &Self::Null };
        fields.iter().find(|(known, _)| **known == *name).map_or(&Self::Null, |(_, value)| value)
    }

    /// A truth value.
    pub fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// A whole number from zero.
    pub fn number(&self) -> Option<u64> {
        if let Self::Number(value) = self { Some(*value) } else { None }
    }

    /// A string.
    pub fn text(&self) -> Option<Name> {
        if let Self::Text(value) = self { Some(Name::clone(value)) } else { None }
    }

    /// A list.
    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(values) = self { Some(values) } else { None }
    }

    /// An object.
    pub fn object(&self) -> Option<&Self> {
        if let Self::Object(_) = self { Some(self) } else { None }
    }

    /// What may be missing or `null`: `read` is asked where it is not. `None` where `read` fails.
    #[allow(clippy::option_option, reason = "missing and wrong are two things")]
    pub fn optional<'a, T>(&'a self, read: impl FnOnce(&'a Self) -> Option<T>) -> Option<Option<T>> {
        if let Self::Null = self { Some(None) } else { read(self).map(Some) }
    }

    /// A list of which each element is read; `None` where `read` fails once.
    pub fn each<T>(&self, read: fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        self.list()?.iter().map(read).collect()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

/// Takes whatever comes.
struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_asked_for_by_their_kind() {
        let text = r#" {"a":null,"b":true,"c":18446744073709551615,"d":-1,"e":1.0,"f":"\u00e9\n","g":[1,[]],"h":{"b":false},"b":1}"#;
        let json = Json::read(text.as_bytes()).expect("JSON");
        assert_eq!(json.get("a"), &Json::Null);
        assert_eq!(json.get("missing"), &Json::Null);
        assert_eq!(json.get("b").bool(), Some(true));
        assert_eq!(json.get("c").number(), Some(u64::MAX));
        assert_eq!([json.get("d"), json.get("e")].map(Json::number), [None, None]);
        assert_eq!(json.get("f").text().as_deref(), Some("é\n"));
        assert_eq!(json.get("g").list(), Some([Json::Number(1), Json::List(Vec::new())].as_slice()));
        assert_eq!(json.get("h").object().map(|object| object.get("b")), Some(&Json::Bool(false)));
        assert_eq!(json.get("b").get("b"), &Json::Null);
        for kind in ["b", "c", "f", "g", "h"] {
            let value = json.get(kind);
            let kinds = [
                value.bool().is_some(),
                value.number().is_some(),
                value.text().is_some(),
                value.list().is_some(),
                value.object().is_some(),
            ];
            assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "{kind}");
        }
    }

    #[test]
    fn what_may_be_missing_must_not_be_wrong() {
        let json = Json::read(br#"{"a":null,"b":"x","c":["x","y"],"d":["x",1]}"#).expect("JSON");
        assert_eq!(json.get("a").optional(Json::text), Some(None));
        assert_eq!(json.get("z").optional(Json::text), Some(None));
        assert_eq!(json.get("b").optional(Json::text), Some(Some("x".into())));
        assert_eq!(json.get("b").optional(Json::bool), None);
        assert_eq!(json.get("c").each(Json::text), Some(vec!["x".into(), "y".into()]));
        assert_eq!(json.get("d").each(Json::text), None);
        assert_eq!(json.get("b").each(Json::text), None);
    }

    #[test]
    fn half_a_text_and_more_than_one_are_none() {
        for text in ["", "{", "[1", "{} {}", "{} x", "nul", r#"{"a":}"#, "\u{feff}{}"] {
            assert_eq!(Json::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Json::read(b"[\"\xff\"]"), None);
        assert_eq!(Json::read("[".repeat(100_000).as_bytes()), None, "deep");
    }
}
