//! Reads what another wrapper tells of itself.

use std::net::IpAddr;

use super::super::agent::{Home, Sighting};
use super::super::json::Json;
use super::super::json::parts::{flag, owner, server, small};
use super::super::procedure::{Disk, Leader, Member, Phase, State, Status};

/// Reads a [`State`] of any protocol, as its type says: what every one has must be there, what is not known is passed over.
pub fn read(text: &[u8]) -> Option<State> {
    let json = Json::read(text)?;
    let get = |name| json.get(name);
    Some(State {
        protocol: small(get("protocol"))?,
        version: get("version").text()?,
        namespace: get("namespace").text()?,
        cluster: get("cluster").text()?,
        set_uid: get("setUid").optional(Json::text)?,
        pod: get("pod").text()?,
        node: get("node").text()?,
        ip: get("ip").optional(|ip| ip.text()?.parse().ok())?,
        phase: phase(&get("phase").text()?),
        disk: disk(&get("disk").text()?),
        owner: get("owner").optional(owner)?,
        formed: get("formed").bool()?,
        size: get("size").optional(small)?,
        founding: get("founding").optional(Json::text)?,
        expecting: flag(get("expecting"))?,
        stranded: flag(get("stranded"))?,
        anew: flag(get("anew"))?,
        comes: flag(get("comes"))?,
        apart: flag(get("apart"))?,
        up: get("up").bool()?,
        leader: get("leader").optional(leader)?,
        leads: flag(get("leads"))?,
        voter_for: get("voterFor").optional(Json::number)?,
        raft: get("raft").optional(|raft| raft.each(server))?,
        members: get("members").optional(|members| members.each(member))?.unwrap_or_default(),
    })
}

/// Reads what the wrapper at `server` tells of one member.
pub fn sighting(server: IpAddr, text: &[u8]) -> Option<Sighting> {
    let json = Json::read(text)?;
    let get = |name| json.get(name);
    let home = Home { namespace: get("namespace").text()?, cluster: get("cluster").text()? };
    Some(Sighting { server, home: Some(home), led: get("led").bool()?, member: get("member").optional(member)? })
}

fn phase(word: &str) -> Phase {
    match word {
        "waiting" => Phase::Waiting,
        "starting" => Phase::Starting,
        "serving" => Phase::Serving,
        "holding" => Phase::Holding,
        "going" => Phase::Going,
        "leaving" => Phase::Leaving,
        _ => Phase::Unknown,
    }
}

fn disk(word: &str) -> Disk {
    match word {
        "empty" => Disk::Empty,
        "state" => Disk::State,
        _ => Disk::Unknown,
    }
}

fn leader(json: &Json) -> Option<Leader> {
    Some(Leader { name: json.get("name").text()?, rpc_addr: json.get("rpcAddr").text()? })
}

fn member(json: &Json) -> Option<Member> {
    let status = match &*json.get("status").text()? {
        "alive" => Status::Alive,
        "leaving" => Status::Leaving,
        "left" => Status::Left,
        "failed" => Status::Failed,
        _ => Status::Unknown,
    };
    let seen_for = json.get("seenFor").optional(Json::number)?;
    let (name, ip) = (json.get("name").text()?, json.get("ip").text()?.parse().ok()?);
    Some(Member { name, ip, status, seen_for })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::procedure::{Owner, Server};
    use super::*;

    fn full() -> State {
        let member =
            |name: &str, status| Member { name: name.into(), ip: [10, 0, 0, 2].into(), status, seen_for: Some(7) };
        State {
            protocol: 1,
            version: "0.1.0".into(),
            namespace: "n".into(),
            cluster: "a".into(),
            set_uid: Some("1-2".into()),
            pod: "a-0".into(),
            node: "a-0.x".into(),
            ip: "fd00::1".parse().ok(),
            phase: Phase::Serving,
            disk: Disk::State,
            owner: Some(Owner {
                namespace: "m".into(),
                cluster: "b".into(),
                set_uid: Some("3".into()),
                former: vec!["4".into(), "5".into()],
                founding: Some("6".into()),
            }),
            formed: true,
            size: Some(3),
            founding: Some("7".into()),
            expecting: true,
            stranded: true,
            anew: true,
            comes: true,
            apart: true,
            up: true,
            leader: Some(Leader { name: "a-1".into(), rpc_addr: "10.0.0.3:6868".into() }),
            leads: true,
            voter_for: Some(1 << 40),
            raft: Some(vec![Server { id: "a-0".into(), address: "10.0.0.2:6868".into(), voter: true }]),
            members: [Status::Alive, Status::Leaving, Status::Left, Status::Failed, Status::Unknown]
                .map(|status| member("a-0", status))
                .to_vec(),
        }
    }

    #[test]
    fn what_a_wrapper_writes_is_read_as_it_was_meant() {
        let phases = [Phase::Waiting, Phase::Starting, Phase::Serving, Phase::Holding, Phase::Going, Phase::Leaving];
        for phase in phases {
            for disk in [Disk::Empty, Disk::State, Disk::Unknown] {
                let state = State { phase, disk, ..full() };
                assert_eq!(read(&serde_json::to_vec(&state).expect("text")).as_ref(), Some(&state));
            }
        }
    }

    /// Every value inside `json` by its pointer.
    fn pointers(json: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match json {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{at}/{i}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn what_is_missing_strange_or_wrong_is_taken_as_the_type_says() {
        let whole = serde_json::to_value(full()).expect("JSON");
        let mut places = Vec::new();
        pointers(&whole, "", &mut places);
        assert!(places.len() > 50, "{places:?}");
        let same = |json: &Value, what: &str| {
            let text = serde_json::to_vec(json).expect("text");
            let derived = serde_json::from_slice::<State>(&text).ok();
            // What may be missing may be `null` too, where the type would refuse it.
            let taken = read(&text);
            assert!(taken == derived || (what.starts_with("null") && derived.is_none()), "{what}: {taken:?}");
            derived.is_some()
        };
        let (mut taken, mut refused) = (0, 0);
        for place in &places {
            let others =
                [json!(null), json!(true), json!(7), json!(-7), json!(0.5), json!("x"), json!({"a": 1}), json!("")];
            for other in others {
                let mut changed = whole.clone();
                *changed.pointer_mut(place).expect("a place") = other.clone();
                let outcome = same(&changed, &format!("{other} at {place}"));
                *(if outcome { &mut taken } else { &mut refused }) += 1;
            }
            let Some((parent, name)) = place.rsplit_once('/') else { continue };
            let mut changed = whole.clone();
            if let Some(fields) = changed.pointer_mut(parent).and_then(Value::as_object_mut) {
                fields.remove(name);
                fields.insert("more".into(), json!([{}]));
                same(&changed, &format!("without {place}"));
            }
        }
        assert!(taken > 20 && refused > 100, "{taken} {refused}");
    }
}
