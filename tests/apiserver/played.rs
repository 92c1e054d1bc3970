//! dkron and the wrapper of one pod, played: a port each, on loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const PATIENCE: Duration = Duration::from_secs(2);

/// Status and body.
pub type Answer = (u16, String);

/// A question: when it came, and its path.
pub type Question = (Instant, String);

/// Answers until it is dropped.
pub struct Played {
    pub port: u16,
    over: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl Played {
    /// Answers each path like this.
    pub fn start(answer: impl Fn(&str) -> Answer + Send + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a port to play on")?;
        let port = listener.local_addr()?.port();
        let (over, asked) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Question>>>::default());
        let (ends, notes) = (Arc::clone(&over), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                // Who breaks off is not answered.
                if let Ok(path) = stream.and_then(|stream| converse(stream, &answer)) {
                    notes.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), path));
                }
            }
        });
        Ok(Self { port, over, asked })
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn converse(mut stream: TcpStream, answer: impl Fn(&str) -> Answer) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut part)?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&part[..length]);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, body) = answer(&path);
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} Played\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    Ok(path)
}
