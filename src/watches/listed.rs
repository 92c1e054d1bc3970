//! What a watch has told: a list counts once it is complete, and goes on counting until the next one is.

use kube::runtime::watcher::Event;

/// Something that is kept by a watch. Nothing is known before the first list is complete.
#[derive(Clone, Debug, Default)]
pub struct Listed<T> {
    known: Option<T>,
    /// A list that is still coming.
    coming: T,
}

impl<T: Default> Listed<T> {
    /// What is known.
    pub fn known(&self) -> Option<&T> {
        self.known.as_ref()
    }

    /// Takes one event in: `put` adds an object or changes it, `take` takes it away. Tells whether what is known may have changed.
    pub fn absorb<K>(&mut self, event: Event<K>, put: impl FnOnce(&mut T, &K), take: impl FnOnce(&mut T, &K)) -> bool {
        match event {
            Event::Init => self.coming = T::default(),
            Event::InitApply(object) => put(&mut self.coming, &object),
            Event::InitDone => {
                self.known = Some(std::mem::take(&mut self.coming));
                return true;
            }
            Event::Apply(object) => {
                put(self.known.get_or_insert_default(), &object);
                return true;
            }
            Event::Delete(object) => {
                if let Some(known) = &mut self.known {
                    take(known, &object);
                }
                return true;
            }
        }
        false
    }
}
