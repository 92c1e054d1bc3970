//! Parts that more than one text has: what wrappers tell each other, the marker, `desired.json`.

use super::super::procedure::{Owner, Server};
use super::Json;

/// A number of servers.
pub fn small(json: &Json) -> Option<u32> {
    json.number()?.try_into().ok()
}

/// A truth value that may be missing.
pub fn flag(json: &Json) -> Option<bool> {
    json.optional(Json::bool).map(Option::unwrap_or_default)
}

/// An [`Owner`], as its type says.
pub fn owner(json: &Json) -> Option<Owner> {
    Some(Owner {
        namespace: json.get("namespace").text()?,
        cluster: json.get("cluster").text()?,
        set_uid: json.get("setUid").optional(Json::text)?,
        former: json.get("former").optional(|former| former.each(Json::text))?.unwrap_or_default(),
        founding: json.get("founding").optional(Json::text)?,
    })
}

/// A [`Server`] of a raft configuration, as its type says.
pub fn server(json: &Json) -> Option<Server> {
    Some(Server { id: json.get("id").text()?, address: json.get("address").text()?, voter: json.get("voter").bool()? })
}
