//! HTTP/1.1 byte by byte, for requests that no decent client sends.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::soon;

/// Head of a POST to the webhook with these further header lines.
pub fn head(lines: &str) -> String {
    format!("POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{lines}\r\n")
}

/// Head of a POST to the webhook that announces `length` bytes.
pub fn head_of(length: usize) -> String {
    head(&format!("content-length: {length}\r\n"))
}

/// Reads one answer: its status and its text. `None` where the server closed without one.
pub async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u16, String)> {
    soon("an answer", read(stream)).await
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u16, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned))
                .map_or(0, |value| value.trim().parse::<usize>().unwrap());
            if body.len() >= length {
                return Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()));
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
        }
    }
}

/// GET over plain HTTP: status and everything after the request line.
pub async fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    soon("a plain answer", async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(io::ErrorKind::UnexpectedEof)?, text))
    })
    .await
}
