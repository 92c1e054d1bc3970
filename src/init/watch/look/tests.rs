//! Looks at servers on loopback.

use super::super::super::dkron::loopback::{Answers, Loopback, follower, free_port, ip};
use super::*;

/// What a wrapper of another version may say.
pub const STATE: &str = r#"{"protocol":7,"version":"9","namespace":"n","cluster":"a","pod":"a-0","node":"a-0","phase":"dreaming",
    "disk":"state","formed":true,"up":true,"more":[1]}"#;

fn ports() -> Ports {
    Ports { wrapper: free_port(), dkron: free_port() }
}

fn wrapper(line: &str) -> Option<(u16, String)> {
    (line == "GET /v1/state").then(|| (200, STATE.into()))
}

#[test]
fn a_wrapper_that_tells_is_enough_where_it_is_understood() {
    let looks_at = |answers: Answers| {
        let ports = ports();
        let (_wrapper, dkron) = (Loopback::at(1, ports.wrapper, answers), Loopback::at(1, ports.dkron, follower));
        let look = at_all(&[(ip(1), true)], ports).pop().expect("one address");
        let Told::Answer(state) = look.wrapper else { panic!("{look:?}") };
        assert_eq!((look.by_name, &*state.pod), (true, "a-0"));
        assert_eq!(matches!(look.dkron, Told::Answer(_)), !dkron.asked().is_empty());
        (state.protocol, !dkron.asked().is_empty())
    };
    let ours = |line: &str| {
        wrapper(line)
            .map(|(status, body)| (status, body.replace("\"protocol\":7", &format!("\"protocol\":{PROTOCOL}"))))
    };
    assert_eq!(looks_at(ours), (PROTOCOL, false));
    assert_eq!(looks_at(wrapper), (7, true), "what its dkron says, everybody understands");
}

#[test]
fn dkron_is_asked_where_no_wrapper_tells() {
    let ports = ports();
    let _dkron = Loopback::at(1, ports.dkron, follower);
    let wrapper_told = |answers: Option<Answers>| {
        let _wrapper = answers.map(|answers| Loopback::at(1, ports.wrapper, answers));
        let look = at((ip(1), false), ports);
        assert!(matches!(look.dkron, Told::Answer(_)), "{look:?}");
        look.wrapper
    };
    assert_eq!(wrapper_told(None), Told::Nobody);
    assert_eq!(wrapper_told(Some(|_| None)), Told::Silence);
    assert_eq!(wrapper_told(Some(|_| Some((404, String::new())))), Told::Unreadable);
    assert_eq!(wrapper_told(Some(|_| Some((200, "{}".into())))), Told::Unreadable);
    assert_eq!(wrapper_told(Some(|_| Some((503, STATE.into())))), Told::Unreadable);
}

#[test]
fn addresses_are_looked_at_once_each_and_at_the_same_time() {
    let (old, new) = (ip(5), "::ffff:127.0.0.6".parse().expect("an address"));
    assert_eq!(targets(Some(old), &[new, old, new]), [(old, true), (ip(6), true)]);
    assert_eq!(targets(Some(old), &[]), [(old, false)]);
    assert_eq!(targets(None, &[]), []);
    let many: Vec<IpAddr> = (1..100).map(ip).collect();
    assert_eq!(targets(Some(ip(200)), &many).len(), MOST_ADDRESSES);

    let ports = ports();
    // They take connections and are silent: a look at each takes all of its time.
    let silent = [2, 3, 4].map(|host| std::net::TcpListener::bind((ip(host), ports.wrapper)).expect("a free port"));
    let _living = Loopback::at(1, ports.wrapper, wrapper);
    let begun = Instant::now();
    let looks = at_all(&[2, 3, 4].map(|host| (ip(host), false)), ports);
    let took = begun.elapsed();
    assert!((PATIENCE..PATIENCE * 2).contains(&took), "{took:?}");
    let told = |looks: &[Look]| -> Vec<_> {
        looks.iter().map(|look| (look.ip, look.by_name, matches!(look.wrapper, Told::Answer(_)))).collect()
    };
    assert_eq!(told(&looks), [(ip(4), false, false), (ip(2), false, false), (ip(3), false, false)]);

    let begun = Instant::now();
    let looks = at_all(&[(ip(2), false), (ip(3), true), (ip(1), true)], ports);
    assert!(begun.elapsed() < PATIENCE / 2, "one has told who it is: {:?}", begun.elapsed());
    assert_eq!(told(&looks), [(ip(1), true, true), (ip(2), false, false), (ip(3), true, false)]);
    drop(silent);
}
