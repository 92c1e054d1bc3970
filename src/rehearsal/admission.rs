//! The API server's part of an admission: the review it sends, and what it does with the answer.

use crate::inject::WORKLOAD;
use crate::json::{Node, Operation, Patch, Pointer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What became of an object.
#[derive(Debug)]
pub struct Admitted {
    /// The object as it would be stored, JSON text; the author's own where nothing was changed.
    pub json: String,
    /// Operations that were applied.
    pub operations: usize,
    /// Lines that kubectl would print.
    pub warnings: Vec<String>,
    /// The refusal, if it was refused; the object is then the author's.
    pub refusal: Option<String>,
}

/// The part of an `AdmissionReview` that an API server reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    uid: String,
    allowed: bool,
    #[serde(default)]
    patch: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    status: Option<Value>,
}

/// An answer that an API server would not take.
#[derive(Debug, thiserror::Error)]
pub enum FaultyAnswer {
    /// Not an `AdmissionReview` with a response.
    #[error("the answer is no AdmissionReview: {0}")]
    NotAReview(#[from] serde_json::Error),
    /// A response to somebody else's request.
    #[error("the answer is for request {0:?}")]
    WrongUid(String),
    /// A patch that cannot be read or applied.
    #[error("the patch cannot be applied: {0}")]
    Patch(String),
}

/// The review that an API server would send for the creation of an object; `None` for kinds that are never sent.
pub fn review_of(json: &str, namespace: &str, uid: &str) -> Option<String> {
    let object: Value = serde_json::from_str(json).ok()?;
    let (group, kind, resource) = match (object["apiVersion"].as_str()?, object["kind"].as_str()?) {
        ("v1", "Pod") => ("", "Pod", "pods"),
        ("apps/v1", "StatefulSet") => ("apps", "StatefulSet", "statefulsets"),
        _ => return None,
    };
    let request = json!({
        "uid": uid,
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": resource},
        "name": object["metadata"]["name"],
        "namespace": namespace,
        "operation": "CREATE",
    });
    // The object goes in as its own text: numbers keep how they were written.
    let request = request.to_string();
    let request = request.strip_suffix('}')?;
    Some(format!(
        "{{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{request},\"object\":{json},\"oldObject\":null}}}}"
    ))
}

/// Reads an answer and does what it says with the object.
///
/// # Errors
/// [`FaultyAnswer`] where an API server would call the webhook broken.
pub fn admit(json: &str, uid: &str, answer: &[u8]) -> Result<Admitted, FaultyAnswer> {
    #[derive(Deserialize)]
    struct Review {
        response: Answer,
    }
    let Review { response } = serde_json::from_slice(answer)?;
    if response.uid != uid {
        return Err(FaultyAnswer::WrongUid(response.uid));
    }
    let mut admitted = Admitted { json: json.to_owned(), operations: 0, warnings: response.warnings, refusal: None };
    if !response.allowed {
        let status = response.status.unwrap_or_default();
        admitted.refusal = Some(status["message"].as_str().unwrap_or("denied without a reason").to_owned());
    } else if let Some(patch) = response.patch {
        let fault = |error: &dyn std::fmt::Display| FaultyAnswer::Patch(error.to_string());
        let patch = STANDARD.decode(patch).map_err(|error| fault(&error))?;
        let patch = read_patch(&patch)?;
        let mut object = Node::parse(json, &WORKLOAD).map_err(|error| fault(&error))?;
        patch.apply(&mut object).map_err(|error| fault(&error))?;
        admitted.operations = patch.operations().len();
        admitted.json = object.to_json();
    }
    Ok(admitted)
}

fn read_patch(text: &[u8]) -> Result<Patch, FaultyAnswer> {
    #[derive(Deserialize)]
    struct Written<'a> {
        op: &'a str,
        path: String,
        #[serde(borrow)]
        value: Option<&'a RawValue>,
    }
    let mut patch = Patch::default();
    for Written { op, path: written, value } in serde_json::from_slice::<Vec<Written<'_>>>(text)? {
        let path = Pointer::of(&written);
        patch.push(match (op, value) {
            ("add", Some(value)) => Operation::Add(path, value.get().to_owned()),
            ("replace", Some(value)) => Operation::Replace(path, value.get().to_owned()),
            ("remove", None) => Operation::Remove(path),
            _ => return Err(FaultyAnswer::Patch(format!("{op} {path}"))),
        });
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(response: &Value) -> Vec<u8> {
        json!({"response": response}).to_string().into_bytes()
    }

    #[test]
    fn a_patch_is_applied_to_the_authors_text() {
        let patch = STANDARD.encode(r#"[{"op":"add","path":"/spec","value":{"a":1.50}}]"#);
        let answer = answer(&json!({"uid": "u", "allowed": true, "patch": patch, "warnings": ["w"]}));
        let admitted = admit(r#"{"n":1.10}"#, "u", &answer).unwrap();
        assert_eq!(admitted.json, r#"{"n":1.10,"spec":{"a":1.50}}"#);
        assert_eq!((admitted.operations, admitted.warnings), (1, vec!["w".into()]));
    }

    #[test]
    fn refusals_and_faults_are_told_apart() {
        let refused = answer(&json!({"uid": "u", "allowed": false, "status": {"message": "no"}}));
        assert_eq!(admit("{}", "u", &refused).unwrap().refusal.as_deref(), Some("no"));
        assert!(matches!(admit("{}", "v", &refused), Err(FaultyAnswer::WrongUid(_))));
        let broken = STANDARD.encode(r#"[{"op":"remove","path":"/x"}]"#);
        let broken = answer(&json!({"uid": "u", "allowed": true, "patch": broken}));
        assert!(matches!(admit("{}", "u", &broken), Err(FaultyAnswer::Patch(_))));
        assert!(matches!(admit("{}", "u", b"{}"), Err(FaultyAnswer::NotAReview(_))));
    }

    #[test]
    fn only_pods_and_sets_are_sent() {
        let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"x":1.10}"#;
        let review = review_of(pod, "n", "u").unwrap();
        assert!(review.contains("\"x\":1.10"));
        let parsed: Value = serde_json::from_str(&review).unwrap();
        assert_eq!(parsed["request"]["object"]["metadata"]["name"], "p");
        assert_eq!(parsed["request"]["uid"], "u");
        assert!(review_of(r#"{"apiVersion":"v1","kind":"Service"}"#, "n", "u").is_none());
        assert!(review_of("{", "n", "u").is_none());
    }
}
