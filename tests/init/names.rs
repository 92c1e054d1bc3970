//! Names of peers, asked of a name server on loopback.

use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::fake_dkron::{FakeDkron, LEADER, free_port, telling_program};
use crate::namespaces::mount_namespace;
use crate::wrapped::Wrapped;

/// A name that no resolver can ask anybody for: one label is longer than DNS allows.
pub const UNRESOLVABLE: &str =
    "a-9.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.n.svc.cluster.local.";

/// The address and port of all name servers.
const NAME_SERVER: (&str, u16) = ("127.0.0.153", 53);

/// A name server that knows one name and remembers all questions.
fn serve(socket: UdpSocket, known: &'static str, address: [u8; 4]) -> Arc<Mutex<BTreeSet<String>>> {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let questions = Arc::clone(&asked);
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let Some((name, kind, end)) = question(&packet[..length]) else { continue };
            questions.lock().expect("questions").insert(name.clone());
            let _ = socket.send_to(&reply(&packet[..end], name == known, kind, address), from);
        }
    });
    asked
}

/// Name, record type and end of the first question of a packet.
fn question(packet: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut name) = (12, String::new());
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        name.push_str(std::str::from_utf8(packet.get(at..at + length)?).ok()?);
        name.push('.');
        at += length;
    }
    let kind = u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]);
    Some((name, kind, at + 4))
}

fn reply(question: &[u8], known: bool, kind: u16, address: [u8; 4]) -> Vec<u8> {
    let answers = u8::from(known && kind == 1);
    let mut reply = question.to_vec();
    reply[2..12].copy_from_slice(&[0x81, if known { 0x80 } else { 0x83 }, 0, 1, 0, answers, 0, 0, 0, 0]);
    if answers == 1 {
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        reply.extend_from_slice(&address);
    }
    reply
}

#[test]
fn peers_are_asked_for_by_their_complete_names_and_nothing_else() {
    let Some(namespace) = mount_namespace() else { return };
    let Ok(socket) = UdpSocket::bind(NAME_SERVER) else {
        println!("skipped: port 53 of {} is not for this user", NAME_SERVER.0);
        return;
    };
    let asked = serve(socket, "a-1.a.n.svc.k8s.corp.", [127, 0, 0, 17]);
    let directory = tempfile::tempdir().expect("a directory");
    let resolv_conf = directory.path().join("resolv.conf");
    let search = "search n.svc.k8s.corp svc.k8s.corp k8s.corp\noptions ndots:5 timeout:1\n";
    fs::write(&resolv_conf, format!("nameserver {}\n{search}", NAME_SERVER.0)).expect("a file");
    let port = free_port();
    let peer = FakeDkron::at(17, port, (500, "null"));

    let dkron = telling_program(directory.path());
    let mount = format!("mount --bind '{}' /etc/resolv.conf", resolv_conf.display());
    let script = format!("{mount} && exec \"$0\" run -- '{}' agent --server", dkron.display());
    let running = Wrapped::script(&script)
        .under(&namespace)
        .env("DKRON_HA_PEERS", "a-0.a.n.svc,a-1.a.n.svc,a-2.a.n.svc")
        .env("POD_NAME", "a-0")
        .env("INITIAL_CLUSTER_SIZE", "3")
        .env("DKRON_HA_DKRON_PORT", port.to_string())
        .env("DKRON_HA_WRAPPER_PORT", free_port().to_string())
        .start();
    running.wait_for("stderr", "waiting for the addresses of 2 peers: a-1.a.n.svc.k8s.corp. (not seen yet)");
    crate::wrapped::until("the peer is asked", || peer.asked() > 1);
    thread::sleep(Duration::from_secs(1));
    assert!(!directory.path().join("told").exists(), "one name has no address");
    peer.answer(LEADER);
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told = fs::read_to_string(directory.path().join("told")).expect("dkron ran");
    assert!(told.contains("--retry-join=a-1.a.n.svc.k8s.corp.\n--retry-join=a-2.a.n.svc.k8s.corp.\n"), "{told}");
    let asked = asked.lock().expect("questions").clone();
    let expected = ["a-1.a.n.svc.k8s.corp.", "a-2.a.n.svc.k8s.corp."].map(str::to_owned);
    assert_eq!(asked, BTreeSet::from(expected), "no search list was tried");
}
