//! What is kept of a scenario that failed: one folder with objects, events, logs, and what every server says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dkron_ha::contract::label::SERVER_OF;
use dkron_ha::contract::object::INSTALLATION;

use crate::client::says;
use crate::installed::Cluster;
use crate::node::LOGS;

/// Writes it, as far as it can be seen, and gives the folder.
pub fn keep(cluster: &Cluster, scenario: &str) -> Result<PathBuf> {
    let folder = Path::new(LOGS).join(scenario.replace("::", "-"));
    for namespace in cluster.namespaces().iter().map(String::as_str).chain([INSTALLATION]) {
        of_namespace(cluster, namespace, &folder.join(namespace))?;
    }
    Ok(folder)
}

fn of_namespace(cluster: &Cluster, namespace: &str, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context("making a folder")?;
    let kubectl = |file: &str, arguments: &[&str]| -> Result<()> {
        let output = cluster.kubectl().run(&[arguments, &["-n", namespace]].concat(), None)?;
        Ok(fs::write(folder.join(file), output.to_string())?)
    };
    kubectl("objects.yaml", &["get", "all,serviceaccounts,rolebindings,pdb,pvc,endpointslices", "-o=yaml"])?;
    kubectl("describe.txt", &["describe", "statefulsets,pods"])?;
    // In the order in which things happened: the timeline.
    kubectl(
        "events.txt",
        &[
            "get",
            "events",
            "--sort-by=.metadata.creationTimestamp",
            "-o=custom-columns=\
TIME:.metadata.creationTimestamp,LAST:.lastTimestamp,OBJECT:.involvedObject.name,REASON:.reason,MESSAGE:.message",
        ],
    )?;
    for pod in cluster.kubectl().list_json("pods", namespace)? {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        kubectl(&format!("{name}.log"), &["logs", name, "--all-containers", "--prefix", "--timestamps", "--tail=-1"])?;
        kubectl(&format!("{name}.before.log"), &["logs", name, "-c=dkron", "--previous", "--timestamps", "--tail=-1"])?;
        let address = pod["status"]["podIP"].as_str().and_then(|address| address.parse().ok());
        if let Some(address) = address.filter(|_| !pod["metadata"]["labels"][SERVER_OF].is_null()) {
            fs::write(folder.join(format!("{name}.says.txt")), says(&cluster.parts.dkron, address))?;
        }
    }
    Ok(())
}
