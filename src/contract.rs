//! Every name that users, manifests, or two of the programs share: labels, annotations, environment variables, ports, paths.
//!
//! One place for each fact and no logic. What a name means to users is written in `docs/reference.md`.

/// Domain of every label, annotation and field manager.
pub const DOMAIN: &str = "dkron-ha.io";

/// Labels. Values are noted beside each name.
pub mod label {
    /// `enabled` on a namespace opts it in.
    pub const INJECTION: &str = "dkron-ha.io/injection";
    /// Value of [`INJECTION`] that opts a namespace in.
    pub const INJECTION_ENABLED: &str = "enabled";
    /// `"false"` on a pod, template or set opts it out; `"true"` opts in a pod that would not be recognised.
    pub const INJECT: &str = "dkron-ha.io/inject";
    /// `"true"` on every set, template and pod that was injected.
    pub const INJECTED: &str = "dkron-ha.io/injected";
    /// Cluster that a server belongs to: the name of its StatefulSet, or the common part of bare pods' names.
    pub const CLUSTER: &str = "dkron-ha.io/cluster";
    /// The same value as [`CLUSTER`]; the one label by which agents find servers.
    pub const SERVER_OF: &str = "dkron-ha.io/server-of";
    /// `"true"` on the one pod that leads; kept by the label updater.
    pub const LEADER: &str = "dkron-ha.io/leader";
    /// Kubernetes' own: who made and keeps an object. [`object::CONTROLLER`](super::object::CONTROLLER) on all that the controller
    /// makes.
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
}

/// Annotations that dkron-ha writes, or reads outside the table of `options`.
pub mod annotation {
    /// The cluster that an agent joins; frozen on the template of a set of agents.
    pub const CLUSTER: &str = "dkron-ha.io/cluster";
    /// Server or agent.
    pub const ROLE: &str = "dkron-ha.io/role";
    /// Who replaces pods.
    pub const ROLLOUT: &str = "dkron-ha.io/rollout";
    /// On a set whose pods the controller replaces: JSON that says how far it is.
    pub const ROLLOUT_STATUS: &str = "dkron-ha.io/rollout-status";
    /// The Service that names the servers.
    pub const SERVICE: &str = "dkron-ha.io/service";
    /// What users and the StatefulSet pass both write: the size of the first bootstrap.
    pub const INITIAL_CLUSTER_SIZE: &str = "dkron-ha.io/initial-cluster-size";
    /// `spec.ordinals.start` of the set when it was stamped.
    pub const ORDINALS_START: &str = "dkron-ha.io/ordinals-start";
    /// Least grace period in seconds; frozen on the template so that an upgrade of dkron-ha never rolls a set.
    pub const GRACE: &str = "dkron-ha.io/grace";
    /// JSON: version of dkron-ha and exactly what it added, replaced and removed.
    pub const STATUS: &str = "dkron-ha.io/status";
    /// Written by the label updater once its server has reported a leader.
    pub const FORMED: &str = "dkron-ha.io/formed";
    /// The kubelet's mark of a static pod's mirror; never injected.
    pub const MIRROR_POD: &str = "kubernetes.io/config.mirror";
}

