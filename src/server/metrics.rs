//! What is counted, as `OpenMetrics` text.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::readiness::REASONS;
use crate::review::{Outcome, Tally};

/// Content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: from a small review to the usual `timeoutSeconds` of 3, each about twice the one before.
const BUCKETS: [f64; 16] =
    [0.0001, 0.0002, 0.0004, 0.0008, 0.0015, 0.003, 0.006, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2];

/// Everything that the server counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Admission, Counter>,
    duration: Histogram,
    in_flight: Gauge,
    refused: Family<Status, Counter>,
    expiry: Gauge,
    authority_expiry: Family<Unlabelled, Gauge>,
    not_ready: Family<NotReady, Gauge>,
    kubernetes: Family<Asked, Counter>,
    reloads: Family<Reload, Counter>,
    connections: Gauge,
    handshake_failures: Family<Handshake, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Admission {
    kind: &'static str,
    operation: &'static str,
    outcome: &'static str,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

/// Of a series that is not always there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Unlabelled {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotReady {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    request: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Handshake {
    reason: &'static str,
}

/// What became of a new certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// It is served.
    Swapped,
    /// It could not be, and the old one still is.
    Kept,
}

/// Why a connection never got to HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// It took too long.
    Deadline,
    /// TLS said no, on either side.
    Tls,
    /// The client went away; probes that only connect do.
    Closed,
}

/// Counts one while it lives.
#[derive(Debug)]
pub struct Present(Gauge);

impl Present {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("dkron_ha");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of dkron-ha", build);

        let requests = Family::default();
        registry.register("admission_requests", "Reviews answered with an AdmissionReview", requests.clone());
        let duration = Histogram::new(BUCKETS);
        registry.register(
            "admission_duration_seconds",
            "From a request's head to its AdmissionReview",
            duration.clone(),
        );
        let in_flight = Gauge::default();
        registry.register("admission_in_flight", "Requests that are being answered", in_flight.clone());
        let refused = Family::default();
        registry.register("http_responses", "Requests answered without an AdmissionReview", refused.clone());
        let expiry = Gauge::default();
        registry.register(
            "certificate_expiry_seconds",
            "End of the served certificate, seconds since 1970",
            expiry.clone(),
        );
        let authority_expiry = Family::<Unlabelled, Gauge>::default();
        registry.register(
            "authority_expiry_seconds",
            "End of the authority that is kept, seconds since 1970",
            authority_expiry.clone(),
        );
        let not_ready = Family::<NotReady, Gauge>::default();
        registry.register("not_ready", "1 for the reason why this replica is not ready", not_ready.clone());
        let kubernetes = Family::default();
        registry.register(
            "kubernetes_requests",
            "Requests to the API server for the registration and the authority",
            kubernetes.clone(),
        );
        let reloads = Family::<Reload, Counter>::default();
        registry.register("certificate_reloads", "New certificates, served or not", reloads.clone());
        for reloaded in [Reloaded::Swapped, Reloaded::Kept] {
            let _ = reloads.get_or_create(&Reload { result: reloaded.label() });
        }
        let connections = Gauge::default();
        registry.register("connections", "Open connections", connections.clone());
        let handshake_failures = Family::default();
        registry.register("handshake_failures", "Connections that never got to HTTP", handshake_failures.clone());

