//! What a node answers when others call.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Answer, Datagram, Kind, Question, Sealed, Serf, exchange, lock};
use crate::standin::wire;

/// How often a waiting thread looks whether serf is down.
pub(super) const LOOK: Duration = Duration::from_millis(50);

impl Serf {
    /// Answers calls until serf is down; then the port refuses.
    pub(super) fn answer(self: &Arc<Self>, tcp: &TcpListener) {
        tcp.set_nonblocking(true).expect("a listener takes this");
        while !self.is_down() {
            match tcp.accept() {
                Ok((stream, _)) => {
                    let serf = Arc::clone(self);
                    thread::spawn(move || serf.answer_one(stream));
                }
                Err(_) => thread::sleep(LOOK),
            }
        }
    }

    fn answer_one(self: &Arc<Self>, mut stream: TcpStream) {
        let told = stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(10))));
        let mut first = [0];
        if told.is_ok() && stream.peek(&mut first).is_ok() && first[0] == exchange::KIND {
            // Whoever ends it before it is over has learned nothing.
            let _ = self.exchange(&mut stream);
            return;
        }
        let Ok(asked) = told.and_then(|()| wire::receive::<Sealed<Question>>(&mut stream)) else { return };
        if asked.key != self.key {
            return;
        }
        let answer = match asked.body {
            Question::Sync(theirs) => {
                let mine = lock(&self.table).news();
                self.hear_all(&theirs);
                Answer::Sync(mine)
            }
            Question::Holds(name) => Answer::Holds(lock(&self.table).held_by(&name)),
        };
        let _ = wire::send(&mut stream, &answer);
    }

    /// With somebody who may stand between this node and another.
    fn exchange(self: &Arc<Self>, stream: &mut TcpStream) -> std::io::Result<()> {
        let theirs = exchange::read(stream)?;
        if !self.key.is_empty() {
            return exchange::refuse(stream);
        }
        let mine = lock(&self.table).news();
        exchange::write(stream, &mine)?;
        self.hear_all(&theirs);
        Ok(())
    }

    pub(super) fn hear_datagrams(self: &Arc<Self>) {
        self.udp.set_read_timeout(Some(LOOK)).expect("a socket takes this");
        let mut buffer = vec![0; 65_536];
        while !self.is_down() {
            let Ok((length, from)) = self.udp.recv_from(&mut buffer) else { continue };
            let Ok(sealed) = serde_json::from_slice::<Sealed<Datagram>>(&buffer[..length]) else { continue };
            if sealed.key != self.key || self.is_down() {
                continue;
            }
            self.hear_all(&sealed.body.news);
            match sealed.body.kind {
                Kind::Ping { to, number } if to == self.name => self.tell(from, Kind::Pong { number }),
                Kind::Gossip | Kind::Ping { .. } => {}
                Kind::Pong { number } => {
                    lock(&self.pongs).insert(number);
                }
            }
        }
    }

    /// Sends the table to `to`. A datagram that is lost is lost.
    pub(super) fn tell(&self, to: SocketAddr, kind: Kind) {
        let news = lock(&self.table).news();
        let sealed = Sealed { key: self.key.clone(), body: Datagram { kind, news } };
        if let Ok(json) = serde_json::to_vec(&sealed) {
            let _ = self.udp.send_to(&json, to);
        }
    }
}
