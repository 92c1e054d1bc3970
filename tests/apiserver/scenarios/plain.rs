//! Manifests as people write them who have never heard of dkron-ha.

/// Three servers with storage of their own: the set `dkron`, its pods labelled `app: dkron`.
pub const SERVERS: &str = r"
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: dkron
  labels: {app: dkron}
spec:
  serviceName: dkron-peers
  replicas: 3
  selector:
    matchLabels: {app: dkron}
  template:
    metadata:
      labels: {app: dkron}
    spec:
      containers:
      - name: dkron
        image: dkron/dkron:4.0.9
        args: [agent, --server, --data-dir=/dkron.data]
        ports:
        - {name: http, containerPort: 8080}
        readinessProbe:
          httpGet: {path: /health, port: http}
        volumeMounts:
        - {name: data, mountPath: /dkron.data}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
";

/// The same servers without storage of their own: claim templates are the one part of a set that Kubernetes itself never
/// finds unchanged.
pub fn servers_without_claims() -> String {
    let without = SERVERS.split("  volumeClaimTemplates:").next().unwrap_or_default();
    without
        .lines()
        .filter(|line| !line.contains("volumeMounts") && !line.contains("mountPath"))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// The same servers under another name.
pub fn servers_called(name: &str) -> String {
    SERVERS
        .replace("name: dkron\n  labels", &format!("name: {name}\n  labels"))
        .replace("app: dkron", &format!("app: {name}"))
}

/// One server as a bare pod, labelled `app: dkron`.
pub fn server_pod(name: &str) -> String {
    format!(
        r"
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  labels: {{app: dkron}}
spec:
  containers:
  - name: dkron
    image: dkron/dkron:4.0.9
    args: [agent, --server]
"
    )
}

/// A pod template of one agent, labelled `app: agents`, as the text of an indented block. `annotations` is a flow map.
pub fn agent_template(annotations: &str) -> String {
    format!(
        r"
    metadata:
      labels: {{app: agents}}
      annotations: {annotations}
    spec:
      containers:
      - name: dkron
        image: dkron/dkron:4.0.9
        args: [agent]
"
    )
}

/// Two agents of a Deployment.
pub fn agent_deployment(annotations: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: agents}}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: agents}}
  template:{}",
        agent_template(annotations)
    )
}

/// An agent as a bare pod, labelled `app: agents`.
pub fn agent_pod(name: &str) -> String {
    server_pod(name).replace("app: dkron", "app: agents").replace(", --server", "")
}

/// What has nothing to do with dkron: a set, its pod labelled `app: web`.
pub const WEB_SET: &str = r"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - {name: web, image: registry.example/web:1}
";

/// What has nothing to do with dkron: a pod, labelled `app: alone`.
pub fn web_pod(name: &str) -> String {
    server_pod(name)
        .replace("app: dkron", "app: alone")
        .replace("dkron/dkron:4.0.9", "registry.example/web:1")
        .replace("[agent, --server]", "[serve]")
}
