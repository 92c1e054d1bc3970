//! Generated Pods and StatefulSets: plain, odd, and disturbed by others. A seed gives the same object every time.

use serde_json::{Value, json};

/// An object and its kind.
pub struct Workload {
    pub object: Value,
}

impl Workload {
    pub fn kind(&self) -> &str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    pub fn group(&self) -> &'static str {
        if self.kind() == "Pod" { "" } else { "apps" }
    }
}

/// `SplitMix64`: a small published generator, good enough to choose shapes with.
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap_or_default()
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// A value that nobody knows: fields of later Kubernetes versions, or somebody's mistake.
    fn unknown(&mut self, depth: usize) -> Value {
        match self.below(if depth > 2 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.chance(50)),
            2 => json!(self.next()),
            3 => json!(-0.125 * f64::from(u16::try_from(self.below(1000)).unwrap_or_default())),
            4 => json!(self.pick(&["", "a/b~c", "é\"\\\n\u{0}", "dkron agent", "true", "💥"])),
            5 => json!([]),
            6 => (0..self.below(4)).map(|_| self.unknown(depth + 1)).collect(),
            _ => Value::Object((0..self.below(4)).map(|n| (format!("x~{n}/"), self.unknown(depth + 1))).collect()),
        }
    }

    fn sprinkle(&mut self, map: &mut Value) {
        while self.chance(30) {
            let name = format!("future{}", self.below(5));
            map[name] = self.unknown(0);
        }
    }

    pub fn workload(&mut self) -> Workload {
        let mut object = if self.chance(40) { self.stateful_set() } else { self.pod() };
        self.sprinkle(&mut object);
        let spec = &mut object["spec"];
        self.sprinkle(spec);
        Workload { object }
    }

    fn pod(&mut self) -> Value {
        let mut meta = self.metadata();
        meta["name"] = json!(self.pick(&["dkron-0", "dkron-1", "dkron-2", "scheduler", "a-b-11", "x-1", "dkron-3"]));
        if self.chance(4) {
            meta["name"] = json!(self.pick(&["x.y-1", ""]));
        }
        let owners =
            ["", "", "", "", "StatefulSet", "StatefulSet", "StatefulSet", "StatefulSet", "ReplicaSet", "Kruise"];
        let owner = self.pick(&owners);
        if !owner.is_empty() {
            let (group, kind) =
                if owner == "Kruise" { ("apps.kruise.io/v1", "StatefulSet") } else { ("apps/v1", owner) };
            meta["ownerReferences"] =
                json!([{"apiVersion": group, "kind": kind, "name": "dkron", "uid": "1", "controller": true}]);
            if kind == "StatefulSet" && self.chance(90) {
                meta["labels"]["dkron-ha.io/injected"] = json!("true");
                if self.chance(90) {
                    meta["labels"]["dkron-ha.io/server-of"] = json!("dkron");
                }
                meta["annotations"]["dkron-ha.io/initial-cluster-size"] = json!(self.pick(&["1", "3", "5"]));
            }
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": self.pod_spec(true)})
    }

    fn stateful_set(&mut self) -> Value {
        let mut meta = json!({"labels": {"app": "dkron"}});
        if self.chance(5) {
            meta = self.metadata();
        }
        meta["name"] = json!(self.pick(&["dkron", "dkron-server", "a-very-long-name-for-a-set-of-servers"]));
        let mut template = json!({"metadata": self.metadata(), "spec": self.pod_spec(false)});
        self.sprinkle(&mut template);
        let mut spec = json!({"selector": {"matchLabels": {"app": "dkron"}}, "template": template});
        for (name, values) in [
            ("replicas", vec![json!(0), json!(1), json!(2), json!(3), json!(5)]),
            ("serviceName", vec![json!(""), json!("dkron"), json!("peers")]),
            ("podManagementPolicy", vec![json!("OrderedReady"), json!("Parallel")]),
            ("ordinals", vec![json!({"start": 3}), json!({})]),
            ("updateStrategy", vec![json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})]),
        ] {
            if self.chance(70) {
                spec[name] = self.pick(&values);
            }
        }
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec})
    }

    fn metadata(&mut self) -> Value {
        let mut meta = json!({});
        if self.chance(70) {
            meta["labels"] = self.pick(&[json!({"app": "dkron"}), json!({"a/b": "~"}), json!(null), json!({})]);
        }
        if self.chance(50) {
            meta["annotations"] = self.pick(&[
                json!({"note": "x".repeat(300)}),
                json!({"dkron-ha.io/grace": "600"}),
                json!({"dkron-ha.io/storage": "ephemeral", "dkron-ha.io/sidecar-mode": "container"}),
                json!({"dkron-ha.io/cluster": "dkron", "dkron-ha.io/cpu-limit": "1"}),
                json!({"dkron-ha.io/role": "server", "dkron-ha.io/rollout": "leader-last"}),
                json!(null),
            ]);
        }
        if self.chance(3) {
            meta["annotations"]["dkron-ha.io/grase"] = json!("1");
        }
        if self.chance(3) {
            meta["labels"]["dkron-ha.io/inject"] = json!("false");
        }
        self.sprinkle(&mut meta);
        meta
    }

    fn pod_spec(&mut self, arrived: bool) -> Value {
        let mut containers = vec![self.dkron()];
        while self.chance(30) {
            let mut other = json!({"name": format!("other-{}", containers.len()), "image": "busybox:1", "command": ["sleep", "1d"]});
            self.sprinkle(&mut other);
            let at = self.below(containers.len() + 1);
            containers.insert(at, other);
        }
        if self.chance(2) {
            let mut second = self.dkron();
            second["name"] = json!("second");
            containers.push(second);
        }
        let mut spec = json!({"containers": containers});
        for (name, values) in [
            ("initContainers", vec![json!(null), json!([]), json!([{"name": "prepare", "image": "busybox"}])]),
            (
                "volumes",
                vec![json!(null), json!([]), json!([{"name": "data", "emptyDir": {}}, {"name": "x", "future": 1.50}])],
            ),
            ("terminationGracePeriodSeconds", vec![json!(30), json!(10), json!(3600)]),
            ("serviceAccountName", vec![json!("default"), json!("default"), json!("mine"), json!("")]),
            (
                "securityContext",
                vec![json!({}), json!({"runAsUser": 0}), json!({"runAsUser": 1000, "fsGroup": 1}), json!(null)],
            ),
            ("affinity", vec![json!({}), json!({"podAntiAffinity": {"x": []}}), json!({"nodeAffinity": {}})]),
            ("topologySpreadConstraints", vec![json!([]), json!([{"maxSkew": 2}])]),
            ("hostNetwork", vec![json!(true), json!(false)]),
            ("automountServiceAccountToken", vec![json!(true), json!(false)]),
        ] {
            if self.chance(35) {
                spec[name] = self.pick(&values);
            }
        }
        if self.chance(2) {
            spec["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
        }
        if self.chance(2) {
            spec["volumes"] = json!([{"name": "dkron-ha", "hostPath": {"path": "/"}}]);
        }
        if arrived && self.chance(50) {
            Self::mount_token(&mut spec);
        }
        spec
    }

    /// What the API server's own admission has done before webhooks are asked.
    fn mount_token(spec: &mut Value) {
        spec["serviceAccountName"] = json!("default");
        spec["serviceAccount"] = json!("default");
        push(spec, "volumes", json!({"name": "kube-api-access-x1y2z", "projected": {"sources": []}}));
        let mount = json!({"name": "kube-api-access-x1y2z", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true});
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                push(container, "volumeMounts", mount.clone());
            }
        }
    }

    fn dkron(&mut self) -> Value {
        let commands: [(Value, Value); 10] = [
            (json!(null), json!(["agent", "--server"])),
            (json!(null), json!(["agent", "--server", "--bootstrap-expect=3", "--data-dir=/data"])),
            (json!(["dkron"]), json!(["agent", "--server", "--bootstrap-expect", "2"])),
            (json!(["/usr/local/bin/dkron", "agent", "--server"]), json!(null)),
            (json!(["/bin/sh", "-c"]), json!(["sleep 1; ./dkron agent --server --advertise-addr=$HOSTNAME"])),
            (json!(null), json!(["agent", "--config=/etc/dkron/dkron.yml"])),
            (json!([]), json!(["agent", "--retry-join=x"])),
            (json!(["dkron"]), json!(["agent", "--server=false"])),
            (json!(["dkron"]), json!(["agent", "--server", "--http-addr=:9000"])),
            (json!(["sh", "-c"]), json!(["exec dkron agent --server --node-name a 'b c'"])),
        ];
        let (command, args) = self.pick(&commands);
        let (command, args) = if self.chance(3) { (json!(["dkron", "version"]), json!(null)) } else { (command, args) };
        let image = self.pick(&["dkron/dkron:4.0.9", "dkron/dkron", "mirror.example:5000/x/dkron@sha256:00", "own:1"]);
        let mut container = json!({"name": "dkron", "image": image});
        let command = if image == "own:1" && command.is_null() { json!(["dkron"]) } else { command };
        for (name, value) in [("command", command), ("args", args)] {
            if !value.is_null() || self.chance(20) {
                container[name] = value;
            }
        }
        for (name, values) in [
            (
                "env",
                vec![
                    json!(null),
                    json!([]),
                    json!([{"name": "POD_IP", "value": "x"}, {"name": "A", "value": "$(B)"}]),
                    json!([{"name": "INITIAL_CLUSTER_SIZE", "value": "5"}, {"name": "DKRON_SERVER", "value": "true"}]),
                    json!([{"name": "INITIAL_CLUSTER_SIZE", "value": "many"}]),
                ],
            ),
            (
                "volumeMounts",
                vec![
                    json!(null),
                    json!([]),
                    json!([{"name": "data", "mountPath": "/data"}]),
                    json!([{"name": "x", "mountPath": "/etc/dkron"}]),
                ],
            ),
            (
                "livenessProbe",
                vec![
                    json!({"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 3}),
                    json!({"tcpSocket": {"port": "http"}}),
                    json!({"exec": {"command": ["true"]}}),
                    json!(null),
                ],
            ),
            (
                "readinessProbe",
                vec![
                    json!({"httpGet": {"path": "/v1/leader", "port": "http", "scheme": "HTTPS"}}),
                    json!({"grpc": {"port": 6868}}),
                ],
            ),
            (
                "startupProbe",
                vec![
                    json!({"tcpSocket": {"port": 8080, "host": "10.0.0.1"}}),
                    json!({"tcpSocket": {"port": 8080}, "future": [1]}),
                ],
            ),
            (
                "lifecycle",
                vec![
                    json!({"preStop": {"exec": {"command": ["dkron", "leave"]}}}),
                    json!({"preStop": {"sleep": {"seconds": 1}}, "postStart": {}}),
                    json!({"preStop": {"httpGet": {"path": "/v1/leave"}}, "postStart": {}}),
                ],
            ),
            (
                "ports",
                vec![json!([{"name": "http", "containerPort": 8080}]), json!([{"name": "http", "containerPort": 9}])],
            ),
        ] {
            if self.chance(40) {
                container[name] = self.pick(&values);
            }
        }
        self.sprinkle(&mut container);
        container
    }
}

pub fn push(parent: &mut Value, name: &str, item: Value) {
    match &mut parent[name] {
        Value::Array(items) => items.push(item),
        none => *none = json!([item]),
    }
}