        Self {
            registry,
            requests,
            duration,
            in_flight,
            refused,
            expiry,
            authority_expiry,
            not_ready,
            kubernetes,
            reloads,
            connections,
            handshake_failures,
        }
    }

    /// A review was answered.
    pub fn answered(&self, tally: &Tally, took: Duration) {
        let code = tally.code.map(|code| code.to_string()).unwrap_or_default();
        let labels = Admission { kind: tally.kind, operation: tally.operation, outcome: outcome(tally.outcome), code };
        self.requests.get_or_create(&labels).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// A request was answered without a review.
    pub fn refused(&self, status: StatusCode) {
        self.refused.get_or_create(&Status { status: status.as_u16() }).inc();
    }

    /// A request is being answered while the value lives.
    pub fn request(&self) -> Present {
        Present::of(&self.in_flight)
    }

    /// A connection is open while the value lives.
    pub fn connection(&self) -> Present {
        Present::of(&self.connections)
    }

    /// A connection never got to HTTP.
    pub fn handshake_failed(&self, failure: HandshakeFailure) {
        self.handshake_failures.get_or_create(&Handshake { reason: failure.label() }).inc();
    }

    /// A certificate that ends at `not_after` (seconds since 1970) is served.
    pub fn certificate(&self, not_after: i64) {
        self.expiry.set(not_after);
    }

    /// The authority that is kept ends at `not_after` (seconds since 1970).
    pub fn authority(&self, not_after: i64) {
        self.authority_expiry.get_or_create(&Unlabelled {}).set(not_after);
    }

    /// This replica is not ready for this reason, one of [`REASONS`], or it is ready.
    pub fn readiness(&self, not_ready: Option<&str>) {
        for reason in REASONS {
            self.not_ready.get_or_create(&NotReady { reason }).set(i64::from(not_ready == Some(reason)));
        }
    }

    /// The API server was asked, with this outcome.
    pub fn asked(&self, request: &'static str, outcome: &'static str) {
        self.kubernetes.get_or_create(&Asked { request, outcome }).inc();
    }

    /// A new certificate was found.
    pub fn reloaded(&self, reloaded: Reloaded) {
        self.reloads.get_or_create(&Reload { result: reloaded.label() }).inc();
    }

    /// The exposition.
    ///
    /// # Errors
    /// Never in practice: writing to a string.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(4 * 1024);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The label of an outcome; also what the log says.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Patched => "patched",
        Outcome::Unchanged => "unchanged",
        Outcome::Skipped => "skipped",
        Outcome::Rejected => "rejected",
    }
}

impl Reloaded {
    fn label(self) -> &'static str {
        match self {
            Self::Swapped => "swapped",
            Self::Kept => "kept",
        }
    }
}

impl HandshakeFailure {
    fn label(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Tls => "tls",
            Self::Closed => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    #[test]
    fn the_text_holds_every_series_under_its_documented_name() {
        let metrics = Metrics::new();
        let tally = Tally {
            kind: "Pod",
            operation: "CREATE",
            outcome: Outcome::Rejected,
            code: Some(code::UNKNOWN_ANNOTATION),
        };
        metrics.answered(&tally, Duration::from_micros(150));
        metrics.refused(StatusCode::PAYLOAD_TOO_LARGE);
        metrics.certificate(1_800_000_000);
        assert!(!metrics.text().unwrap().contains("dkron_ha_authority_expiry_seconds{"), "none is kept");
        metrics.authority(1_900_000_000);
        metrics.readiness(Some("untrusted"));
        metrics.asked("read_secret", "failed");
        metrics.reloaded(Reloaded::Kept);
        metrics.handshake_failed(HandshakeFailure::Deadline);
        let open = metrics.connection();
        let text = metrics.text().unwrap();
        for line in [
            "dkron_ha_admission_requests_total{kind=\"Pod\",operation=\"CREATE\",outcome=\"rejected\",code=\"DKHA-001\"} 1",
            "dkron_ha_admission_duration_seconds_bucket{le=\"0.0001\"} 0",
            "dkron_ha_admission_duration_seconds_bucket{le=\"0.0002\"} 1",
            "dkron_ha_admission_duration_seconds_bucket{le=\"3.2\"} 1",
            "dkron_ha_admission_duration_seconds_count 1",
            "dkron_ha_admission_in_flight 0",
            "dkron_ha_http_responses_total{status=\"413\"} 1",
            "dkron_ha_certificate_expiry_seconds 1800000000",
            "dkron_ha_authority_expiry_seconds{} 1900000000",
            "dkron_ha_not_ready{reason=\"untrusted\"} 1",
            "dkron_ha_not_ready{reason=\"shutting_down\"} 0",
            "dkron_ha_kubernetes_requests_total{request=\"read_secret\",outcome=\"failed\"} 1",
            "dkron_ha_certificate_reloads_total{result=\"kept\"} 1",
            "dkron_ha_certificate_reloads_total{result=\"swapped\"} 0",
            "dkron_ha_connections 1",
            "dkron_ha_handshake_failures_total{reason=\"deadline\"} 1",
            concat!("dkron_ha_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|have| have == line), "no {line:?} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        drop(open);
        assert!(metrics.text().unwrap().contains("dkron_ha_connections 0\n"));
    }

    #[test]
    fn a_review_without_a_code_has_an_empty_label() {
        let metrics = Metrics::new();
        let tally = Tally { kind: "other", operation: "other", outcome: Outcome::Skipped, code: None };
        metrics.answered(&tally, Duration::ZERO);
        assert!(metrics.text().unwrap().contains("outcome=\"skipped\",code=\"\"} 1"));
    }
}
