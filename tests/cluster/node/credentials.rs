//! Who is who on the node: certificates, the key of service accounts, and a kubeconfig for each component.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::KeyPair;

use crate::kubernetes::authority::{Authority, PairFiles};
use crate::kubernetes::kubectl::kubeconfig;

use super::NAME;
use super::addresses::{API_SERVICE, NODE};

/// Components with a kubeconfig: file, user, group.
const USERS: [(&str, &str, &str); 6] = [
    ("admin", "admin", "system:masters"),
    ("controller-manager", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
    ("proxy", "system:kube-proxy", ""),
    // Which rights it needs is not what is tried here.
    ("coredns", "coredns", "system:masters"),
    ("kubelet", "system:node:node", "system:nodes"),
];

/// Files.
pub struct Credentials {
    directory: PathBuf,
    pub authority: PathBuf,
    pub api_server: PairFiles,
    /// The API server as a client of the kubelet.
    pub kubelet_client: PairFiles,
    /// The kubelet as a server.
    pub kubelet: PairFiles,
    pub account_key: PathBuf,
    pub account_public_key: PathBuf,
}

impl Credentials {
    pub fn write(directory: &Path) -> Result<Self> {
        let authority = Authority::new("the cluster tier")?;
        let authority_file = directory.join("ca.crt");
        fs::write(&authority_file, authority.certificate()).context("writing the authority")?;
        let node = NODE.to_string();
        let names = ["kubernetes.default.svc", "kubernetes.default.svc.cluster.local", &node, API_SERVICE, "127.0.0.1"];
        let accounts = KeyPair::generate()?;
        let (account_key, account_public_key) = (directory.join("accounts.key"), directory.join("accounts.pub"));
        fs::write(&account_key, accounts.serialize_pem()).context("writing the key of service accounts")?;
        fs::write(&account_public_key, accounts.public_key_pem()).context("writing the key of service accounts")?;
        for (file, user, group) in USERS {
            let groups: Vec<_> = Some(group).into_iter().filter(|group| !group.is_empty()).collect();
            let pair = authority.client(user, &groups)?.write(directory, file)?;
            let text = kubeconfig(&format!("https://{NODE}:6443"), &authority_file, user, &pair);
            fs::write(directory.join(format!("{file}.kubeconfig")), text).context("writing a kubeconfig")?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            api_server: authority.server("kube-apiserver", &names)?.write(directory, "api-server")?,
            kubelet_client: authority
                .client("kube-apiserver", &["system:masters"])?
                .write(directory, "kubelet-client")?,
            kubelet: authority.server("kubelet", &[NAME, &node])?.write(directory, "kubelet-server")?,
            authority: authority_file,
            account_key,
            account_public_key,
        })
    }

    /// The kubeconfig of a component.
    pub fn kubeconfig(&self, component: &str) -> PathBuf {
        self.directory.join(format!("{component}.kubeconfig"))
    }
}
