//! The command lines of etcd, kube-apiserver and kube-controller-manager: all on loopback, nothing kept.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::KeyPair;

use crate::audit::Audit;
use crate::authority::{Authority, Pair, PairFiles};
use crate::kubectl::kubeconfig;

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Cluster addresses of Services: numbers in objects only, nothing routes them.
const SERVICE_RANGE: &str = "10.96.0.0/24";

/// Ports that were free a moment ago; who binds them finds out.
pub struct Ports {
    pub etcd: u16,
    pub api_server: u16,
}

impl Ports {
    pub fn choose() -> Result<Self> {
        // Both are held at once, so that they differ.
        let held = [TcpListener::bind((LOOPBACK, 0))?, TcpListener::bind((LOOPBACK, 0))?];
        Ok(Self { etcd: held[0].local_addr()?.port(), api_server: held[1].local_addr()?.port() })
    }
}

/// Everything on disk that a control plane needs before it starts.
pub struct Files {
    directory: PathBuf,
    authority: PathBuf,
    api_server: PairFiles,
    account_key: PathBuf,
    account_public_key: PathBuf,
    /// A user of `system:masters`.
    pub admin_kubeconfig: PathBuf,
    controller_manager_kubeconfig: PathBuf,
}

impl Files {
    pub fn write(directory: &Path, ports: &Ports) -> Result<Self> {
        let authority = Authority::new("control plane of the API-server tier")?;
        let authority_file = directory.join("ca.crt");
        fs::write(&authority_file, authority.certificate()).context("writing the authority")?;
        let api_server =
            authority.server("kube-apiserver", &["127.0.0.1", "localhost"])?.write(directory, "api-server")?;

        let accounts = KeyPair::generate()?;
        let account_key = directory.join("accounts.key");
        let account_public_key = directory.join("accounts.pub");
        fs::write(&account_key, accounts.serialize_pem()).context("writing the key of service accounts")?;
        fs::write(&account_public_key, accounts.public_key_pem()).context("writing the key of service accounts")?;

        let server = format!("https://{LOOPBACK}:{}", ports.api_server);
        let write = |user: &str, pair: Pair| {
            let path = directory.join(format!("{user}.kubeconfig"));
            fs::write(&path, kubeconfig(&server, &authority_file, user, &pair.write(directory, user)?))
                .with_context(|| format!("writing the kubeconfig of {user}"))?;
            anyhow::Ok(path)
        };
        let admin_kubeconfig = write("admin", authority.client("admin", &["system:masters"])?)?;
        let controller_manager_kubeconfig =
            write("controller-manager", authority.client("system:kube-controller-manager", &[])?)?;
        Ok(Self {
            directory: directory.to_owned(),
            authority: authority_file,
            api_server,
            account_key,
            account_public_key,
            admin_kubeconfig,
            controller_manager_kubeconfig,
        })
    }
}

pub fn etcd(ports: &Ports, files: &Files) -> Vec<String> {
    let client = format!("http://{LOOPBACK}:{}", ports.etcd);
    let peer = format!("http://{LOOPBACK}:0"); // a cluster of one has no peers
    vec![
        format!("--data-dir={}", files.directory.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        "--unsafe-no-fsync".to_owned(), // what is thrown away need not reach the disk
        "--log-level=warn".to_owned(),
    ]
}

pub fn api_server(ports: &Ports, files: &Files) -> Vec<String> {
    let mut arguments = vec![
        format!("--etcd-servers=http://{LOOPBACK}:{}", ports.etcd),
        format!("--bind-address={LOOPBACK}"),
        format!("--advertise-address={LOOPBACK}"),
        format!("--secure-port={}", ports.api_server),
        // No Endpoints for `kubernetes`: they may not hold a loopback address.
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        // Webhooks are called at their Service's endpoints: nothing routes its address here, and no endpoint is no answer.
        "--enable-aggregator-routing=true".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--cert-dir={}", files.directory.display()),
        format!("--client-ca-file={}", files.authority.display()),
        format!("--tls-cert-file={}", files.api_server.certificate.display()),
        format!("--tls-private-key-file={}", files.api_server.key.display()),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-key-file={}", files.account_public_key.display()),
        format!("--service-account-signing-key-file={}", files.account_key.display()),
        "--profiling=false".to_owned(),
    ];
    arguments.extend(Audit::arguments(&files.directory));
    arguments
}

pub fn controller_manager(files: &Files) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", files.controller_manager_kubeconfig.display()),
        "--secure-port=0".to_owned(), // serves nothing
        "--leader-elect=false".to_owned(),
        // The default, 20 a second, spreads the start of the controllers over seconds.
        "--kube-api-qps=1000".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        // The controllers act as the service accounts that they act as in a real cluster.
        "--use-service-account-credentials=true".to_owned(),
        format!("--root-ca-file={}", files.authority.display()),
        format!("--service-account-private-key-file={}", files.account_key.display()),
        format!("--flex-volume-plugin-dir={}", files.directory.join("volume-plugins").display()),
        "--profiling=false".to_owned(),
    ]
}
