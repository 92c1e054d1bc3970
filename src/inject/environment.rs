//! Environment of the dkron container. Only names that the user left free are written.

use super::container::Variable;
use super::edit::Edit;
use super::recognise::Dkron;
use crate::json::quoted;

/// One variable to be added.
#[derive(Debug)]
pub enum Value<'v> {
    /// A text.
    Text(&'v str),
    /// A field of the pod, by the downward API.
    Field(&'static str),
}

/// Adds the variables that the container does not have yet.
pub fn add(edit: &mut Edit, dkron: &Dkron<'_>, variables: &[(&str, Value<'_>)]) {
    let container = &dkron.container;
    let missing = variables.iter().filter(|(name, _)| container.variable(name) == Variable::Absent);
    let items = missing.map(|(name, value)| (format!("container/env/{name}"), entry(name, value))).collect();
    edit.append(container.node, &container.path, "env", items);
}

/// JSON of one entry of `env`.
pub fn entry(name: &str, value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("{{\"name\":\"{name}\",\"value\":{}}}", quoted(text)),
        Value::Field(field) => {
            format!(
                "{{\"name\":\"{name}\",\"valueFrom\":{{\"fieldRef\":{{\"apiVersion\":\"v1\",\"fieldPath\":\"{field}\"}}}}}}"
            )
        }
    }
}
