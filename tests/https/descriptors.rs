//! A process that runs out of file descriptors.

use std::net::{SocketAddr, TcpStream};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::support::child::Process;
use crate::support::client::{self, Client};
use crate::support::server::Server;
use crate::support::soon;

const FILES: u64 = 64;
const BUNDLE: &str = "DKRON_HA_TEST_BUNDLE";

#[tokio::test]
#[ignore = "the process that the test below exhausts"]
async fn serve_with_few_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum }).unwrap();
    let server = Server::start().await;
    std::fs::write(std::env::var(BUNDLE).unwrap(), &server.bundle).unwrap();
    println!("\naddress {}", server.address);
    soon("the end of the test", server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn running_out_of_descriptors_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("bundle");
    let mut process = Process::start("descriptors::serve_with_few_descriptors", &[(BUNDLE, bundle.to_str().unwrap())]);
    let address: SocketAddr = process.says("address ").unwrap().parse().unwrap();
    let bundle = std::fs::read_to_string(bundle).unwrap();

    let crowd: Vec<_> = (0..2 * FILES).map(|_| TcpStream::connect(address).unwrap()).collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(process.ended().is_none());
    drop(crowd);
    let mut client = soon("a place", Client::connect(address, client::config(&bundle))).await;
    assert_eq!(client.review("a").await.status, 200);
    process.send(Signal::KILL);
}
