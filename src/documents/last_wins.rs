//! A map in the order of its keys' first mention, where a repeated key has its last value.

use std::collections::HashMap;

/// Kubernetes reads repeated keys so, in YAML and in JSON: the last value wins, without a word.
pub(super) struct LastWins<V> {
    entries: Vec<(String, V)>,
    places: HashMap<String, usize>,
}

impl<V> LastWins<V> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), places: HashMap::new() }
    }

    pub(super) fn insert(&mut self, key: String, value: V) {
        let place = self.places.get(&key).and_then(|place| self.entries.get_mut(*place));
        if let Some(entry) = place {
            entry.1 = value;
        } else {
            self.places.insert(key.clone(), self.entries.len());
            self.entries.push((key, value));
        }
    }

    pub(super) fn into_entries(self) -> Vec<(String, V)> {
        self.entries
    }
}
