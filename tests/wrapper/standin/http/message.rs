//! Requests and responses in the form of Go's server and of gin, header for header.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::standin::time;

const LONGEST_HEAD: usize = 1 << 20;

pub struct Request {
    pub method: String,
    pub path: String,
    /// `?pretty` asks for indented JSON.
    pub pretty: bool,
    pub body: Vec<u8>,
    /// The connection ends with the answer.
    pub last: bool,
}

impl Request {
    /// Reads the next request; what came behind it stays in `unread`.
    ///
    /// # Errors
    /// The connection's, its end, or something that is no HTTP/1.
    pub fn read(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Self> {
        let end = loop {
            if let Some(at) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            more(stream, unread)?;
        };
        let head = String::from_utf8_lossy(&unread[..end]).into_owned();
        unread.drain(..end + 4);
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let header = |name: &str| {
            let mut pairs = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_ascii_lowercase())
        };
        if header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while unread.len() < length {
            more(stream, unread)?;
        }
        let connection = header("connection").unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            pretty: query.split('&').any(|pair| pair.split('=').next() == Some("pretty")),
            last: connection == "close" || (version == "HTTP/1.0" && connection != "keep-alive"),
            body: unread.drain(..length).collect(),
        })
    }
}

fn more(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; 4096];
    match stream.read(&mut part)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ if unread.len() > LONGEST_HEAD => Err(io::ErrorKind::InvalidData.into()),
        read => {
            unread.extend(&part[..read]);
            Ok(())
        }
    }
}

/// What is answered.
pub struct Response {
    status: u16,
    body: String,
    content: Content,
    /// Beside those that every answer has.
    headers: Vec<(&'static str, String)>,
    /// `X-Whom`, which routes outside dkron's group do not have.
    whom: bool,
}

enum Content {
    Json,
    /// Go made the type up from the body, and puts it last.
    Guessed,
    /// No route.
    Plain,
    None,
}

impl Response {
    pub fn json(status: u16, value: &Value, pretty: bool) -> Self {
        let body = if pretty { indented(value) } else { escaped(&value.to_string()) };
        Self { status, body, content: Content::Json, headers: Vec::new(), whom: true }
    }

    /// A body behind a status that was sent before its type was known.
    pub fn late(status: u16, body: &str) -> Self {
        Self { status, body: body.to_owned(), content: Content::Guessed, headers: Vec::new(), whom: true }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, body: String::new(), content: Content::None, headers: Vec::new(), whom: true }
    }

    pub fn no_route() -> Self {
        let body = "404 page not found".to_owned();
        Self { status: 404, body, content: Content::Plain, headers: Vec::new(), whom: false }
    }

    pub fn with(mut self, header: &'static str, value: String) -> Self {
        self.headers.push((header, value));
        self
    }

    pub fn anonymous(mut self) -> Self {
        self.whom = false;
        self
    }

    pub fn write(&self, stream: &mut TcpStream, whom: &str) -> io::Result<()> {
        let mut lines = vec![format!("HTTP/1.1 {} {}", self.status, reason(self.status))];
        match self.content {
            Content::Json => lines.push("Content-Type: application/json; charset=utf-8".to_owned()),
            Content::Plain => lines.push("Content-Type: text/plain".to_owned()),
            Content::Guessed | Content::None => {}
        }
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if self.whom {
            lines.push(format!("X-Whom: {whom}"));
        }
        lines.push(format!("Date: {}", time::http_date(time::now())));
        lines.push(format!("Content-Length: {}", self.body.len()));
        if matches!(self.content, Content::Guessed) {
            lines.push("Content-Type: text/plain; charset=utf-8".to_owned());
        }
        stream.write_all((lines.join("\r\n") + "\r\n\r\n" + &self.body).as_bytes())
    }
}

/// Go writes these three as escapes.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn indented(value: &Value) -> String {
    let mut out = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, format);
    let written = serde::Serialize::serialize(value, &mut serializer);
    written.map(|()| escaped(&String::from_utf8_lossy(&out))).unwrap_or_default()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        404 => "Not Found",
        _ => "Internal Server Error",
    }
}
