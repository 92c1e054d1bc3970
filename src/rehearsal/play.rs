//! The whole play: each document, and the pods that would follow from it, sent to the webhook in turn.

use super::admission::{Admitted, FaultyAnswer, admit, review_of};
use super::clusters::{Shared, stamped};
use super::pods::pods_of;
use crate::documents::{Document, Format};
use crate::json::{Node, Shape};
use serde_json::Value;
use std::borrow::Cow;

/// How to play.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Namespace of objects that name none, as `kubectl -n` gives it.
    pub namespace: String,
    /// Whether the pods of workloads are shown too.
    pub pods: bool,
    /// What is learnt of clusters on the way; the engine that answers reads it.
    pub clusters: Shared,
}

/// One object that was sent to the webhook.
#[derive(Debug)]
pub struct Act {
    /// `Kind namespace/name`.
    pub title: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Line of the file where its document begins, from 1.
    pub line: usize,
    /// Whether it is a pod that a controller would make, rather than an object of the file.
    pub preview: bool,
    /// The object as it was sent.
    pub before: Document,
    /// What became of it.
    pub admitted: Admitted,
}

/// A document of the file, and what became of it.
#[derive(Debug)]
pub struct Played {
    /// The document as it would be stored; `None` if it was refused.
    pub document: Option<Document>,
    /// Everything that was sent on its behalf, in order.
    pub acts: Vec<Act>,
}

/// A play that broke off.
#[derive(Debug, thiserror::Error)]
pub enum PlayError<E: std::error::Error> {
    /// The webhook could not be asked.
    #[error("{0}: {1}")]
    Unanswered(String, #[source] E),
    /// It answered what no API server would take.
    #[error("{0}: {1}")]
    Faulty(String, #[source] FaultyAnswer),
}

static LIST: Shape = Shape::Object(&[("items", &Shape::List(&Shape::Text))]);

/// Plays all documents. Servers go first in a round of their own, so that agents find the clusters that the same files make,
/// as they would once everything has been applied.
///
/// # Errors
/// [`PlayError`] at the first review that gets no proper answer.
pub fn play<E: std::error::Error>(
    documents: &[Document],
    stage: &Stage,
    ask: &mut dyn FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<Vec<Played>, PlayError<E>> {
    let learning = Stage { pods: false, ..stage.clone() };
    for document in documents {
        perform(document, &learning, ask)?;
    }
    documents.iter().map(|document| perform(document, stage, ask)).collect()
}

fn perform<E: std::error::Error>(
    document: &Document,
    stage: &Stage,
    ask: &mut dyn FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<Played, PlayError<E>> {
    let mut player = Player { stage, ask, line: document.line, format: document.format, acts: Vec::new() };
    let json = match Node::parse(&document.json, &LIST) {
        Ok(Node::Object(mut members)) if is_list(&members) => {
            for (name, value) in &mut members {
                if let (Node::List(items), "items") = (value, name.as_ref()) {
                    player.items(items)?;
                }
            }
            Some(Node::Object(members).to_json())
        }
        _ => player.object(&document.json)?,
    };
    let acts = player.acts;
    Ok(Played { document: json.map(|json| Document { json, ..document.clone() }), acts })
}

fn is_list(members: &[(Cow<'_, str>, Node<'_>)]) -> bool {
    let kind = members.iter().find(|(name, _)| name == "kind").and_then(|(_, kind)| kind.str());
    kind.is_some_and(|kind| kind.ends_with("List")) && members.iter().any(|(name, _)| name == "items")
}

struct Player<'a, E> {
    stage: &'a Stage,
    ask: &'a mut dyn FnMut(&str) -> Result<Vec<u8>, E>,
    line: usize,
    format: Format,
    acts: Vec<Act>,
}

impl<E: std::error::Error> Player<'_, E> {
    /// Items of a list; refused ones leave it.
    fn items(&mut self, items: &mut Vec<Node<'_>>) -> Result<(), PlayError<E>> {
        let mut kept = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            let text = item.to_json();
            kept.extend(self.object(&text)?.map(|json| Node::Text(Cow::Owned(json))));
        }
        *items = kept;
        Ok(())
    }

    /// One object and its pods. `None` if it was refused.
    fn object(&mut self, json: &str) -> Result<Option<String>, PlayError<E>> {
        let Some(stored) = self.send(json, false)? else { return Ok(None) };
        if self.stage.pods {
            let workload: Value = serde_json::from_str(&stored).unwrap_or_default();
            for pod in pods_of(&workload) {
                self.send(&pod.to_string(), true)?;
            }
        }
        Ok(Some(stored))
    }

    fn send(&mut self, json: &str, preview: bool) -> Result<Option<String>, PlayError<E>> {
        let object: Value = serde_json::from_str(json).unwrap_or_default();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(&self.stage.namespace).to_owned();
        let title = title(&object, &namespace);
        // A uid only has to be unique in one play.
        let uid = format!("rehearsal-{}-{}", self.line, self.acts.len());
        let Some(review) = review_of(json, &namespace, &uid) else { return Ok(Some(json.to_owned())) };
        let answer = (self.ask)(&review).map_err(|error| PlayError::Unanswered(title.clone(), error))?;
        let admitted = admit(json, &uid, &answer).map_err(|error| PlayError::Faulty(title.clone(), error))?;
        if let Some(cluster) = stamped(&admitted.json) {
            self.stage.clusters.insert(&namespace, cluster);
        }
        let stored = admitted.refusal.is_none().then(|| admitted.json.clone());
        let before = Document { json: json.to_owned(), format: self.format, line: self.line };
        self.acts.push(Act { title, namespace, line: self.line, preview, before, admitted });
        Ok(stored)
    }
}

fn title(object: &Value, namespace: &str) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let meta = &object["metadata"];
    let name = text(&meta["name"]).or_else(|| text(&meta["generateName"]).map(|name| name + "…")).unwrap_or_default();
    format!("{} {namespace}/{name}", object["kind"].as_str().unwrap_or("object"))
}
