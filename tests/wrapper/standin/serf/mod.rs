//! Gossip: members find each other, notice the dead, and leave. Over TCP tables are exchanged, over UDP they are
//! spread five times a second and members probed once a second.

mod coalesce;
mod exchange;
mod listen;
mod pulse;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use coalesce::Coalescer;
pub use coalesce::Told;
use table::{Belief, Change, Heard, News, Table};

use super::address;
use super::log::Log;
use super::member::Member;
use super::random;
use super::wire;

/// How long one peer may take to answer a join.
const JOIN: Duration = Duration::from_secs(10);

/// How long news of a leave is given before the member is gone.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long serf asks around whose a contested name is.
const VOTE: Duration = Duration::from_millis(3200);

#[derive(Serialize, Deserialize)]
enum Question {
    /// Take my table, give me yours.
    Sync(Vec<News>),
    /// Where is this member, as far as you know?
    Holds(String),
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Sync(Vec<News>),
    Holds(Option<(IpAddr, u16)>),
}

/// A message with the key of `--encrypt`; one with another key is not heard.
#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    key: String,
    body: T,
}

#[derive(Serialize, Deserialize)]
struct Datagram {
    kind: Kind,
    news: Vec<News>,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Gossip,
    Ping { to: String, number: u64 },
    Pong { number: u64 },
}

/// How a node takes part.
pub struct Start {
    pub name: String,
    pub bind: SocketAddr,
    pub advertise: SocketAddr,
    pub tags: BTreeMap<String, String>,
    pub key: String,
    /// How long failed members are remembered.
    pub reconnect: Duration,
}

/// One node's part in the gossip.
pub struct Serf {
    name: String,
    address: (IpAddr, u16),
    port: u16,
    key: String,
    reconnect: Duration,
    table: Mutex<Table>,
    coalescer: Mutex<Coalescer>,
    events: Sender<Told>,
    udp: UdpSocket,
    /// Probes that were answered.
    pongs: Mutex<BTreeSet<u64>>,
    contested: AtomicBool,
    down: AtomicBool,
    log: Log,
}

impl Serf {
    /// Opens the sockets and begins. What happens is told to `events`.
    ///
    /// # Errors
    /// An address that cannot be bound.
    pub fn start(start: Start, events: Sender<Told>, log: Log) -> io::Result<Arc<Self>> {
        let tcp = TcpListener::bind(start.bind)?;
        let udp = UdpSocket::bind(start.bind)?;
        let now = Instant::now();
        let own = News {
            name: start.name.clone(),
            address: start.advertise.ip(),
            port: start.advertise.port(),
            tags: start.tags,
            incarnation: 1,
            belief: Belief::Alive,
            leaving: false,
        };
        let serf = Arc::new(Self {
            name: start.name,
            address: (own.address, own.port),
            port: start.bind.port(),
            key: start.key,
            reconnect: start.reconnect,
            table: Mutex::new(Table::new(own, now)),
            coalescer: Mutex::default(),
            events,
            udp,
            pongs: Mutex::default(),
            contested: AtomicBool::new(false),
            down: AtomicBool::new(false),
            log,
        });
        let own = serf.own();
        lock(&serf.coalescer).push(Change::Join, own, now);
        let listener = Arc::clone(&serf);
        thread::spawn(move || listener.answer(&tcp));
        let listener = Arc::clone(&serf);
        thread::spawn(move || listener.hear_datagrams());
        let pulse = Arc::clone(&serf);
        thread::spawn(move || pulse.pulse());
        let prober = Arc::clone(&serf);
        thread::spawn(move || prober.probe());
        Ok(serf)
    }

    pub fn own(&self) -> Member {
        lock(&self.table).own()
    }

