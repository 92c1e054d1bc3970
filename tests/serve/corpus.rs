//! Reviews of every object in `tests/manifests`, with the answers that the engine gives in this process.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use dkron_ha::documents;
use dkron_ha::inject::{Engine, NoClusters};
use dkron_ha::rehearsal::{Shared, Stage, play};
use dkron_ha::review::{ReviewError, Reviewer};
use dkron_ha::settings::Settings;
use hyper::body::Bytes;

/// A review and its only right answer.
#[derive(Clone, Debug)]
pub struct Review {
    pub body: Bytes,
    pub answer: Bytes,
}

/// All of them, in order.
pub fn reviews() -> Result<Vec<Review>> {
    let engine = Engine::new(Settings::default(), Box::new(NoClusters));
    let mut reviews = Vec::new();
    let mut ask = |review: &str| -> Result<Vec<u8>, Unanswered> {
        let answer = engine.review(review.as_bytes()).map_err(Unanswered)?.body;
        reviews.push(Review { body: Bytes::copy_from_slice(review.as_bytes()), answer: answer.clone().into() });
        Ok(answer)
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    for entry in folder.read_dir().context("tests/manifests")? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "yaml" || extension == "json") {
            let documents = documents::read(&std::fs::read(&file)?)?;
            let stage = Stage { namespace: "default".into(), pods: true, clusters: Shared::default() };
            play(&documents, &stage, &mut ask).with_context(|| file.display().to_string())?;
        }
    }
    ensure!(reviews.len() > 100, "only {} reviews", reviews.len());
    Ok(reviews)
}

/// The engine had no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct Unanswered(ReviewError);
