//! The configuration of a node: flag before environment before file before default.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::address;
use super::file;
use super::flags::{self, Given, Kind};
use super::generation::Generation;
use super::log;

/// What `dkron agent` runs by.
#[derive(Debug, Clone)]
pub struct Settings {
    pub node_name: String,
    /// Where gossip listens, `IP:PORT`.
    pub bind: String,
    /// What is told to others, `IP:PORT`.
    pub advertise: String,
    pub http: String,
    pub rpc_port: u16,
    pub advertise_rpc_port: u16,
    pub server: bool,
    pub join: Vec<String>,
    pub retry_join: Vec<String>,
    /// 0 is for ever.
    pub retry_max: u64,
    pub retry_interval: Duration,
    pub bootstrap_expect: u64,
    pub data_dir: String,
    pub region: String,
    pub datacenter: String,
    pub tags: BTreeMap<String, String>,
    pub encrypt: String,
    pub raft_multiplier: u32,
    pub reconcile: Duration,
    pub reconnect: Duration,
    /// The sentence about a file that was not found.
    pub no_file: Option<String>,
}

/// Where a value comes from.
struct Sources {
    given: Given,
    file: Map<String, Value>,
}

impl Sources {
    /// The value of `key` and whether it came from the environment or a file, where types may be wrong.
    fn find(&self, key: &str) -> Option<Value> {
        let known = flags::AGENT.iter().find(|(flag, ..)| *flag == key);
        if let Some(values) = self.given.values.get(key) {
            return Some(match known.map(|(_, kind, _)| *kind) {
                Some(Kind::List) => Value::from(values.clone()),
                _ => Value::from(values.first().cloned().unwrap_or_default()),
            });
        }
        // The library looks into the environment for keys that it knows from a flag or a file; the one that version 3
        // was built with knows every field.
        let all = Generation::from_environment() == Generation::Three;
        if all || known.is_some() || self.file.contains_key(key) {
            let variable = format!("DKRON_{}", key.to_uppercase().replace('-', "_"));
            if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
                return Some(Value::from(value));
            }
        }
        self.file.get(key).cloned().filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> String {
        let default = || flags::AGENT.iter().find(|(flag, ..)| *flag == key).map_or("", |(.., default)| default);
        self.find(key).map_or_else(|| default().to_owned(), |value| plain(&value))
    }

    fn list(&self, key: &str) -> Vec<String> {
        match self.find(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(plain).collect(),
            Some(one) => plain(&one).split(',').map(str::to_owned).collect(),
        }
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, String> {
        self.text(key).parse().map_err(|_| wrong(key, "cannot parse value as 'int': strconv.ParseInt: invalid syntax"))
    }

    fn truth(&self, key: &str) -> Result<bool, String> {
        let why = "cannot parse value as 'bool': strconv.ParseBool: invalid syntax";
        flags::boolean(&self.text(key)).ok_or_else(|| wrong(key, why))
    }

    fn time(&self, key: &str, default: &str) -> Result<Duration, String> {
        let text = self.find(key).map_or_else(|| default.to_owned(), |value| plain(&value));
        duration(&text).ok_or_else(|| wrong(key, &format!("time: invalid duration {text:?}")))
    }

    /// `--tag` replaces the tags of the file; `DKRON_TAG` is split at white space.
    fn tags(&self) -> Result<BTreeMap<String, String>, String> {
        let pairs = match self.find("tag") {
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            _ => self.list("tag"),
        };
        if pairs.is_empty() {
            let tags = self.file.get("tags").and_then(Value::as_object).cloned().unwrap_or_default();
            return Ok(tags.iter().map(|(key, value)| (key.clone(), plain(value))).collect());
        }
        let pair = |pair: &String| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(format!("config: Error unmarshalling cli tags: invalid tag: '{pair}'")),
        };
        pairs.iter().map(pair).collect()
    }
}

impl Settings {
    /// Prints the sentence about a file that was not found.
    pub fn say_no_file(&self) {
        if let Some(why) = &self.no_file {
            println!("{}", log::line("info", "No valid config found: Applying default values.", &[("error", why)]));
        }
    }

    /// # Errors
    /// The sentence with which dkron ends.
    pub fn read(given: Given) -> Result<Self, String> {
        let (file, no_file) = match file::read(given.text("config")) {
            Ok((_, file)) => (file, None),
            Err(why) => (Map::new(), Some(why)),
        };
        let sources = Sources { given, file };
        let named = sources.text("node-name");
        let bind = address::fill(&sources.text("bind-addr"))?;
        let rpc_port = sources.number("rpc-port")?;
        let advertised: u16 = sources.number("advertise-rpc-port")?;
        let settings = Self {
            node_name: if named.is_empty() { host_name() } else { named },
            advertise: sources.text("advertise-addr"),
            bind,
            http: address::fill(&sources.text("http-addr"))?,
            rpc_port,
            advertise_rpc_port: if advertised == 0 { rpc_port } else { advertised },
            server: sources.truth("server")?,
            join: sources.list("join"),
            retry_join: sources.list("retry-join"),
            retry_max: sources.number("retry-max")?,
            retry_interval: sources.time("retry-interval", "30s")?,
            bootstrap_expect: sources.number("bootstrap-expect")?,
            data_dir: sources.text("data-dir"),
            region: sources.text("region"),
            datacenter: sources.text("datacenter"),
            tags: sources.tags()?,
            encrypt: sources.text("encrypt"),
            raft_multiplier: sources.number("raft-multiplier")?,
            reconcile: sources.time("reconcileinterval", "60s")?,
            reconnect: sources.time("serf-reconnect-timeout", "24h")?,
            no_file,
        };
        Ok(settings)
    }
}

fn wrong(key: &str, why: &str) -> String {
    format!("config: Error unmarshalling config: decoding failed due to the following error(s):\n\n'{key}' {why}")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Go's durations: `1h30m`, `2s`, `1.5s`, `300ms`; a bare number counts nanoseconds.
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(nanos) = text.parse() {
        return Some(Duration::from_nanos(nanos));
    }
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (amount, after) = (rest[..digits].parse::<f64>().ok()?, &rest[digits..]);
        let end = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let unit = match &after[..end] {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(amount * unit).ok()?;
        rest = &after[end..];
    }
    (!text.is_empty()).then_some(total)
}
