//! Whether an object is as it is to be, so that it need not be applied. Pure.

use serde_json::Value;

/// Whether everything that is wanted stands there. What stands there beside it is the API server's or somebody else's, and applying
/// would leave it as it is. Lists have to be the same: applying would say so in any case.
pub fn holds(present: &Value, wanted: &Value) -> bool {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| present.get(key).is_some_and(|present| holds(present, wanted)))
        }
        (Value::Array(present), Value::Array(wanted)) => {
            present.len() == wanted.len() && present.iter().zip(wanted).all(|(present, wanted)| holds(present, wanted))
        }
        _ => present == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_added_does_not_matter_and_what_they_changed_does() {
        let wanted = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"ports": [{"port": 80}]}});
        let defaulted = json!({
            "metadata": {"labels": {"a": "1", "b": "2"}, "uid": "u"},
            "spec": {"ports": [{"port": 80, "protocol": "TCP"}], "type": "ClusterIP"},
        });
        assert!(holds(&defaulted, &wanted));
        for (place, other) in [
            ("/metadata/labels/a", json!("2")),
            ("/spec/ports/0/port", json!(81)),
            ("/spec/ports", json!([])),
            ("/spec", Value::Null),
        ] {
            let mut changed = defaulted.clone();
            *changed.pointer_mut(place).unwrap() = other;
            assert!(!holds(&changed, &wanted), "{place}");
        }
        assert!(!holds(&Value::Null, &wanted));
    }
}