    pub fn members(&self) -> Vec<Member> {
        lock(&self.table).members()
    }

    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    /// The others hear of it with the next gossip; serf waits for that.
    pub fn set_tags(self: &Arc<Self>, tags: BTreeMap<String, String>) {
        let change = lock(&self.table).change_own(Instant::now(), |own| own.tags = tags);
        self.raise(Heard { changes: vec![change], contested: false });
        if !lock(&self.table).others().is_empty() {
            thread::sleep(random::up_to_twice(pulse::GOSSIP / 2));
        }
    }

    /// Exchanges tables with every address behind `places`; joining oneself counts.
    ///
    /// # Errors
    /// Nobody answered.
    pub fn join(self: &Arc<Self>, places: &[String]) -> Result<usize, String> {
        let (mut joined, mut last) = (0, String::new());
        for place in places {
            match address::all(place, self.port) {
                Ok(addresses) => {
                    for address in addresses {
                        match self.sync(address) {
                            Ok(()) => joined += 1,
                            Err(error) => last = format!("{address}: {error}"),
                        }
                    }
                }
                Err(why) => last = why,
            }
        }
        if joined == 0 && !places.is_empty() { Err(last) } else { Ok(joined) }
    }

    fn sync(self: &Arc<Self>, address: SocketAddr) -> io::Result<()> {
        let mine = lock(&self.table).news();
        let Answer::Sync(theirs) = self.ask(address, Question::Sync(mine), JOIN)? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        self.hear_all(&theirs);
        Ok(())
    }

    fn ask(&self, address: SocketAddr, question: Question, limit: Duration) -> io::Result<Answer> {
        let mut stream = wire::dial(&address.to_string(), limit)?;
        stream.set_read_timeout(Some(limit))?;
        wire::send(&mut stream, &Sealed { key: self.key.clone(), body: question })?;
        wire::receive(&mut stream)
    }

    /// Tells the others, waits until they have heard it, and stops.
    pub fn leave(self: &Arc<Self>) {
        if self.is_down() {
            return;
        }
        if !lock(&self.table).others().is_empty() {
            lock(&self.table).change_own(Instant::now(), |own| own.leaving = true);
            self.spread(usize::MAX);
            thread::sleep(Duration::from_millis(400));
        }
        let change = lock(&self.table).change_own(Instant::now(), |own| own.belief = Belief::Left);
        self.raise(Heard { changes: vec![change], contested: false });
        self.spread(usize::MAX);
        thread::sleep(FAREWELL);
        self.shut_down();
        // The sockets are closed by the threads that wait on them.
        thread::sleep(2 * listen::LOOK);
    }

    fn shut_down(&self) {
        if !self.down.swap(true, Ordering::SeqCst) {
            self.log.warning("agent: Serf shutdown detected, quitting", &[]);
        }
    }

    fn hear_all(self: &Arc<Self>, news: &[News]) {
        let now = Instant::now();
        for news in news {
            let heard = lock(&self.table).hear(news, now);
            self.raise(heard);
        }
    }

    fn raise(self: &Arc<Self>, heard: Heard) {
        let now = Instant::now();
        for (change, member) in heard.changes {
            lock(&self.coalescer).push(change, member, now);
        }
        if heard.contested && !self.contested.swap(true, Ordering::SeqCst) {
            let voter = Arc::clone(self);
            thread::spawn(move || voter.settle());
        }
    }

    /// Asks everybody where the own name is. Without a majority for the own address serf stops, and only serf.
    fn settle(&self) {
        let ends = Instant::now() + VOTE;
        let (mut votes, mut mine) = (1, 1);
        let others = lock(&self.table).others();
        for other in others {
            let question = Question::Holds(self.name.clone());
            let limit = Duration::from_millis(500);
            let answer = self.ask(SocketAddr::new(other.address, other.port), question, limit);
            if let Ok(Answer::Holds(Some(held))) = answer {
                votes += 1;
                mine += usize::from(held == self.address);
            }
        }
        thread::sleep(ends.saturating_duration_since(Instant::now()));
        if mine > votes / 2 {
            self.contested.store(false, Ordering::SeqCst);
        } else {
            self.shut_down();
        }
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().expect("nobody panics with this lock")
}
