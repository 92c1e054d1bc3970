//! Asks the servers how they see this agent: one thread, which asks one of them, tells, and waits.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::agent::Sighting;
use super::super::dkron::{api, http};
use super::super::procedure::{Name, Outcome};
use super::super::threads;
use super::look::Ports;
use super::pulse::Pulse;
use super::resolver::Resolver;
use super::state;
use crate::contract::path;

/// How long the name server may take for each name.
const NAMING: Duration = Duration::from_secs(1);

/// How long one server may take: a dkron without a wrapper lists every agent.
const PATIENCE: Duration = Duration::from_secs(3);

/// So many are asked one after another until one knows a leader.
const MOST_ASKED: usize = 3;

/// Who is asked after whom.
#[derive(Debug)]
pub struct Question {
    /// Names or addresses of servers.
    pub hosts: Vec<Name>,
    /// Ports on the servers.
    pub ports: Ports,
    /// Node name of this agent.
    pub node: Name,
}

/// The watch, for as long as the program lives.
#[derive(Debug)]
pub struct Servers {
    pulse: Arc<Pulse>,
}

impl Servers {
    /// Begins to ask, `pause` apart, the first time after it. `tell` hears every answer.
    ///
    /// # Errors
    /// What the system says of threads.
    pub fn start(
        question: Question,
        pause: Duration,
        tell: impl Fn(Outcome<Sighting>) + Send + 'static,
    ) -> io::Result<Self> {
        let pulse = Arc::new(Pulse::new(pause));
        let mut asker = Asker::of(question);
        let watch = {
            let pulse = Arc::clone(&pulse);
            move || {
                pulse.wait(Instant::now(), pulse.kicks());
                loop {
                    let (begun, seen) = (Instant::now(), pulse.kicks());
                    tell(asker.ask());
                    pulse.wait(begun, seen);
                }
            }
        };
        threads::begin("servers", Box::new(watch))?;
        Ok(Self { pulse })
    }

    /// From now on questions begin so far apart.
    pub fn pace(&self, pause: Duration) {
        self.pulse.set(pause);
    }
}

/// Asks, a different server each time.
struct Asker {
    names: Vec<Resolver>,
    ports: Ports,
    node: Name,
    turn: usize,
    /// Who knew a leader last.
    last: Option<IpAddr>,
}

impl Asker {
    fn of(question: Question) -> Self {
        let Question { hosts, ports, node } = question;
        // Agents that are made at the same moment are not to ask the same server.
        let turn = node.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Self { names: hosts.into_iter().map(Resolver::new).collect(), ports, node, turn, last: None }
    }

    fn ask(&mut self) -> Outcome<Sighting> {
        let (mut order, nameless) = self.addresses();
        self.turn = self.turn.wrapping_add(1);
        if !order.is_empty() {
            let first = self.turn % order.len();
            order.rotate_left(first);
        }
        if let Some(at) = order.iter().position(|ip| Some(*ip) == self.last) {
            // Names may lead to others too, such as agents: who was a server is asked second at the latest.
            let last = order.remove(at);
            order.insert(at.min(1), last);
        }
        let mut best = Err(nameless);
        for ip in order.into_iter().take(MOST_ASKED) {
            match self.ask_one(ip) {
                Ok(sighting) if sighting.led => {
                    self.last = Some(ip);
                    return Ok(sighting);
                }
                Ok(sighting) => best = Ok(sighting),
                Err(error) if best.is_err() => best = Err(error.to_string().into()),
                Err(_) => {}
            }
        }
        best
    }

    /// Every address, each once, and why there is none.
    fn addresses(&mut self) -> (Vec<IpAddr>, Name) {
        let (mut addresses, mut why) = (Vec::new(), Name::from("no address"));
        for name in &mut self.names {
            match name.addresses(NAMING) {
                Ok(found) => {
                    for ip in found {
                        let ip = ip.to_canonical();
                        if !addresses.contains(&ip) {
                            addresses.push(ip);
                        }
                    }
                }
                Err(error) => why = error,
            }
        }
        (addresses, why)
    }

    /// The wrapper first, whose answer is short; dkron only where none tells.
    fn ask_one(&self, ip: IpAddr) -> io::Result<Sighting> {
        let end = Instant::now() + PATIENCE;
        // Other names would have to be written otherwise in a path, and are rare.
        if self.node.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            let question = [path::MEMBER, &self.node].concat();
            match http::ask(SocketAddr::new(ip, self.ports.wrapper), http::Method::Get, &question, end) {
                Ok(answer) if answer.status == 200 => {
                    if let Some(sighting) = state::sighting(ip, &answer.body) {
                        return Ok(sighting);
                    }
                }
                // Too many ask at this moment, and a question to dkron would make that worse.
                Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        let (led, member) = api::sees(SocketAddr::new(ip, self.ports.dkron), &self.node, end)?;
        Ok(Sighting { server: ip, home: None, led, member })
    }
}

#[cfg(test)]
mod tests;
