//! The leader labels of a namespace's pods, as a real watch tells them, with the moment of each change.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dkron_ha::contract::label;
use serde_json::Value;

use crate::interrupt;
use crate::kubectl::Kubectl;

/// Short against every figure.
const LOOK: Duration = Duration::from_millis(5);

/// What the label of each pod says: by name, `None` without a label.
pub type Said = BTreeMap<String, Option<bool>>;

/// Follows them while it lives.
pub struct Labels {
    watch: Child,
    history: Arc<Mutex<Vec<(Instant, Said)>>>,
}

impl Labels {
    /// Begins to follow the pods that `selector` selects.
    pub fn follow(kubectl: &Kubectl, namespace: &str, selector: &str) -> Result<Self> {
        let path = format!("/api/v1/namespaces/{namespace}/pods?watch=true&labelSelector={selector}");
        let mut watch = kubectl.stream(&["get", "--raw", &path])?;
        let stdout = watch.stdout.take().context("kubectl without an output")?;
        let history = Arc::<Mutex<_>>::default();
        let noted = Arc::clone(&history);
        thread::spawn(move || note(stdout, &noted));
        Ok(Self { watch, history })
    }

    /// What they say now.
    pub fn now(&self) -> Said {
        self.lock().last().map(|(_, said)| said.clone()).unwrap_or_default()
    }

    /// Waits until they say this; gives the moment when they began to.
    pub fn until(&self, deadline: Duration, expected: impl Fn(&Said) -> bool) -> Result<Instant> {
        let begun = Instant::now();
        loop {
            if let Some((at, said)) = self.lock().last()
                && expected(said)
            {
                return Ok(*at);
            }
            interrupt::check()?;
            if begun.elapsed() > deadline {
                bail!("not within {deadline:?}; the labels say {:?}", self.now());
            }
            thread::sleep(LOOK);
        }
    }

    /// The longest time for which more than one pod was called leader.
    pub fn longest_doubt(&self) -> Duration {
        let history = self.lock();
        let doubtful = |said: &Said| said.values().filter(|leads| **leads == Some(true)).count() > 1;
        let (mut longest, mut since) = (Duration::ZERO, None);
        for (at, said) in history.iter().map(|(at, said)| (*at, Some(said))).chain([(Instant::now(), None)]) {
            if let Some(since) = since {
                longest = longest.max(at.duration_since(since));
            }
            since = if said.is_some_and(doubtful) { since.or(Some(at)) } else { None };
        }
        longest
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Said)>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Labels {
    fn drop(&mut self) {
        // Failing means: gone already.
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}

fn note(stdout: ChildStdout, history: &Mutex<Vec<(Instant, Said)>>) {
    let mut said = Said::new();
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let at = Instant::now();
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        let meta = &event["object"]["metadata"];
        let Some(name) = meta["name"].as_str() else { continue };
        if event["type"] == "DELETED" {
            said.remove(name);
        } else {
            said.insert(name.to_owned(), meta["labels"][label::LEADER].as_str().map(|value| value == "true"));
        }
        history.lock().unwrap_or_else(PoisonError::into_inner).push((at, said.clone()));
    }
}