/// Environment of the dkron container. The first five names are those of the Helm chart that came before.
pub mod env {
    /// Number of servers of the first bootstrap.
    pub const INITIAL_CLUSTER_SIZE: &str = "INITIAL_CLUSTER_SIZE";
    /// The size that counts, where the user's own `INITIAL_CLUSTER_SIZE` says another one or cannot be read.
    pub const SIZE: &str = "DKRON_HA_SIZE";
    /// Name of the pod.
    pub const POD_NAME: &str = "POD_NAME";
    /// Address of the pod.
    pub const POD_IP: &str = "POD_IP";
    /// Name of the StatefulSet, or of the group of bare pods.
    pub const STATEFULSET_NAME: &str = "STATEFULSET_NAME";
    /// Namespace of the pod.
    pub const STATEFULSET_NAMESPACE: &str = "STATEFULSET_NAMESPACE";
    /// First-boot peers, comma-separated, `<pod>.<service>.<namespace>.svc`, own name included.
    pub const PEERS: &str = "DKRON_HA_PEERS";
    /// Cluster that this container serves or joins.
    pub const CLUSTER: &str = "DKRON_HA_CLUSTER";
    /// `server`, `agent`, or `auto` where only dkron's configuration file knows.
    pub const ROLE: &str = "DKRON_HA_ROLE";
    /// Name of the Service of the servers, `<service>.<namespace>.svc`: where the wrapper of an agent asks after it.
    pub const SERVERS: &str = "DKRON_HA_SERVERS";
    /// Joining for an agent whose configuration file may already say how: the wrapper decides.
    pub const JOIN: &str = "DKRON_HA_JOIN";
    /// `persistent` or `ephemeral`.
    pub const STORAGE: &str = "DKRON_HA_STORAGE";
    /// Seconds between TERM and KILL.
    pub const GRACE: &str = "DKRON_HA_GRACE";
    /// Directory that only the dkron container writes, where it is not [`path::RUN`](super::path::RUN).
    pub const RUN: &str = "DKRON_HA_RUN";
    /// What the label updater tells, where it is not in [`path::DESIRED`](super::path::DESIRED).
    pub const DESIRED: &str = "DKRON_HA_DESIRED";
    /// File with whom the certificate of dkron's HTTP API must lead to (PEM); with it the label updater speaks TLS.
    pub const DKRON_AUTHORITY: &str = "DKRON_HA_DKRON_AUTHORITY";
    /// The name in that certificate, where it is not `localhost`.
    pub const DKRON_SERVER_NAME: &str = "DKRON_HA_DKRON_SERVER_NAME";
    /// File with what stands in the header `Authorization` of requests to dkron.
    pub const DKRON_CREDENTIALS: &str = "DKRON_HA_DKRON_CREDENTIALS";
    /// The wrapper's door to such a dkron, where it is not [`path::DOOR`](super::path::DOOR).
    pub const DOOR: &str = "DKRON_HA_DOOR";
    /// Directory of the label updater's token and of the authority that vouches for the API server, where it is not
    /// [`path::SERVICE_ACCOUNT`](super::path::SERVICE_ACCOUNT).
    pub const ACCOUNT: &str = "DKRON_HA_ACCOUNT";
    /// Where the API server is: what Kubernetes sets in every container.
    pub const KUBERNETES_HOST: &str = "KUBERNETES_SERVICE_HOST";
    /// Its port, likewise.
    pub const KUBERNETES_PORT: &str = "KUBERNETES_SERVICE_PORT";
    /// DNS domain of the cluster, where it is not to be read from resolv.conf.
    pub const CLUSTER_DOMAIN: &str = "DKRON_HA_CLUSTER_DOMAIN";
    /// Port of the wrapper, where it is not [`port::WRAPPER`](super::port::WRAPPER).
    pub const WRAPPER_PORT: &str = "DKRON_HA_WRAPPER_PORT";
    /// Port of the label updater, where it is not [`port::LABEL`](super::port::LABEL).
    pub const LABEL_PORT: &str = "DKRON_HA_LABEL_PORT";
    /// Port of dkron's HTTP API, where it is not [`port::DKRON_HTTP`](super::port::DKRON_HTTP).
    pub const DKRON_HTTP_PORT: &str = "DKRON_HA_DKRON_PORT";
    /// dkron's own variable for `--retry-join`.
    pub const DKRON_RETRY_JOIN: &str = "DKRON_RETRY_JOIN";
}

/// Default ports; each is a setting.
pub mod port {
    /// HTTPS of the webhook.
    pub const WEBHOOK: u16 = 8443;
    /// Metrics and probes of `serve`.
    pub const ADMIN: u16 = 9090;
    /// State, probes and metrics of the wrapper.
    pub const WRAPPER: u16 = 8947;
    /// Readiness and metrics of the label updater.
    pub const LABEL: u16 = 8948;
    /// dkron's HTTP API.
    pub const DKRON_HTTP: u16 = 8080;
    /// dkron's gRPC and raft.
    pub const DKRON_RPC: u16 = 6868;
    /// serf gossip.
    pub const DKRON_SERF: u16 = 8946;
}

