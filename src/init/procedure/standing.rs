//! Whose it is what answers where a peer's name leads.

use std::net::{IpAddr, SocketAddr};

use super::input::{DesiredPod, DkronView, Look, Me, Told, address_of};
use super::peer::Peer;
use super::state::{Member, Name, Owner, PROTOCOL, Status};

/// Whose addresses a peer's name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was seen yet.
    Unseen,
    /// Its name has no address.
    NoAddress(Name),
    /// Its addresses are silent, or nobody vouches for what answers there.
    Silent,
    /// Somebody else's pod answers where the name leads.
    Stranger(Name),
    /// Its wrapper answers.
    Wrapped(IpAddr),
    /// Kubernetes vouches for the address, where dkron answers and no wrapper does.
    Plain(IpAddr),
    /// It is the peer, and what it says cannot be understood.
    Foreign(IpAddr),
}

impl Peer {
    /// Whose the address of this look is.
    pub(super) fn judge(
        &self,
        look: &Look,
        me: &Me,
        (set_uid, former): (Option<&Name>, &[Name]),
        pods: &[DesiredPod],
    ) -> Standing {
        let vouched = address_of(pods, &self.name.pod) == Some(look.ip);
        // Kubernetes' word may be half a minute old. A dkron that has the name of another pod, or shows none of the others where that has
        // them, is another set's. A single one may just have moved.
        let is_elsewhere = |view: &DkronView| {
            let mut there = view.members.iter().filter(|member| member.status == Status::Alive && member.ip == look.ip);
            let is_another =
                |member: &Member| pods.iter().any(|pod| pod.name == member.name && pod.name != self.name.pod);
            if there.clone().all(|member| member.name != self.name.pod) && there.any(is_another) {
                return true;
            }
            let counts = |name: &Name| *name != self.name.pod && *name != me.node;
            let others = || view.members.iter().filter(|member| member.status == Status::Alive && counts(&member.name));
            let stands = |member: &Member| Some(address_of(pods, &member.name)? == member.ip);
            let strange: Vec<bool> = others().filter_map(stands).collect();
            // All of them may have moved since, from where raft had them.
            let known = || me.marker.iter().flat_map(|marker| &marker.members);
            let stood = |member: &Member| {
                let at = SocketAddr::new(member.ip, me.rpc_port);
                known().any(|server| server.id == member.name && server.address.parse() == Ok(at))
            };
            let ours = others().all(|member| stands(member) == Some(true) || stood(member));
            strange.len() > 1 && strange.iter().all(|stands| !stands) && !ours
        };
        match &look.wrapper {
            Told::Answer(state) => {
                let named = state.pod == self.name.pod || look.by_name && *self.name.host == *look.ip.to_string();
                let own = state.namespace == me.namespace && state.cluster == me.cluster && named;
                // Where one set has taken over the pods of another, or their volumes, not all hear of it at once.
                let succeeds = |its: &Name, ours: &Name| {
                    former.contains(its) || state.owner.iter().flat_map(Owner::lineage).any(|set| set == ours)
                };
                // Whom Kubernetes has there is of the set by now, whatever it knows of that itself.
                let other_set = matches!((&state.set_uid, set_uid), (Some(its), Some(ours))
                    if its != ours && !vouched && !succeeds(its, ours));
                match own && !other_set {
                    true if state.protocol == PROTOCOL => Standing::Wrapped(look.ip),
                    true => Standing::Foreign(look.ip),
                    false => Standing::Stranger(format!("{}/{}", state.namespace, state.pod).into()),
                }
            }
            Told::Unreadable if vouched => Standing::Foreign(look.ip),
            Told::Nobody | Told::Silence if vouched => match &look.dkron {
                Told::Answer(view) if is_elsewhere(view) => Standing::Stranger("servers of another set".into()),
                Told::Answer(_) => Standing::Plain(look.ip),
                _ => Standing::Silent,
            },
            _ => Standing::Silent,
        }
    }
}

/// The better of two looks counts.
pub(super) fn rank(standing: &Standing) -> u8 {
    match standing {
        Standing::Unseen | Standing::NoAddress(_) | Standing::Silent => 0,
        Standing::Stranger(_) => 1,
        Standing::Foreign(_) => 2,
        Standing::Plain(_) => 3,
        Standing::Wrapped(_) => 4,
    }
}
