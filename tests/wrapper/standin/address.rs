//! Addresses in flags: the one template that counts, missing ports, and what may be told to others.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

/// Where serf listens unless a port is given.
pub const SERF_PORT: u16 = 8946;

/// Puts the machine's private address in for `{{ GetPrivateIP }}`.
///
/// # Errors
/// Any other template.
pub fn fill(text: &str) -> Result<String, String> {
    let Some((before, rest)) = text.split_once("{{") else { return Ok(text.to_owned()) };
    let Some((template, after)) = rest.split_once("}}") else {
        return Err(format!("unable to parse address template {text:?}"));
    };
    if template.trim() != "GetPrivateIP" {
        return Err(format!("the stand-in knows no template {template:?}"));
    }
    Ok(format!("{before}{}{after}", private().map_or(String::new(), |address| address.to_string())))
}

/// The address of the default route, when it is one that RFC 6890 sets apart for private use.
fn private() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    let IpAddr::V4(v4) = address else { return None };
    let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
    (v4.is_private() || shared).then_some(address)
}

/// `text` as an address, with serf's port where it names none. A name is looked up.
///
/// # Errors
/// What cannot be looked up.
pub fn resolve(text: &str, port: u16) -> Result<SocketAddr, String> {
    all(text, port)?.first().copied().ok_or_else(|| format!("lookup {text}: no such host"))
}

/// All addresses behind `text`.
///
/// # Errors
/// What cannot be looked up.
pub fn all(text: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let text = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = match text.rsplit_once(':') {
        Some(_) => text.to_socket_addrs(),
        None => (text.as_str(), port).to_socket_addrs(),
    };
    found.map(Iterator::collect).map_err(|error| format!("lookup {text}: {error}"))
}

/// What others are told: `advertise` when it is given, else the address that is bound, always with serf's usual port
/// (as dkron 4.0.9 does, whatever port is bound).
///
/// # Errors
/// A loopback address that nobody asked to advertise.
pub fn advertised(advertise: &str, bind: &str) -> Result<SocketAddr, String> {
    let wrong =
        |why: &str| format!("failed to parse advertise address ({advertise}, {bind}, {SERF_PORT}, false): {why}");
    if !advertise.is_empty() {
        return resolve(&fill(advertise)?, SERF_PORT).map_err(|why| wrong(&why));
    }
    let bound = resolve(bind, SERF_PORT)?.ip();
    if bound.is_loopback() {
        return Err(wrong("defaulting advertise to localhost is unsafe, please set advertise manually"));
    }
    if bound.is_unspecified() {
        let address = private().ok_or_else(|| wrong("no private address"))?;
        return Ok(SocketAddr::new(address, SERF_PORT));
    }
    Ok(SocketAddr::new(bound, SERF_PORT))
}
