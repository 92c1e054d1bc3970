//! A cable between a program and the API server, which can be cut. TLS goes through it as it is, and nobody else on the control
//! plane notices.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Between two looks at the state of the wire.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections stay, new ones are taken, and nothing comes through.
    Silent,
    /// Every connection ends, also each new one.
    Cut,
}

struct Shared {
    state: Mutex<(State, Vec<TcpStream>)>,
    over: AtomicBool,
}

/// Passes everything on while it lives.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

impl Wire {
    /// A wire to `target`.
    pub fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a port for the wire")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { state: Mutex::new((State::Whole, Vec::new())), over: AtomicBool::default() });
        let passing = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, target, &passing));
        Ok(Self { port, shared })
    }

    /// Where the near end is.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing comes through, and nobody is told so.
    pub fn silence(&self) {
        self.shared.lock().0 = State::Silent;
    }

    /// From now on every connection is ended.
    pub fn cut(&self) {
        let mut state = self.shared.lock();
        state.0 = State::Cut;
        end_all(&mut state.1);
    }

    /// Whole again, for new connections: those from before have ended.
    pub fn mend(&self) {
        let mut state = self.shared.lock();
        end_all(&mut state.1);
        state.0 = State::Whole;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts; if that fails, the thread ends with the program.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, (State, Vec<TcpStream>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is told twice that a connection is over has lost nothing.
fn end_all(streams: &mut Vec<TcpStream>) {
    for stream in streams.drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, shared: &Arc<Shared>) {
    for near in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        // A connection that fails here ends, as on any network.
        let _ = near.and_then(|near| connect(near, target, shared));
    }
}

fn connect(near: TcpStream, target: SocketAddr, shared: &Arc<Shared>) -> std::io::Result<()> {
    let mut state = shared.lock();
    if state.0 == State::Cut {
        return near.shutdown(Shutdown::Both);
    }
    let far = TcpStream::connect(target)?;
    state.1.extend([near.try_clone()?, far.try_clone()?]);
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = pass(&from, &to, &shared);
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
    Ok(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    from.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut part = vec![0; 16 * 1024];
    loop {
        let length = match from.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => continue,
            Err(error) => return Err(error),
        };
        while shared.lock().0 == State::Silent {
            thread::sleep(LOOK);
        }
        to.write_all(&part[..length])?;
    }
}
