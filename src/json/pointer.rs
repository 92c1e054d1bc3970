//! RFC 6901 pointers.

use std::fmt;

/// A path into a document, held in its written form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(String);

impl Pointer {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A pointer from its written form, such as `/spec/containers/0`, taken as it is.
    pub fn of(written: &str) -> Self {
        Self(written.into())
    }

    /// This path and one member more; `~` and `/` in the name are escaped.
    #[must_use]
    pub fn key(&self, name: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + name.len() + 3);
        text.push_str(&self.0);
        text.push('/');
        for c in name.chars() {
            match c {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                c => text.push(c),
            }
        }
        Self(text)
    }

    /// This path and one list index more.
    #[must_use]
    pub fn index(&self, at: usize) -> Self {
        Self(format!("{}/{at}", self.0))
    }

    /// This path and the place behind the last item of a list.
    #[must_use]
    pub fn end(&self) -> Self {
        Self(format!("{}/-", self.0))
    }

    /// The written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The unescaped steps, from the root on. A written form without a leading slash is no pointer: `None`.
    pub fn steps(&self) -> Option<impl Iterator<Item = String>> {
        let rest = match self.0.strip_prefix('/') {
            Some(rest) => Some(rest),
            None if self.0.is_empty() => None,
            None => return None,
        };
        let steps = rest.into_iter().flat_map(|rest| rest.split('/'));
        Some(steps.map(|step| step.replace("~1", "/").replace("~0", "~")))
    }

    /// The path as Kubernetes writes it in messages: `spec.containers[0].name`.
    pub fn for_people(&self) -> String {
        let mut text = String::new();
        for step in self.steps().into_iter().flatten() {
            let index = step.bytes().all(|b| b.is_ascii_digit());
            let (before, after) = match (index || step.contains(['.', '/']), text.is_empty()) {
                (true, _) => ("[", "]"),
                (false, true) => ("", ""),
                (false, false) => (".", ""),
            };
            text.extend([before, &step, after]);
        }
        text
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_unescapes() {
        let pointer = Pointer::of("/metadata/annotations").key("dkron-ha.io/a~b");
        assert_eq!(pointer.as_str(), "/metadata/annotations/dkron-ha.io~1a~0b");
        let steps: Vec<_> = pointer.steps().expect("a pointer").collect();
        assert_eq!(steps, ["metadata", "annotations", "dkron-ha.io/a~b"]);
        assert_eq!(pointer.for_people(), "metadata.annotations[dkron-ha.io/a~b]");
    }

    #[test]
    fn people_read_indexes_in_brackets() {
        assert_eq!(Pointer::of("/spec/containers").index(2).key("env").for_people(), "spec.containers[2].env");
    }

    #[test]
    fn the_root_has_no_steps() {
        assert_eq!(Pointer::root().steps().expect("a pointer").count(), 0);
        assert!(Pointer::of("spec").steps().is_none());
    }
}
