//! The environment as the container got it, without the traps in it.

use std::ffi::OsString;

/// Prefix of everything that dkron reads.
const DKRON: &str = "DKRON_";

/// What Kubernetes writes into `<SERVICE>_PORT` and its relatives.
const LINK_SCHEMES: [&str; 3] = ["tcp://", "udp://", "sctp://"];

/// Variables that are text.
#[derive(Debug, Default)]
pub struct Environment {
    said: Vec<(String, String)>,
    service_links: Vec<String>,
}

impl Environment {
    /// Sorts `variables` into what somebody said and what Kubernetes made from Services.
    ///
    /// A Service `dkron-rpc` gives every container of its namespace `DKRON_RPC_PORT=tcp://…`, which dkron would read as
    /// its option `rpc-port` and refuse to start; a Service `dkron-ha-wrapper` would do the same to this program.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        let text = variables.into_iter().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        for (name, value) in text {
            if name.starts_with(DKRON) && LINK_SCHEMES.iter().any(|scheme| value.starts_with(scheme)) {
                environment.service_links.push(name);
            } else {
                environment.said.push((name, value));
            }
        }
        environment
    }

    /// What somebody said; an empty value says nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.said.iter().find(|(said, _)| said == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Names that dkron must not see.
    pub fn service_links(&self) -> &[String] {
        &self.service_links
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_services_are_not_settings() {
        let variables = [
            ("DKRON_RPC_PORT", "tcp://10.0.0.9:6868"),
            ("DKRON_RPC_PORT_6868_UDP", "udp://10.0.0.9:6868"),
            ("DKRON_HA_WRAPPER_PORT", "tcp://10.0.0.8:80"),
            ("DKRON_NODE_NAME", "tcp"),
            ("OTHER_PORT", "tcp://10.0.0.7:80"),
            ("DKRON_REGION", ""),
        ];
        let environment = Environment::of(variables.map(|(k, v)| (k.into(), v.into())));
        let links = ["DKRON_RPC_PORT", "DKRON_RPC_PORT_6868_UDP", "DKRON_HA_WRAPPER_PORT"];
        assert_eq!(environment.service_links(), links);
        assert_eq!(environment.get("DKRON_HA_WRAPPER_PORT"), None);
        assert_eq!(environment.get("DKRON_NODE_NAME"), Some("tcp"));
        assert_eq!(environment.get("OTHER_PORT"), Some("tcp://10.0.0.7:80"));
        assert_eq!(environment.get("DKRON_REGION"), None);
    }
}
