//! Which request goes where on the HTTPS port.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, header};
use axum::routing::post;

use super::Limits;
use super::accounts::Accounts;
use super::budget::Budget;
use super::metrics::Metrics;
use super::mutate;
use super::refusal::Refusal;
use super::turn::Turns;
use crate::contract::path;

/// What answering a request needs.
pub struct Desk {
    /// Limits of a request.
    pub limits: Limits,
    /// Memory for bodies.
    pub budget: Budget,
    /// Turns of the reviewer.
    pub turns: Turns,
    /// Accounts that there are, where somebody watches them.
    pub accounts: Option<Accounts>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Desk {
    /// Counts, logs and answers a refusal.
    pub fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        refusal.log();
        self.metrics.refused(refusal.status());
        refusal.response()
    }
}

/// The routes.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route(path::MUTATE, post(mutate::mutate))
        .method_not_allowed_fallback(not_a_post)
        .fallback(no_such_path)
        .with_state(desk)
}

async fn not_a_post(State(desk): State<Arc<Desk>>) -> Response<Body> {
    desk.refuse(&Refusal::NotAPost)
}

async fn no_such_path(State(desk): State<Arc<Desk>>) -> Response<Body> {
    desk.refuse(&Refusal::NoSuchPath)
}

/// Whether the content type is JSON, with or without parameters.
pub fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_told_by_the_type_whatever_its_parameters() {
        for (value, json) in [
            ("application/json", true),
            ("Application/JSON ; charset=utf-8", true),
            ("application/json-patch+json", false),
            ("text/plain; a=application/json", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(is_json(&headers), json, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
