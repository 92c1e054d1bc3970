//! Bodies that no API server sends, at the real server with the real engine: each gets a clear answer, and the next review
//! is served as ever.

use crate::serving::serve;
use dkron_ha::rehearsal::Shared;
use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A review of about `size` bytes that ends in a patch.
fn review(size: usize) -> Value {
    let variables: Vec<Value> = (0..size / 120)
        .map(|n| json!({"name": format!("SETTING_{n:05}"), "value": "x".repeat(60), "future": null}))
        .collect();
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0", "operation": "CREATE", "namespace": "billing",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "object": {
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dkron-0"},
                "spec": {"containers": [{"name": "d", "image": "dkron/dkron:4.0.9", "args": ["agent", "--server"], "env": variables}]}
            }
        }
    })
}

struct Case {
    name: &'static str,
    body: Vec<u8>,
    status: u16,
    /// What the answer must contain.
    says: &'static str,
}

fn case(name: &'static str, body: impl Into<Vec<u8>>, status: u16, says: &'static str) -> Case {
    Case { name, body: body.into(), status, says }
}

fn changed(change: impl Fn(&mut Value)) -> String {
    let mut review = review(1_000);
    change(&mut review);
    review.to_string()
}

fn cases() -> Vec<Case> {
    let plain = review(1_000).to_string();
    let deep = |n: usize| plain.replace("\"future\":null", &format!("\"future\":{}{}", "[".repeat(n), "]".repeat(n)));
    let mut not_utf8 = plain.clone().into_bytes();
    not_utf8[40] = 0xff;
    vec![
        case("20 KB", review(20_000).to_string(), 200, "JSONPatch"),
        case("1 MB", review(1_000_000).to_string(), 200, "JSONPatch"),
        case("4 MiB", vec![b' '; 4 << 20], 413, ""),
        case("depth 10,000", deep(10_000), 400, "nests deeper"),
        case("depth that is allowed", deep(100), 200, "JSONPatch"),
        case("invalid UTF-8", not_utf8, 400, "not UTF-8"),
        case("truncated", plain.as_bytes()[..plain.len() / 2].to_vec(), 400, "not JSON"),
        case("empty", "", 400, "not JSON"),
        case("two values", format!("{plain}{plain}"), 400, "not JSON"),
        case("wrong kind", plain.replace("AdmissionReview", "TokenReview"), 400, "not an AdmissionReview"),
        case("wrong version", plain.replace("k8s.io/v1", "k8s.io/v1beta1"), 400, "not an AdmissionReview"),
        case("no uid", changed(|r| r["request"]["uid"] = json!(null)), 400, "uid"),
        case("a number for uid", changed(|r| r["request"]["uid"] = json!(7)), 400, "uid"),
        case("an endless uid", changed(|r| r["request"]["uid"] = json!("u".repeat(1000))), 400, "uid"),
        case("no object", changed(|r| r["request"]["object"] = json!(null)), 400, "object"),
        case(
            "another kind of object",
            changed(|r| r["request"]["kind"]["kind"] = json!("Secret")),
            200,
            "\"allowed\":true",
        ),
        case("a pod's status", changed(|r| r["request"]["subResource"] = json!("status")), 200, "\"allowed\":true"),
        case("DELETE", changed(|r| r["request"]["operation"] = json!("DELETE")), 200, "\"allowed\":true"),
        case("a list for spec", changed(|r| r["request"]["object"]["spec"] = json!([])), 200, "DKHA-012"),
        case(
            "a list of numbers",
            changed(|r| r["request"]["object"]["spec"]["containers"] = json!([1])),
            200,
            "DKHA-012",
        ),
        // The last of two members counts, as for the API server.
        case(
            "duplicate keys",
            plain.replace("\"operation\":", "\"uid\":\"last\",\"operation\":"),
            200,
            "\"uid\":\"last\"",
        ),
        case(
            "duplicate metadata",
            plain.replace("\"spec\":{", "\"metadata\":{\"name\":\"dkron-1\"},\"spec\":{"),
            200,
            "JSONPatch",
        ),
        case("10^5 labels", changed(many_labels), 200, "JSONPatch"),
        case("numbers beyond 2^53", plain.replace("null", "123456789012345678901234567890.5e400"), 200, "JSONPatch"),
        case("NUL in text", plain.replace("xxxx", "\\u0000"), 200, "JSONPatch"),
        case("a lone surrogate", plain.replace("SETTING", "\\ud800"), 200, "JSONPatch"),
    ]
}

fn many_labels(review: &mut Value) {
    let labels: serde_json::Map<_, _> = (0..100_000).map(|n| (format!("l{n}"), json!("v"))).collect();
    review["request"]["object"]["metadata"]["labels"] = Value::Object(labels);
}

#[test]
fn every_body_gets_a_clear_answer_and_the_server_lives() {
    let runtime = Runtime::new().expect("a runtime");
    let served = runtime.block_on(serve(Shared::default()));
    // One that is never disturbed, and one for each case: a refused body ends its connection.
    let mut steady = runtime.block_on(served.connect());
    for case in cases() {
        let before = resident();
        let mut client = runtime.block_on(served.connect());
        let (status, body) = runtime.block_on(client.post(Bytes::from(case.body))).expect("an answer");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        assert_eq!(status.as_u16(), case.status, "{}: {body}", case.name);
        assert!(body.contains(case.says), "{}: {body}", case.name);
        let (status, _) = runtime.block_on(steady.post(Bytes::from(review(2_000).to_string()))).expect("an answer");
        assert_eq!(status, StatusCode::OK, "after {}", case.name);
        println!("{:28} {} {:+} KiB", case.name, case.status, resident() - before);
    }
    drop(steady);
    runtime.block_on(served.end());
    println!("resident at the end: {} KiB", resident());
    assert!(resident() < 128 * 1024, "memory grew to {} KiB", resident());
}

/// Resident memory of this process, client and server together, in KiB.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
