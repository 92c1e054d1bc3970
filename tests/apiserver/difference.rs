//! Where two JSON values differ.

use std::collections::BTreeSet;

use serde_json::Value;

/// One line for each place: its path, and both values; of lists of different length, what only one of them has. Equal values
/// give none.
pub fn differences(left: &Value, right: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", left, right, &mut found);
    found
}

fn compare(path: &str, left: &Value, right: &Value, found: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                compare(&format!("{path}.{name}"), &left[name], &right[name], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{at}]"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let only = |these: &[Value], those: &[Value]| {
                let missing: Vec<_> = these.iter().filter(|item| !those.contains(item)).map(Value::to_string).collect();
                missing.join(", ")
            };
            found.push(format!("{path}: [{}] against [{}]", only(a, b), only(b, a)));
        }
        // 1e9 and 1000000000 are one number to JSON; to serde_json they are a float and an integer.
        (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() && a.as_f64() == b.as_f64() => {}
        _ if left == right => {}
        _ => found.push(format!("{path}: {left} against {right}")),
    }
}
