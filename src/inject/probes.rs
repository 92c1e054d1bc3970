//! Probes and hooks of the dkron container.

use super::command;
use super::edit::Edit;
use super::recognise::Dkron;
use super::verdict::Warning;
use crate::code;
use crate::contract::{path, port};
use crate::json::Node;

const PROBES: [(&str, &str); 3] =
    [("livenessProbe", path::PROBE_LIVE), ("readinessProbe", path::PROBE_READY), ("startupProbe", path::PROBE_START)];

/// Points probes that ask dkron's HTTP port at the wrapper.
///
/// dkron serves nothing while it waits for its first join, and a liveness kill then destroys the bootstrap (dkron issues
/// 676, 1191, 1323). Timing fields stay. Probes that cannot be read, or that ask dkron's RPC port, which opens as late, stay
/// with a warning.
pub fn redirect(edit: &mut Edit, dkron: &Dkron<'_>, wrapper_port: u16, warnings: &mut Vec<Warning>) {
    let container = &dkron.container;
    for (name, wrapper_path) in PROBES {
        let probe = container.node.get(name);
        let at = container.path.key(name);
        let place = |handler: &str| format!("container/{name}/{handler}");
        let target = format!("{{\"path\":\"{wrapper_path}\",\"port\":{wrapper_port}}}");
        match asks(probe, dkron) {
            Asks::Http => edit.set(probe, &at, "httpGet", place("httpGet"), &target),
            Asks::Tcp => {
                edit.remove(at.key("tcpSocket"), place("tcpSocket"), probe.get("tcpSocket"));
                edit.add(at.key("httpGet"), place("httpGet"), target);
            }
            Asks::Late(what) => {
                let text = format!("the {name} ({what}) stays; it may fail while dkron waits for its peers");
                warnings.push(Warning::new(code::PROBE_KEPT, text));
            }
            Asks::Other => {}
        }
    }
}

/// What a probe asks.
enum Asks {
    /// dkron's HTTP port, by HTTP.
    Http,
    /// dkron's HTTP port, by TCP.
    Tcp,
    /// Something that answers only once dkron has joined.
    Late(&'static str),
    /// Something else, or nothing.
    Other,
}

fn asks(probe: &Node<'_>, dkron: &Dkron<'_>) -> Asks {
    if !probe.get("exec").is_null() {
        return Asks::Late("exec");
    }
    let (http, tcp) = (probe.get("httpGet"), probe.get("tcpSocket"));
    let (handler, found) = if http.is_null() { (tcp, Asks::Tcp) } else { (http, Asks::Http) };
    if handler.is_null() || handler.get("host").str().is_some_and(|host| !host.is_empty()) {
        return Asks::Other;
    }
    let asked = handler.get("port");
    let asked = asked.str().map_or_else(|| asked.integer(), |name| named_port(&name, dkron));
    let asks_rpc = asked == Some(port::DKRON_RPC.into());
    match dkron.container.http_port(&dkron.flags) {
        Some(port) if asked == Some(port.into()) => found,
        _ if asks_rpc => Asks::Late("dkron's RPC port"),
        // A configuration file may say any port: by HTTP there is nothing else to ask in this container, and by TCP the
        // usual port is dkron's until something else is known.
        None if !http.is_null() && asked.is_some() => Asks::Http,
        None if asked == Some(port::DKRON_HTTP.into()) => Asks::Tcp,
        _ => Asks::Other,
    }
}

fn named_port(name: &str, dkron: &Dkron<'_>) -> Option<i64> {
    let ports = dkron.container.node.get("ports").items();
    let named = ports.iter().find(|port| port.get("name").is(name));
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
    command::runs_verb(&words, "leave") || words.iter().any(|word| word.contains("/v1/leave"))
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
            r#"{"exec":{"command":["dkron","--config","/x","leave"]}}"#,
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
