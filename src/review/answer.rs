//! The engine as a [`Reviewer`]: an `AdmissionReview` of `admission.k8s.io/v1` is read, decided, and answered.

use super::{Account, Outcome, ReviewError, Reviewed, Reviewer, Tally};
use crate::code;
use crate::inject::{Decision, Engine, Kind, REVIEW, Request, Verdict};
use crate::json::{MAX_DEPTH, Node, Patch, too_deep};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::borrow::Cow;

const API_VERSION: &str = "admission.k8s.io/v1";

/// Largest `uid` that is echoed. Kubernetes' own have 36 characters.
const MAX_UID: usize = 128;

impl Reviewer for Engine {
    fn review(&self, body: &[u8]) -> Result<Reviewed, ReviewError> {
        let malformed = |what: &str| ReviewError::Malformed(what.into());
        let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
        if too_deep(text) {
            return Err(ReviewError::Malformed(format!("the body nests deeper than {MAX_DEPTH} levels")));
        }
        let review = Node::parse(text, &REVIEW).map_err(|error| ReviewError::Malformed(error.to_string()))?;
        if !review.get("kind").is("AdmissionReview") || !review.get("apiVersion").is(API_VERSION) {
            return Err(malformed("not an AdmissionReview of admission.k8s.io/v1"));
        }
        let request = review.get("request");
        let uid = request.get("uid").str().filter(|uid| !uid.is_empty() && uid.len() <= MAX_UID);
        let uid = uid.ok_or_else(|| malformed("request.uid is missing, empty, or too long"))?;
        answer(self, request, &uid)
    }
}

fn answer(engine: &Engine, request: &Node<'_>, uid: &str) -> Result<Reviewed, ReviewError> {
    let kind = kind(request.get("kind"));
    let operation = match request.get("operation").str().as_deref() {
        Some("CREATE") => "CREATE",
        Some("UPDATE") => "UPDATE",
        _ => "other",
    };
    let sub_resource = !request.get("subResource").is_empty();
    let object = request.get("object");
    let reviewed = match (kind, operation) {
        (Some(kind), "CREATE" | "UPDATE") if !sub_resource => Some(kind),
        _ => None,
    };
    // Pods are only ever created by us: their specs do not change afterwards.
    let Some(kind) = reviewed.filter(|kind| (*kind, operation) != (Kind::Pod, "UPDATE")) else {
        let tally = tally(kind, operation, Outcome::Skipped, None);
        return Ok(reviewed_as(allowed(uid, None, &[]), tally));
    };
    if object.is_null() {
        return Err(ReviewError::Malformed("request.object is missing".into()));
    }
    let old = request.get("oldObject");
    let request = Request {
        kind,
        namespace: request.get("namespace").str().unwrap_or(Cow::Borrowed("")),
        object,
        old: (operation == "UPDATE" && !old.is_null()).then_some(old),
    };
    let Verdict { decision, warnings, account } = engine.decide(&request);
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let tally = |outcome, code| tally(Some(kind), operation, outcome, code);
    let account = account.map(|name| Account { namespace: request.namespace.clone().into_owned(), name });
    let reviewed = match decision {
        Decision::Patch(patch) if patch.is_empty() => {
            reviewed_as(allowed(uid, None, &warnings), tally(Outcome::Unchanged, None))
        }
        Decision::Patch(patch) => {
            prove(&patch, object)?;
            reviewed_as(allowed(uid, Some(&patch), &warnings), tally(Outcome::Patched, None))
        }
        Decision::Skip(code) => reviewed_as(allowed(uid, None, &warnings), tally(Outcome::Skipped, code)),
        Decision::NotYet => {
            return Err(ReviewError::Internal("the list of dkron clusters has not arrived yet; try again".into()));
        }
        Decision::Reject(rejection) => reviewed_as(
            refused(uid, &rejection.to_string(), &rejection.code.to_string()),
            tally(Outcome::Rejected, Some(rejection.code)),
        ),
    };
    Ok(Reviewed { account, ..reviewed })
}

fn reviewed_as(body: Vec<u8>, tally: Tally) -> Reviewed {
    Reviewed { body, tally, account: None }
}

/// Applies the patch to the object before anybody else does: one that does not apply would be a refusal whatever the
/// registered `failurePolicy` says, and it is our fault.
fn prove(patch: &Patch, object: &Node<'_>) -> Result<(), ReviewError> {
    let mut copy = object.clone();
    patch.apply(&mut copy).map_err(|error| ReviewError::Internal(format!("{}: {error}", code::PATCH_DOES_NOT_APPLY)))
}

fn kind(kind: &Node<'_>) -> Option<Kind> {
    let of = |name: &str| kind.get(name).str().unwrap_or_default();
    match (&*of("group"), &*of("version"), &*of("kind")) {
        ("", "v1", "Pod") => Some(Kind::Pod),
        ("apps", "v1", "StatefulSet") => Some(Kind::StatefulSet),
        _ => None,
    }
}

fn tally(kind: Option<Kind>, operation: &'static str, outcome: Outcome, code: Option<code::Code>) -> Tally {
    let kind = match kind {
        Some(Kind::Pod) => "Pod",
        Some(Kind::StatefulSet) => "StatefulSet",
        None => "other",
    };
    Tally { kind, operation, outcome, code }
}

/// Written by hand, since the patch is most of it: base64 needs no escapes, and no second copy.
fn allowed(uid: &str, patch: Option<&Patch>, warnings: &[String]) -> Vec<u8> {
    let patch = patch.map(Patch::to_json);
    let mut body = String::with_capacity(256 + patch.as_ref().map_or(0, |patch| patch.len() * 4 / 3));
    let uid = Value::from(uid);
    body.push_str(r#"{"apiVersion":""#);
    body.push_str(API_VERSION);
    body.push_str(r#"","kind":"AdmissionReview","response":{"allowed":true,"uid":"#);
    body.push_str(&uid.to_string());
    if let Some(patch) = patch {
        body.push_str(r#","patchType":"JSONPatch","patch":""#);
        STANDARD.encode_string(patch, &mut body);
        body.push('"');
    }
    if !warnings.is_empty() {
        body.push_str(r#","warnings":"#);
        body.push_str(&Value::from(warnings).to_string());
        // Keys get the webhook's name in front of them in the audit log.
        body.push_str(r#","auditAnnotations":"#);
        body.push_str(&json!({"warnings": warnings.join("; ")}).to_string());
    }
    body.push_str("}}");
    body.into_bytes()
}

fn refused(uid: &str, message: &str, code: &str) -> Vec<u8> {
    let response = json!({
        "uid": uid,
        "allowed": false,
        "status": {"status": "Failure", "code": 422, "reason": "Invalid", "message": message},
        "auditAnnotations": {"code": code}
    });
    json!({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}).to_string().into_bytes()
}
