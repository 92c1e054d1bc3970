//! The command lines of everything that runs on the node.

use std::path::Path;

use crate::kubernetes::authority::PairFiles;

use super::NAME;
use super::addresses::{NODE, PODS, SERVICES};
use super::credentials::Credentials;
use super::settings::Settings;

const ETCD: &str = "http://127.0.0.1:2379";

pub fn containerd(settings: &Settings) -> Vec<String> {
    vec![flag("config", settings.containerd.display())]
}

pub fn etcd(state: &Path) -> Vec<String> {
    vec![
        flag("data-dir", state.join("etcd/data").display()),
        flag("listen-client-urls", ETCD),
        flag("advertise-client-urls", ETCD),
        flag("listen-peer-urls", "http://127.0.0.1:0"), // a cluster of one has no peers
        "--unsafe-no-fsync".to_owned(),                 // what is thrown away need not reach the disk
        flag("log-level", "warn"),
    ]
}

pub fn api_server(credentials: &Credentials) -> Vec<String> {
    let mut flags = vec![
        flag("etcd-servers", ETCD),
        flag("bind-address", "0.0.0.0"),
        flag("advertise-address", NODE),
        flag("secure-port", 6443),
        flag("service-cluster-ip-range", SERVICES),
        flag("authorization-mode", "Node,RBAC"),
        flag("enable-admission-plugins", "NodeRestriction"),
        flag("allow-privileged", true),
        flag("client-ca-file", credentials.authority.display()),
        flag("kubelet-certificate-authority", credentials.authority.display()),
        flag("kubelet-preferred-address-types", "InternalIP"),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        flag("service-account-key-file", credentials.account_public_key.display()),
        flag("service-account-signing-key-file", credentials.account_key.display()),
        flag("profiling", false),
    ];
    flags.extend(pair("tls-cert-file", "tls-private-key-file", &credentials.api_server));
    flags.extend(pair("kubelet-client-certificate", "kubelet-client-key", &credentials.kubelet_client));
    flags
}

pub fn controller_manager(state: &Path, credentials: &Credentials) -> Vec<String> {
    let mut flags = as_component(credentials, "controller-manager");
    flags.extend([
        flag("secure-port", 0), // serves nothing
        flag("leader-elect", false),
        flag("use-service-account-credentials", true),
        flag("root-ca-file", credentials.authority.display()),
        flag("service-account-private-key-file", credentials.account_key.display()),
        flag("cluster-cidr", PODS),
        flag("allocate-node-cidrs", false),
        flag("service-cluster-ip-range", SERVICES),
        flag("flex-volume-plugin-dir", state.join("kubelet/volume-plugins").display()),
        flag("profiling", false),
    ]);
    flags
}

pub fn scheduler(credentials: &Credentials) -> Vec<String> {
    let mut flags = as_component(credentials, "scheduler");
    flags.extend([flag("secure-port", 0), flag("leader-elect", false), flag("profiling", false)]);
    flags
}

pub fn kubelet(state: &Path, settings: &Settings, credentials: &Credentials) -> Vec<String> {
    vec![
        flag("config", settings.kubelet.display()),
        flag("kubeconfig", credentials.kubeconfig("kubelet").display()),
        flag("root-dir", state.join("kubelet").display()),
        flag("cert-dir", state.join("kubelet/certificates").display()),
        flag("hostname-override", NAME),
        flag("node-ip", NODE),
    ]
}

pub fn proxy(settings: &Settings) -> Vec<String> {
    vec![flag("config", settings.proxy.display())]
}

pub fn coredns(settings: &Settings) -> Vec<String> {
    // `CoreDNS` has flags with one dash.
    vec!["-conf".to_owned(), settings.coredns.display().to_string()]
}

fn as_component(credentials: &Credentials, component: &str) -> Vec<String> {
    vec![flag("kubeconfig", credentials.kubeconfig(component).display())]
}

fn pair(certificate: &str, key: &str, pair: &PairFiles) -> [String; 2] {
    [flag(certificate, pair.certificate.display()), flag(key, pair.key.display())]
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}
