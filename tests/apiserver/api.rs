//! The API server without kubectl: many requests at once, each as exact as HTTP is.

use anyhow::{Context, Result};
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use hyper::Request;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::kubectl::Kubectl;

/// So many are under way at a time.
const AT_ONCE: usize = 16;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Of the body.
    pub content_type: &'static str,
    /// Null sends none.
    pub body: Value,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The object, or a `Status`.
    pub body: Value,
}

impl Answer {
    /// What a `Status` says.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// One user's connections.
pub struct Api {
    runtime: Runtime,
    client: kube::Client,
}

impl Api {
    /// The same user as `kubectl`'s.
    pub fn of(kubectl: &Kubectl) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let file = Kubeconfig::read_from(&kubectl.kubeconfig)?;
        let client = runtime.block_on(async {
            let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
            config.default_retry = false; // each request is one request
            anyhow::Ok(kube::Client::try_from(config)?)
        })?;
        Ok(Self { runtime, client })
    }

    /// Sends all, many at a time; answers come in the order of the calls.
    pub fn send(&self, calls: &[Call]) -> Result<Vec<Answer>> {
        self.runtime.block_on(async {
            let answers = stream::iter(calls).map(|call| self.one(call)).buffered(AT_ONCE);
            let answers: Vec<Result<Answer>> = answers.collect().await;
            answers.into_iter().collect()
        })
    }

    async fn one(&self, call: &Call) -> Result<Answer> {
        let title = || format!("{} {}", call.method, call.path);
        let body = if call.body.is_null() { Vec::new() } else { call.body.to_string().into_bytes() };
        let request = Request::builder().method(call.method).uri(&call.path).header("content-type", call.content_type);
        let request = request.body(Body::from(body)).with_context(title)?;
        let response = self.client.send(request).await.with_context(title)?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.with_context(title)?.to_bytes();
        Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }
}
