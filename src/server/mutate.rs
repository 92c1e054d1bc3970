//! `POST /mutate`: a body in, an `AdmissionReview` out, within all limits.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, header};
use tokio::time::Instant;

use super::refusal::Refusal;
use super::router::{Desk, is_json};
use super::{body, budget, deadline, metrics};
use crate::review::{Outcome, Reviewed};

/// Answers one request.
pub async fn mutate(State(desk): State<Arc<Desk>>, request: Request) -> Response<Body> {
    let started = Instant::now();
    let _present = desk.metrics.request();
    match answer(&desk, request, started).await {
        Ok(reviewed) => {
            let took = started.elapsed();
            desk.metrics.answered(&reviewed.tally, took);
            log(&reviewed, took.as_micros());
            let mut response = Response::new(Body::from(reviewed.body));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(refusal) => desk.refuse(&refusal),
    }
}

async fn answer(desk: &Desk, request: Request, started: Instant) -> Result<Reviewed, Refusal> {
    if !is_json(request.headers()) {
        return Err(Refusal::NotJson);
    }
    let limits = &desk.limits;
    let end = started + deadline::allowed(request.uri().query(), limits.request);
    let incoming = request.into_body();
    let wanted = budget::wanted(body::announced(&incoming), limits)?;
    let mut room = desk.budget.take(wanted, end).await?;
    let body = body::read(incoming, limits.body, end.min(Instant::now() + limits.body_read)).await?;
    room.shrink(body.len());
    let reviewed = desk.turns.review(body, room, end).await?;
    if let (Some(accounts), Some(account)) = (&desk.accounts, &reviewed.account) {
        accounts.wait(account, end).await?;
    }
    Ok(reviewed)
}

fn log(reviewed: &Reviewed, micros: u128) {
    let tally = &reviewed.tally;
    let code = tally.code.map(tracing::field::display);
    let (kind, operation, outcome) = (tally.kind, tally.operation, metrics::outcome(tally.outcome));
    if tally.outcome == Outcome::Rejected {
        tracing::info!(kind, operation, outcome, code, micros, "reviewed");
    } else {
        tracing::debug!(kind, operation, outcome, code, micros, "reviewed");
    }
}
