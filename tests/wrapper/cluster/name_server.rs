//! A name server that knows nobody: the names of the pods are in their hosts file, and whoever is not in it does not exist. A cluster's
//! name server says that at once; without one, resolvers wait in their own ways.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

use anyhow::{Context, Result};

/// Length of the head of a DNS message.
const HEAD: usize = 12;

/// `QR`: an answer.
const ANSWER: u8 = 0x80;

/// `RA` and the code `NXDOMAIN`.
const NO_SUCH_NAME: u8 = 0x80 | 3;

/// Answers every question at this address with "no such name", until the process ends.
pub fn serve(at: Ipv4Addr) -> Result<()> {
    let socket = UdpSocket::bind((at, 53)).context("binding the port of the name server")?;
    thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut message) {
            if length >= HEAD {
                message[2] |= ANSWER;
                message[3] = NO_SUCH_NAME;
                // Whoever is gone by now does not wait for it.
                let _ = socket.send_to(&message[..length], from);
            }
        }
    });
    Ok(())
}
