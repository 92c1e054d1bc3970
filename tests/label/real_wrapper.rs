//! The built wrapper and the label updater in one pod: what one tells the other.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::kubernetes::{Kubernetes, pod};
use crate::neighbours::{Updater, config, free_port};

/// PID 1 of the pod `dkron-0`, whose disk is another cluster's, so that it waits for a person.
struct Wrapper(Child);

impl Wrapper {
    fn start(directory: &TempDir, port: u16, dkron_port: u16) -> Self {
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("data/raft")).expect("a directory");
        fs::create_dir(at("run")).expect("a directory");
        fs::write(at("data/raft/raft.db"), "").expect("a file");
        let marker = json!({"namespace": "jobs", "cluster": "old", "setUid": null, "former": [], "members": []});
        fs::write(at("data/dkron-ha.json"), marker.to_string()).expect("a marker");
        fs::write(at("dkron"), "#!/bin/sh\necho Version: 4.0.9\n").expect("a program");
        fs::set_permissions(at("dkron"), fs::Permissions::from_mode(0o755)).expect("a program");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dkron-ha-init"));
        command.args(["run", "--"]).arg(at("dkron")).args(["agent", "--server"]);
        command.arg(format!("--data-dir={}", at("data").display()));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in [
            ("DKRON_HA_ROLE", "server"),
            ("DKRON_HA_CLUSTER", "dkron"),
            ("STATEFULSET_NAMESPACE", "jobs"),
            ("INITIAL_CLUSTER_SIZE", "1"),
            ("POD_NAME", "dkron-0"),
            ("POD_IP", "127.0.0.1"),
        ] {
            command.env(name, value);
        }
        command.env("DKRON_HA_RUN", at("run")).env("DKRON_HA_DESIRED", at("desired.json"));
        command.env("DKRON_HA_DKRON_PORT", dkron_port.to_string()).env("DKRON_HA_WRAPPER_PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the wrapper"))
    }
}

impl Drop for Wrapper {
    fn drop(&mut self) {
        // Failing means: gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn what_the_wrapper_says_becomes_an_event_and_what_kubernetes_wants_comes_to_the_wrapper() {
    let directory = tempfile::tempdir().expect("a directory");
    let (wrapper_port, dkron_port) = (free_port().await, free_port().await);
    let kubernetes = Kubernetes::start(vec![pod("dkron-0", "127.0.0.1", true)]).await;
    let _wrapper = Wrapper::start(&directory, wrapper_port, dkron_port);
    let updater =
        Updater::with(config(free_port().await, dkron_port, wrapper_port, kubernetes.address, directory.path()));
    kubernetes.until("the Event", |kubernetes| !kubernetes.world().events.is_empty()).await;
    let event = kubernetes.world().events[0].clone();
    assert_eq!((&event["reason"], &event["type"]), (&json!("DiskOfAnotherCluster"), &json!("Warning")));
    let note = event["note"].as_str().expect("a note");
    assert!(note.starts_with("DKHA-301: ") && note.contains("jobs/old"), "{note}");
    kubernetes.until("the label of a server that does not serve", |kubernetes| !kubernetes.leads("dkron-0")).await;

    // The wrapper has read whose set it is.
    let told = async {
        while !state(wrapper_port).await.contains(r#""setUid":"set-1""#) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), told).await.expect("a state that names the set");
    updater.stop().await;
}

/// What the wrapper tells of itself; nothing while it is not there yet.
async fn state(port: u16) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        let _ = stream.write_all(b"GET /v1/state HTTP/1.0\r\n\r\n").await;
        let _ = stream.read_to_string(&mut text).await;
    }
    text
}
