//! What a pod finds of the API server, and the token.

use std::fs;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// The directory that Kubernetes mounts.
fn mounted() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::default().self_signed(&key).expect("a certificate");
    fs::write(directory.path().join("ca.crt"), certificate.pem()).expect("written");
    fs::write(directory.path().join("token"), "one\n").expect("written");
    directory
}

fn found(host: &str, port: &str, account: &Path) -> Result<kube::Config, AccessError> {
    let account = account.to_string_lossy().into_owned();
    let set = [(env::KUBERNETES_HOST, host), (env::KUBERNETES_PORT, port), (env::ACCOUNT, &account)];
    from_within(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into()))
}

#[test]
fn the_api_server_is_where_kubernetes_says() {
    let directory = mounted();
    for (host, expected) in [
        ("10.96.0.1", "https://10.96.0.1:443/"),
        ("fd00::1", "https://[fd00::1]:443/"),
        ("kubernetes.default.svc", "https://kubernetes.default.svc:443/"),
    ] {
        let config = found(host, "443", directory.path()).expect("a configuration");
        assert_eq!(config.cluster_url.to_string(), expected);
        assert_eq!(config.root_cert.expect("an authority").len(), 1);
        assert_eq!(config.root_cert_file, Some(directory.path().join("ca.crt")));
    }
}

#[test]
fn what_is_missing_is_named() {
    assert!(matches!(from_within(|_| None), Err(AccessError::Missing(env::KUBERNETES_HOST))));
    let directory = mounted();
    assert!(matches!(found("::bad::", "x", directory.path()), Err(AccessError::Address { .. })));
    fs::remove_file(directory.path().join("token")).expect("removed");
    assert!(matches!(found("10.0.0.1", "443", directory.path()), Err(AccessError::Token { .. })));
    fs::write(directory.path().join("ca.crt"), "nothing").expect("written");
    let said = found("10.0.0.1", "443", directory.path()).expect_err("no authority").to_string();
    assert!(said.ends_with("ca.crt: the file holds none"), "{said}");
}

#[test]
fn the_token_is_read_each_time_and_kept_out_of_logs() {
    let directory = mounted();
    let file = directory.path().join("token");
    assert_eq!(bearer(&file).expect("a header"), "Bearer one");
    fs::write(&file, "two").expect("written");
    let header = bearer(&file).expect("a header");
    assert_eq!(header, "Bearer two");
    assert!(header.is_sensitive());
    fs::write(&file, "two\nlines").expect("written");
    assert!(bearer(&file).is_err());
}
