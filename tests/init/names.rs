//! Names of peers, asked of a name server on loopback.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use crate::fake_dkron::Fake;
use crate::namespaces::mount_namespace;
use crate::server::{Server, leading, state};
use crate::wrapped::until;

/// A name that no resolver can ask anybody for: one label is longer than DNS allows.
pub fn unresolvable(pod: &str) -> String {
    format!("{pod}.{}.n.svc.cluster.local.", "a".repeat(64))
}

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
    let server = Server::among_peers(0, &["--server"]).with_data_dir();
    let resolv_conf = server.path("resolv.conf");
    let search = "search n.svc.k8s.corp svc.k8s.corp k8s.corp\noptions ndots:5 timeout:1\n";
    fs::write(&resolv_conf, format!("nameserver {}\n{search}", NAME_SERVER.0)).expect("a file");
    let peer = Fake::wrapper(Ipv4Addr::new(127, 0, 0, 17), server.wrapper_port, &state(1, json!({})));

    let mount = format!("mount --bind '{}' /etc/resolv.conf && exec \"$0\" \"$@\"", resolv_conf.display());
    let running = server
        .wrapped(&[0, 1, 2])
        .under(&[&*namespace, &["sh", "-c", &mount]].concat())
        .env("DKRON_HA_PEERS", "a-0.a.n.svc,a-1.a.n.svc,a-2.a.n.svc")
        .start();
    running.wait_for("stderr", "waiting for all first servers");
    until("the peer is asked", || peer.asked() > 2);
    assert!(!server.is_started(), "one name has no address");
    // The address of its wrapper's own telling does not count, but the one that its name leads to.
    let mut leads = leading(1);
    leads["leader"]["rpcAddr"] = json!("127.0.0.17:6868");
    peer.tells(&leads);
    let (told, _) = server.told(running);
    let joins: Vec<_> = told.iter().filter(|word| word.starts_with("--retry-join")).collect();
    assert_eq!(joins, ["--retry-join=a-1.a.n.svc.k8s.corp."]);
    assert!(server.asked().contains("--rpc-addr 127.0.0.17:6868"), "{}", server.asked());
    let asked = asked.lock().expect("questions").clone();
    // Servers that were added since may follow the first ones.
    let expected = [1, 2, 3, 4].map(|ordinal| format!("a-{ordinal}.a.n.svc.k8s.corp."));
    assert_eq!(asked, BTreeSet::from(expected), "no search list was tried");
}
