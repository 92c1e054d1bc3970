//! Probes and hooks of the dkron container.

use super::edit::Edit;
use super::recognise::Dkron;
use super::verdict::Warning;
use crate::code;
use crate::contract::path;
use crate::json::Node;
use std::borrow::Cow;

const PROBES: [(&str, &str); 3] =
    [("livenessProbe", path::PROBE_LIVE), ("readinessProbe", path::PROBE_READY), ("startupProbe", path::PROBE_START)];

/// Points probes that ask dkron's HTTP port at the wrapper.
///
/// dkron serves nothing while it waits for its first join, and a liveness kill then destroys the bootstrap (dkron issues
/// 676, 1191, 1323). Timing fields stay. Exec probes stay too, with a warning: what they ask cannot be known.
pub fn redirect(edit: &mut Edit, dkron: &Dkron<'_>, wrapper_port: u16, warnings: &mut Vec<Warning>) {
    let container = &dkron.container;
    for (name, wrapper_path) in PROBES {
        let probe = container.node.get(name);
        let at = container.path.key(name);
        let place = |handler: &str| format!("container/{name}/{handler}");
        let target = format!("{{\"path\":\"{wrapper_path}\",\"port\":{wrapper_port}}}");
        if asks_dkron(probe.get("httpGet"), dkron) {
            edit.set(probe, &at, "httpGet", place("httpGet"), &target);
        } else if asks_dkron(probe.get("tcpSocket"), dkron) {
            edit.remove(at.key("tcpSocket"), place("tcpSocket"), probe.get("tcpSocket"));
            edit.add(at.key("httpGet"), place("httpGet"), target);
        } else if !probe.get("exec").is_null() {
            let text = format!("the exec {name} stays; it may fail while dkron waits for its peers");
            warnings.push(Warning::new(code::EXEC_PROBE_KEPT, text));
        }
    }
}

/// Whether a probe's handler is aimed at dkron's HTTP port in this pod.
fn asks_dkron(handler: &Node<'_>, dkron: &Dkron<'_>) -> bool {
    if handler.is_null() || handler.get("host").str().is_some_and(|host| !host.is_empty()) {
        return false;
    }
    let port = handler.get("port");
    let number = match port.str() {
        Some(name) => named_port(&name, dkron),
        None => port.integer(),
    };
    // Where dkron's port cannot be known, a probe of the dkron container asks dkron: nothing else is supposed to listen.
    number.is_some() && dkron.container.http_port(&dkron.flags).is_none_or(|port| number == Some(port.into()))
}

fn named_port(name: &str, dkron: &Dkron<'_>) -> Option<i64> {
    let ports = dkron.container.node.get("ports").items();
    let named = ports.iter().find(|port| port.get("name").str().as_deref() == Some(name));
    named.map_or_else(|| name.parse().ok(), |port| port.get("containerPort").integer())
}

/// Takes out a preStop hook that makes dkron leave: it would leave before leadership is handed over.
pub fn drop_leaving_hook(edit: &mut Edit, dkron: &Dkron<'_>, warnings: &mut Vec<Warning>) {
    let container = &dkron.container;
    let lifecycle = container.node.get("lifecycle");
    let hook = lifecycle.get("preStop");
    if !leaves(hook) {
        return;
    }
    let place = "container/lifecycle/preStop";
    if lifecycle.members().len() == 1 {
        edit.remove(container.path.key("lifecycle"), "container/lifecycle", lifecycle);
    } else {
        edit.remove(container.path.key("lifecycle").key("preStop"), place, hook);
    }
    warnings.push(Warning::new(
        code::LEAVING_HOOK_REMOVED,
        "the preStop hook that leaves was taken out; the wrapper does it",
    ));
}

fn leaves(hook: &Node<'_>) -> bool {
    if hook.get("httpGet").get("path").str().is_some_and(|path| path.contains("/v1/leave")) {
        return true;
    }
    let words = hook.get("exec").get("command").strings().unwrap_or_default();
    let split: Vec<Cow<'_, str>> = words
        .iter()
        .flat_map(|word| word.split(|c: char| c.is_whitespace() || ";&|()\"'".contains(c)))
        .filter(|word| !word.is_empty())
        .map(Cow::Borrowed)
        .collect();
    let is_dkron = |word: &str| word.rsplit('/').next() == Some("dkron");
    split.iter().any(|word| word.contains("/v1/leave"))
        || split.windows(2).any(|pair| is_dkron(&pair[0]) && pair[1] == "leave")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Shape;

    static HOOK: Shape = Shape::Object(&[
        ("httpGet", &Shape::MAP),
        ("exec", &Shape::Object(&[("command", &Shape::List(&Shape::Text))])),
    ]);

    #[test]
    fn only_hooks_that_leave_are_dropped() {
        let leaving = [
            r#"{"exec":{"command":["./dkron","leave"]}}"#,
            r#"{"exec":{"command":["/bin/sh","-c","sleep 5; /usr/local/bin/dkron leave --rpc-addr x"]}}"#,
            r#"{"exec":{"command":["sh","-c","wget --post-data='' -qO- http://127.0.0.1:8080/v1/leave"]}}"#,
            r#"{"exec":{"command":["curl","-XPOST","localhost:8080/v1/leave"]}}"#,
            r#"{"httpGet":{"path":"/v1/leave","port":8080}}"#,
        ];
        let staying = [
            "null",
            r#"{"exec":{"command":["sleep","5"]}}"#,
            r#"{"exec":{"command":["sh","-c","echo dkron; echo leave"]}}"#,
            r#"{"sleep":{"seconds":5}}"#,
            r#"{"httpGet":{"path":"/leaver","port":8080}}"#,
        ];
        let parse = |text| Node::parse(text, &HOOK).unwrap();
        for hook in leaving {
            assert!(leaves(&parse(hook)), "{hook}");
        }
        for hook in staying {
            assert!(!leaves(&parse(hook)), "{hook}");
        }
    }
}
