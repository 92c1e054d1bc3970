//! From a decision to the words and variables of the child. Pure.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};

use crate::contract::{env, port};

use super::arguments::{flag, variable};
use super::decide::Launch;
use super::environment::Environment;
use super::form::Form;
use super::settings::Settings;

/// dkron's own 30 s between two tries are far too long for a start.
const RETRY_INTERVAL: &str = "1s";

/// What a child is started with, beside what it inherits.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Program and arguments.
    pub words: Vec<OsString>,
    /// Variables to set.
    pub set: Vec<(String, String)>,
    /// Variables to take away.
    pub unset: Vec<String>,
}

/// Prepares the command `words` for `launch`.
pub fn prepare(words: &[OsString], launch: &Launch, settings: &Settings, environment: &Environment) -> Prepared {
    let form = Form::of(words);
    let mut prepared = match launch {
        Launch::AsWritten => as_written(words),
        Launch::Agent => agent(words, &form, settings, environment),
        Launch::Server { join, expect } => {
            let bind_addr = bind_addr(&form, environment, settings.pod_ip);
            server(words, &form, &wanted(join, *expect, bind_addr))
        }
    };
    prepared.unset.extend(environment.service_links().iter().cloned());
    prepared
}

fn as_written(words: &[OsString]) -> Prepared {
    Prepared { words: words.to_vec(), ..Prepared::default() }
}

fn agent(words: &[OsString], form: &Form, settings: &Settings, environment: &Environment) -> Prepared {
    let mut prepared = as_written(words);
    let said = form.joins() || [flag::JOIN, flag::RETRY_JOIN].iter().any(|f| environment.get(&variable(f)).is_some());
    if let Some(join) = settings.join.as_ref().filter(|_| !said) {
        // In a variable and not in a flag: dkron reads flags as CSV, where the quotes of a selector are an error.
        prepared.set.push((env::DKRON_RETRY_JOIN.into(), join.clone()));
    }
    prepared
}

/// Flags of a server, with values where they are to be given and without where they are to be absent.
type Wanted = Vec<(&'static str, Option<Vec<String>>)>;

fn wanted(join: &[String], expect: Option<u32>, bind_addr: Option<String>) -> Wanted {
    let retry_join = (!join.is_empty()).then(|| join.to_vec());
    let mut wanted = vec![
        (flag::JOIN, None),
        (flag::RETRY_INTERVAL, retry_join.is_some().then(|| vec![RETRY_INTERVAL.to_owned()])),
        (flag::RETRY_JOIN, retry_join),
        (flag::RETRY_MAX, None),
        (flag::BOOTSTRAP_EXPECT, expect.map(|size| vec![size.to_string()])),
    ];
    if let Some(address) = bind_addr {
        wanted.push((flag::BIND_ADDR, Some(vec![address])));
    }
    wanted
}

fn server(words: &[OsString], form: &Form, wanted: &Wanted) -> Prepared {
    let mut prepared = as_written(words);
    match form {
        Form::Flags(arguments) => {
            let out: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
            let given = wanted.iter().flat_map(|(name, values)| values.iter().flatten().map(move |v| (name, v)));
            let appended: Vec<String> = given.map(|(name, value)| format!("--{name}={value}")).collect();
            prepared.words = arguments.rewritten(&out, &appended);
            // A flag that is absent leaves room for its variable.
            prepared.unset = out.iter().map(|name| variable(name)).collect();
        }
        Form::Opaque(_) => {
            for (name, values) in wanted {
                match values {
                    Some(values) => prepared.set.push((variable(name), values.join(","))),
                    None => prepared.unset.push(variable(name)),
                }
            }
        }
    }
    prepared
}

/// The address to bind to, or `None` where the user's own stands (or nobody knows one).
///
/// Left to itself dkron looks for a "private" address and fails where pods have others; bound to all addresses, the leader
/// does not recognise itself and answers 500 to `/v1/leader`.
fn bind_addr(form: &Form, environment: &Environment, pod_ip: Option<IpAddr>) -> Option<String> {
    let flag = match form {
        Form::Flags(arguments) => arguments.value(flag::BIND_ADDR),
        Form::Opaque(_) => None,
    };
    let said = flag.or_else(|| environment.get(&variable(flag::BIND_ADDR)));
    let port = match said {
        None => port::DKRON_SERF,
        Some(said) => port_of_all_addresses(said)?,
    };
    // Displays IPv6 in brackets.
    pod_ip.map(|ip| SocketAddr::new(ip, port).to_string())
}

/// The port of an address that stands for all addresses; `None` for any other.
fn port_of_all_addresses(said: &str) -> Option<u16> {
    if let Some(port) = said.strip_prefix(':') {
        return port.parse().ok();
    }
    if let Ok(ip) = said.parse::<IpAddr>() {
        return ip.is_unspecified().then_some(port::DKRON_SERF);
    }
    let address: SocketAddr = said.parse().ok()?;
    address.ip().is_unspecified().then_some(address.port())
}

#[cfg(test)]
mod tests;