/// Paths inside containers and on the webhook's listeners.
pub mod path {
    /// Where the shared volume is mounted.
    pub const SHARED: &str = "/dkron-ha";
    /// PID 1 of the dkron container.
    pub const WRAPPER: &str = "/dkron-ha/bin/dkron-ha-init";
    /// What the label updater tells the wrapper.
    pub const DESIRED: &str = "/dkron-ha/desired.json";
    /// Unix socket of the label updater: dkron's HTTP API for the wrapper, which knows no TLS.
    pub const DOOR: &str = "/dkron-ha/dkron.sock";
    /// Where the volume that only the dkron container writes is mounted.
    pub const RUN: &str = "/dkron-ha-run";
    /// The large program in the image.
    pub const IMAGE_DKRON_HA: &str = "/usr/local/bin/dkron-ha";
    /// The small program in the image.
    pub const IMAGE_DKRON_HA_INIT: &str = "/usr/local/bin/dkron-ha-init";
    /// Where a pod finds the token of its account.
    pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    /// Admission endpoint.
    pub const MUTATE: &str = "/mutate";
    /// Wrapper: what it tells the other wrappers of itself.
    pub const STATE: &str = "/v1/state";
    /// Wrapper: what a person must know of its server.
    pub const NOTICES: &str = "/v1/notices";
    /// Wrapper: how its server sees the member whose name follows.
    pub const MEMBER: &str = "/v1/member/";
    /// Wrapper: the dkron container lives.
    pub const PROBE_LIVE: &str = "/probe/live";
    /// Wrapper: this server takes part.
    pub const PROBE_READY: &str = "/probe/ready";
    /// Wrapper: the start is over.
    pub const PROBE_START: &str = "/probe/start";
    /// Readiness of the label updater and of `serve`.
    pub const READYZ: &str = "/readyz";
    /// Liveness of `serve`.
    pub const HEALTHZ: &str = "/healthz";
    /// Prometheus text.
    pub const METRICS: &str = "/metrics";
}

/// Names of what is added to a pod.
pub mod injected {
    /// Init container that copies the wrapper into the shared volume.
    pub const INSTALL: &str = "dkron-ha-install";
    /// Sidecar that keeps the leader label.
    pub const LABEL_UPDATER: &str = "dkron-ha-label-updater";
    /// Volume of the wrapper and of `desired.json`.
    pub const VOLUME: &str = "dkron-ha";
    /// Volume that only the dkron container writes.
    pub const RUN_VOLUME: &str = "dkron-ha-run";
    /// Projected token of the label updater.
    pub const TOKEN_VOLUME: &str = "dkron-ha-token";
}

/// Accounts, roles and the objects of an installation.
pub mod object {
    /// Namespace, Deployment, Service and account of the webhook itself.
    pub const INSTALLATION: &str = "dkron-ha";
    /// Secret with the authority that the webhook keeps by itself, in its own namespace.
    pub const AUTHORITY_SECRET: &str = "dkron-ha-ca";
    /// Field manager of what the webhook writes into its registration: `caBundle` of each entry, and nothing else.
    pub const BUNDLE_MANAGER: &str = "dkron-ha-ca-bundle";
    /// Policy against servers without their wrapper; its two bindings begin with this name.
    pub const GUARD: &str = "dkron-ha-guard";
    /// Value of [`label::MANAGED_BY`](super::label::MANAGED_BY) on what the controller makes; also its field manager.
    pub const CONTROLLER: &str = "dkron-ha-controller";
    /// Who reports the controller's Events.
    pub const CONTROLLER_REPORTER: &str = "dkron-ha.io/controller";
    /// Account of servers in a workload namespace; also their role and its binding.
    pub const SERVER_ACCOUNT: &str = "dkron-ha-server";
    /// Account of agents in a workload namespace; also their role and its binding.
    pub const AGENT_ACCOUNT: &str = "dkron-ha-agent";
}

/// Namespaces that are never injected, beside the webhook's own.
pub const EXCLUDED_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];
