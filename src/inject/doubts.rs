//! What a person should hear about a pod that is injected all the same.
//!
//! A set's pods are made by its controller, and nobody reads what is said to a controller: the StatefulSet pass says it of
//! the template.

use super::edit::Edit;
use super::probes;
use super::recognise::Dkron;
use super::role::Known;
use super::verdict::Warning;
use crate::code;
use crate::json::Node;
use crate::options::Role;
use crate::settings::Ports;

/// Whether the pod is for Windows nodes, where nothing of this works.
pub fn runs_windows(spec: &Node<'_>) -> bool {
    spec.get("os").get("name").is("windows") || spec.get("nodeSelector").get("kubernetes.io/os").is("windows")
}

/// Doubts that hold for servers and agents.
pub fn of_pod(spec: &Node<'_>, known: Known, ports: Ports, warnings: &mut Vec<Warning>) {
    if spec.get("hostNetwork").bool() == Some(true) {
        let Ports { wrapper, label, .. } = ports;
        let text = format!("hostNetwork: one dkron pod a node, and ports {wrapper} and {label} must be free there");
        warnings.push(Warning::new(code::HOST_NETWORK, text));
    }
    if known == Known::AtRunTime {
        let text = "dkron's configuration decides server or agent; annotation dkron-ha.io/role says it for sure";
        warnings.push(Warning::new(code::ROLE_AT_RUN_TIME, text));
    }
}

/// What the pods of this template will be told, said of the template.
pub fn of_template(dkron: &Dkron<'_>, spec: &Node<'_>, known: Known, ports: Ports, warnings: &mut Vec<Warning>) {
    of_pod(spec, known, ports, warnings);
    if known != Known::Certain(Role::Agent) {
        let mut nothing = Edit::default();
        probes::redirect(&mut nothing, dkron, ports.wrapper, warnings);
        probes::drop_leaving_hook(&mut nothing, dkron, warnings);
    }
}
