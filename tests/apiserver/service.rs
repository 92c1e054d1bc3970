//! What a Service with ready endpoints would do: each new connection goes to the next replica that is ready.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use dkron_ha::contract::path::READYZ;

use crate::http;

/// One replica behind the Service.
#[derive(Clone, Copy)]
pub struct Endpoint {
    pub webhook: u16,
    pub admin: u16,
}

/// Passes connections on while it lives.
pub struct Service {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    endpoints: Mutex<Vec<Endpoint>>,
    open: Mutex<Vec<TcpStream>>,
    over: AtomicBool,
}

impl Service {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a port for the Service")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let passing = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &passing));
        Ok(Self { port, shared })
    }

    /// One more replica stands behind it.
    pub fn add(&self, endpoint: Endpoint) {
        lock(&self.shared.endpoints).push(endpoint);
    }

    /// Ends every connection, so that the next call begins with a handshake.
    pub fn cut(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both); // gone already, perhaps
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts; if that fails, the thread ends with the program.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for near in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        // A connection that fails here ends, as on any network.
        let _ = near.and_then(|near| connect(near, shared));
    }
}

fn connect(near: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let Some(endpoint) = next_ready(shared) else { return near.shutdown(Shutdown::Both) };
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, endpoint.webhook))?;
    lock(&shared.open).extend([near.try_clone()?, far.try_clone()?]);
    for (mut from, mut to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
    Ok(())
}

/// In turn, so that each is called.
fn next_ready(shared: &Shared) -> Option<Endpoint> {
    let mut endpoints = lock(&shared.endpoints);
    let ready = |one: &Endpoint| http::get(one.admin, READYZ).is_ok_and(|answer| answer.status == 200);
    let at = endpoints.iter().position(ready)?;
    endpoints.rotate_left(at + 1);
    endpoints.last().copied()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
