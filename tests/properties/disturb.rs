//! What others do to objects: injectors between two of our reviews, and attackers.

use super::generate::{Generator, push};
use serde_json::{Value, json};

impl Generator {
    /// What another injector may do to an injected object: prepend and append containers, add fields, take things out.
    pub fn disturb(&mut self, mut object: Value) -> Value {
        let object_is_pod = object["kind"] == "Pod";
        let spec = if object_is_pod { &mut object["spec"] } else { &mut object["spec"]["template"]["spec"] };
        let sidecar = json!({"name": "istio-proxy", "image": "proxy:1", "args": ["proxy"]});
        for list in ["containers", "initContainers"] {
            if let Some(items) = spec[list].as_array_mut() {
                match self.below(4) {
                    0 => items.insert(0, sidecar.clone()),
                    1 => items.push(sidecar.clone()),
                    2 if !items.is_empty() => items.rotate_left(1),
                    _ => {}
                }
            }
        }
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            if self.chance(50) {
                push(container, "env", json!({"name": "INJECTED_BY_OTHERS", "value": "1"}));
            }
            if self.chance(10) {
                container["env"] = json!([]);
            }
            container["terminationMessagePath"] = json!("/dev/termination-log");
            if self.chance(15) {
                push(container, "envFrom", json!({"configMapRef": {"name": "others"}}));
            }
            if self.chance(15) {
                push(container, "volumeMounts", json!({"name": "istio-envoy", "mountPath": "/etc/dkron/config"}));
            }
            // As secret injectors do: their own program in front, all the rest behind it.
            if self.chance(15) && object_is_pod {
                let mut words = container["command"].as_array().cloned().unwrap_or_default();
                words.extend(container["args"].as_array().cloned().unwrap_or_default());
                container["command"] = json!(["/vault/vault-env"]);
                container["args"] = Value::Array(words);
            }
        }
        if self.chance(20)
            && let Some(volumes) = spec["volumes"].as_array_mut()
        {
            volumes.pop();
        }
        push(spec, "volumes", json!({"name": "istio-envoy", "emptyDir": {}}));
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.insert("sidecar.istio.io/status".into(), json!("{}"));
        }
        object
    }

    /// A body that no API server would send.
    pub fn hostile(&mut self, mut body: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(3) {
            if body.is_empty() {
                return body;
            }
            let at = self.below(body.len());
            match self.below(6) {
                0 => body.truncate(at),
                1 => body[at] = u8::try_from(self.below(256)).unwrap_or_default(),
                2 => drop(body.remove(at)),
                3 => body.insert(at, self.pick(b"{}[]\",:\\0")),
                4 => {
                    let deep = self.pick(&["[", "{\"a\":"]).repeat(self.below(400));
                    body.splice(at..at, deep.into_bytes());
                }
                // A value of another kind where structure was expected.
                _ => {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let (from, to) = self.pick(&[
                        ("\"spec\":{", "\"spec\":[],\"old\":{"),
                        ("\"containers\":[", "\"containers\":5,\"old\":["),
                        ("\"metadata\":{", "\"metadata\":\"x\",\"metadata\":{"),
                        ("\"env\":[", "\"env\":{\"a\":1},\"old\":["),
                        ("\"labels\":{", "\"labels\":[1],\"old\":{"),
                        ("\"name\":\"dkron\"", "\"name\":null"),
                        ("\"command\":[", "\"command\":[1,"),
                        ("\"uid\":\"generated\"", "\"uid\":\"\""),
                        ("\"operation\":\"CREATE\"", "\"operation\":\"UPDATE\""),
                    ]);
                    body = text.replacen(from, to, 1).into_bytes();
                }
            }
        }
        body
    }
}
