//! Threads that watch peers on loopback.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};

use super::super::super::dkron::loopback::{Loopback, free_port, ip};
use super::super::super::procedure::{Look, Outcome, Told};
use super::super::look::tests::STATE;
use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(20);

/// Pod and looks.
type Heard = (Name, Outcome<Vec<Look>>);

/// Listens to a watch of which the first look is due at once and the next in an hour.
fn watch(wrapper: u16) -> (Peers, Receiver<Heard>) {
    let (sender, heard) = mpsc::channel();
    let tell: Tell = Arc::new(move |input| match input {
        Input::Looked { pod, asked, looks } => {
            assert!(asked <= clock::now().at);
            drop(sender.send((pod, looks)));
        }
        other => panic!("{other:?}"),
    });
    (Peers::new(Ports { wrapper, dkron: free_port() }, HOUR, tell), heard)
}

fn peer(pod: &str, host: &str) -> PeerName {
    PeerName { pod: pod.into(), host: host.into() }
}

fn seen(looks: &Outcome<Vec<Look>>) -> Vec<(IpAddr, bool, bool)> {
    let looks = looks.as_deref().expect("an address");
    looks.iter().map(|look| (look.ip, look.by_name, matches!(look.wrapper, Told::Answer(_)))).collect()
}

#[test]
fn peers_come_move_and_go_while_the_watch_runs() {
    let port = free_port();
    let _wrapper = Loopback::at(7, port, |_| Some((200, STATE.into())));
    let (mut peers, heard) = watch(port);
    let (a, b) = (peer("a-0", "127.0.0.7"), peer("a-1", "127.0.0.8"));
    peers.watch(&[(a.clone(), None)]).expect("threads");
    let (pod, looks) = heard.recv_timeout(SOON).expect("a look at once");
    assert_eq!((&*pod, seen(&looks)), ("a-0", vec![(ip(7), true, true)]));

    peers.watch(&[(a, Some(ip(9))), (b.clone(), None)]).expect("threads");
    let (pod, looks) = heard.recv_timeout(SOON).expect("a look at once");
    assert_eq!((&*pod, seen(&looks)), ("a-1", vec![(ip(8), true, false)]), "only who is new");
    peers.kick();
    let mut both = [(); 2].map(|()| heard.recv_timeout(SOON).expect("a look at once"));
    both.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(seen(&both[0].1), [(ip(7), true, true), (ip(9), false, false)], "the address of Kubernetes too");

    peers.watch(&[(b, None)]).expect("threads");
    peers.pace(Duration::from_millis(50));
    let pods: Vec<Name> = (0..8).map(|_| heard.recv_timeout(SOON).expect("a look").0).collect();
    assert!(pods.iter().all(|pod| &**pod == "a-1"), "{pods:?}");
    drop(peers);
    let end = Instant::now() + SOON;
    while heard.recv_timeout(SOON).is_ok() {
        assert!(Instant::now() < end, "the thread and what it tells to are gone");
    }
}

#[test]
fn a_name_without_an_address_is_no_obstacle_where_kubernetes_knows_one() {
    let (mut peers, heard) = watch(free_port());
    let nameless = format!("{}.", "a".repeat(70));
    peers.watch(&[(peer("a-0", &nameless), None)]).expect("threads");
    assert!(heard.recv_timeout(SOON).expect("a look").1.is_err());
    peers.watch(&[(peer("a-0", &nameless), Some(ip(7)))]).expect("threads");
    peers.kick();
    assert_eq!(seen(&heard.recv_timeout(SOON).expect("a look").1), [(ip(7), false, false)]);
}

#[test]
fn whoever_is_looked_at_where_nobody_answers_is_looked_at_once_more_when_there_is_no_time() {
    let listener = TcpListener::bind(("127.0.0.7", 0)).expect("a port");
    let (mut peers, heard) = watch(listener.local_addr().expect("its address").port());
    peers.watch(&[(peer("a-0", "127.0.0.7"), None)]).expect("threads");
    let (silent, _) = listener.accept().expect("the first look");
    peers.kick();
    let (mut other, _) = listener.accept().expect("a look beside it");
    let _ = other.read(&mut [0; 1024]);
    write!(other, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{STATE}", STATE.len()).expect("an answer");
    let (pod, looks) = heard.recv_timeout(SOON).expect("a look");
    assert_eq!((&*pod, seen(&looks)), ("a-0", vec![(ip(7), true, true)]), "before the silence of the other ends");
    drop(silent);
}
