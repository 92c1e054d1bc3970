//! A patch under construction, with the record of what it changes.

use crate::json::{Node, Operation, Patch, Pointer, quoted};

/// Operations, and what `uninject` and `kubectl describe` need to know of them.
#[derive(Debug, Default)]
pub struct Edit {
    patch: Patch,
    added: Vec<String>,
    was: Vec<(String, String)>,
}

impl Edit {
    /// Adds a value at `path`. `place` names it without list indexes, which other injectors shift.
    pub fn add(&mut self, path: Pointer, place: impl Into<String>, value: impl Into<String>) {
        self.added.push(place.into());
        self.patch.push(Operation::Add(path, value.into()));
    }

    /// Makes sure that an object stands at `name` of `parent`. An empty one needs no record.
    pub fn object(&mut self, parent: &Node<'_>, path: &Pointer, name: &str) {
        if parent.get(name).is_null() {
            self.patch.push(Operation::Add(path.key(name), "{}".into()));
        }
    }

    /// Puts a member of `parent` to a value: added, replaced, or left where it already is that.
    pub fn set(&mut self, parent: &Node<'_>, path: &Pointer, name: &str, place: impl Into<String>, value: &str) {
        let old = parent.get(name);
        if !parent.has(name) {
            self.add(path.key(name), place, value);
        } else if !same(old, value) {
            self.was.push((place.into(), old.to_json()));
            self.patch.push(Operation::Replace(path.key(name), value.into()));
        }
    }

    /// Removes what stands at `path`.
    pub fn remove(&mut self, path: Pointer, place: impl Into<String>, old: &Node<'_>) {
        self.was.push((place.into(), old.to_json()));
        self.patch.push(Operation::Remove(path));
    }

    /// Adds the entries that the map `name` of `parent` lacks or holds with another value. Values are strings.
    pub fn merge(&mut self, parent: &Node<'_>, path: &Pointer, name: &str, entries: &[(&str, &str)]) {
        let map = parent.get(name);
        let missing: Vec<_> = entries.iter().filter(|(key, value)| !map.get(key).is(value)).collect();
        if missing.is_empty() {
            return;
        }
        if map.is_null() {
            let value: serde_json::Map<_, _> =
                missing.iter().map(|(key, value)| ((*key).to_string(), (*value).into())).collect();
            self.added.extend(missing.iter().map(|(key, _)| format!("{name}/{key}")));
            self.patch.push(Operation::Add(path.key(name), serde_json::Value::Object(value).to_string()));
            return;
        }
        let path = path.key(name);
        for (key, value) in missing {
            self.set(map, &path, key, format!("{name}/{key}"), &quoted(value));
        }
    }

    /// Appends items to the list `name` of `parent`, which may be absent or null. The items are recorded by the caller's places.
    pub fn append(&mut self, parent: &Node<'_>, path: &Pointer, name: &str, items: Vec<(String, String)>) {
        if items.is_empty() {
            return;
        }
        let list = path.key(name);
        if parent.get(name).is_null() {
            let values: Vec<&str> = items.iter().map(|(_, value)| value.as_str()).collect();
            self.patch.push(Operation::Add(list, format!("[{}]", values.join(","))));
            self.added.extend(items.into_iter().map(|(place, _)| place));
        } else {
            for (place, value) in items {
                self.add(list.end(), place, value);
            }
        }
    }

    /// The record as JSON: `added` lists places to take out again, `was` the former value of every other place.
    pub fn record(&self, container: &str) -> String {
        let added: Vec<String> = self.added.iter().map(|place| quoted(place)).collect();
        let was: Vec<String> = self.was.iter().map(|(place, old)| format!("{}:{old}", quoted(place))).collect();
        format!(
            "{{\"version\":\"{}\",\"container\":{},\"added\":[{}],\"was\":{{{}}}}}",
            env!("CARGO_PKG_VERSION"),
            quoted(container),
            added.join(","),
            was.join(",")
        )
    }

    /// The finished patch.
    pub fn into_patch(self) -> Patch {
        self.patch
    }
}

/// Whether the node means the same as the JSON text; numbers and structures may be written in several ways.
fn same(node: &Node<'_>, text: &str) -> bool {
    let node = node.to_json();
    let parsed = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    node == text || parsed(&node) == parsed(text)
}
