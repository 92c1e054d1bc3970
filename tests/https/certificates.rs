//! New certificates while the server runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use dkron_ha::certs::{Authority, Leaf, Source};

use crate::support::client;
use crate::support::server::{HOST, Server, config_of};
use crate::support::until;

const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

fn authority() -> Authority {
    Authority::create("an authority", SystemTime::now(), LIFE).unwrap()
}

fn sign(authority: &Authority) -> Leaf {
    authority.sign(&[HOST.to_owned()], SystemTime::now(), LIFE).unwrap()
}

fn fill(dir: &Path, leaf: &Leaf) {
    fs::write(dir.join("tls.crt"), &leaf.certificate_pem).unwrap();
    fs::write(dir.join("tls.key"), &leaf.key_pem).unwrap();
}

async fn start(dir: &Path, authority: &Authority) -> Server {
    Server::start_of(config_of(Source::directory(dir)), authority.pem().to_owned()).await
}

#[tokio::test]
async fn new_connections_get_the_new_leaf_and_open_ones_live_on() {
    let (authority, dir) = (authority(), tempfile::tempdir().unwrap());
    fill(dir.path(), &sign(&authority));
    let server = start(dir.path(), &authority).await;
    let mut old = server.client().await;
    assert_eq!(old.review("a").await.status, 200);

    fill(dir.path(), &sign(&authority));
    until("the new pair", || server.counts("dkron_ha_certificate_reloads_total{result=\"swapped\"} 1")).await;
    let mut new = server.client().await;
    assert_ne!(old.leaf, new.leaf);
    assert_eq!(new.review("b").await.status, 200);
    assert_eq!(old.review("c").await.status, 200, "the connection that was open before");
}

/// As the kubelet does it: `tls.crt` points into `..data`, and `..data` is exchanged.
#[tokio::test]
async fn a_mounted_secret_is_followed() {
    let (authority, dir) = (authority(), tempfile::tempdir().unwrap());
    let version = |name: &str| {
        let version = dir.path().join(name);
        fs::create_dir(&version).unwrap();
        fill(&version, &sign(&authority));
        std::os::unix::fs::symlink(name, dir.path().join("..data_tmp")).unwrap();
        fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
    };
    version("..1");
    for file in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(Path::new("..data").join(file), dir.path().join(file)).unwrap();
    }
    let server = start(dir.path(), &authority).await;
    let before = server.client().await.leaf;
    version("..2");
    fs::remove_dir_all(dir.path().join("..1")).unwrap();
    until("the new pair", || server.counts("dkron_ha_certificate_reloads_total{result=\"swapped\"} 1")).await;
    assert_ne!(server.client().await.leaf, before);
    assert!(server.counts("dkron_ha_certificate_reloads_total{result=\"kept\"} 0"), "an exchange is never half a pair");
}

#[tokio::test]
async fn half_of_a_pair_changes_nothing() {
    let (authority, dir) = (authority(), tempfile::tempdir().unwrap());
    fill(dir.path(), &sign(&authority));
    let server = start(dir.path(), &authority).await;
    let before = server.client().await.leaf;

    let next = sign(&authority);
    fs::write(dir.path().join("tls.crt"), &next.certificate_pem).unwrap();
    until("the half to be refused", || server.counts("dkron_ha_certificate_reloads_total{result=\"kept\"} 1")).await;
    assert_eq!(server.client().await.leaf, before);
    // Many looks later it is still one fault, and still the old pair.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.counts("dkron_ha_certificate_reloads_total{result=\"kept\"} 1"));

    fs::write(dir.path().join("tls.key"), &next.key_pem).unwrap();
    until("the whole", || server.counts("dkron_ha_certificate_reloads_total{result=\"swapped\"} 1")).await;
    assert_ne!(server.client().await.leaf, before);
}

#[tokio::test]
async fn files_that_vanish_leave_the_pair_served() {
    let (authority, dir) = (authority(), tempfile::tempdir().unwrap());
    fill(dir.path(), &sign(&authority));
    let server = start(dir.path(), &authority).await;
    fs::remove_file(dir.path().join("tls.key")).unwrap();
    until("the loss to be noticed", || server.counts("dkron_ha_certificate_reloads_total{result=\"kept\"} 1")).await;
    assert_eq!(server.client().await.review("a").await.status, 200);
}

#[tokio::test]
async fn another_authority_is_another_trust() {
    let (one, other, dir) = (authority(), authority(), tempfile::tempdir().unwrap());
    fill(dir.path(), &sign(&one));
    let server = start(dir.path(), &one).await;
    fill(dir.path(), &sign(&other));
    until("the new pair", || server.counts("dkron_ha_certificate_reloads_total{result=\"swapped\"} 1")).await;
    assert!(client::stream(server.address, client::config(one.pem()), HOST).await.is_err());
    assert!(client::stream(server.address, client::config(other.pem()), HOST).await.is_ok());
}
