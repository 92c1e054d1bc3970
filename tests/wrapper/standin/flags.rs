//! Flags as dkron's command line library reads them, for `agent` and the other subcommands.

use std::collections::BTreeMap;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--x`, `--x=true`.
    Bool,
    Int,
    Text,
    /// Repeated, or joined with commas as a line of CSV.
    List,
}

/// Every flag of `dkron agent`, with what holds where nobody says anything.
pub const AGENT: [(&str, Kind, &str); 44] = [
    ("advertise-addr", Kind::Text, ""),
    ("advertise-rpc-port", Kind::Int, "0"),
    ("bind-addr", Kind::Text, "{{ GetPrivateIP }}:8946"),
    ("bootstrap-expect", Kind::Int, "0"),
    ("config", Kind::Text, ""),
    ("cronitor-endpoint", Kind::Text, ""),
    ("data-dir", Kind::Text, "dkron.data"),
    ("datacenter", Kind::Text, "dc1"),
    ("disable-usage-stats", Kind::Bool, "false"),
    ("dog-statsd-addr", Kind::Text, ""),
    ("dog-statsd-tags", Kind::List, ""),
    ("enable-prometheus", Kind::Bool, "false"),
    ("encrypt", Kind::Text, ""),
    ("http-addr", Kind::Text, ":8080"),
    ("join", Kind::List, ""),
    ("log-level", Kind::Text, "info"),
    ("mail-from", Kind::Text, ""),
    ("mail-host", Kind::Text, ""),
    ("mail-password", Kind::Text, ""),
    ("mail-payload", Kind::Text, ""),
    ("mail-port", Kind::Int, "0"),
    ("mail-subject-prefix", Kind::Text, "[Dkron]"),
    ("mail-username", Kind::Text, ""),
    ("node-name", Kind::Text, ""),
    ("otel-endpoint", Kind::Text, ""),
    ("pre-webhook-endpoint", Kind::Text, ""),
    ("pre-webhook-headers", Kind::List, ""),
    ("pre-webhook-payload", Kind::Text, ""),
    ("profile", Kind::Text, "lan"),
    ("raft-multiplier", Kind::Int, "1"),
    ("region", Kind::Text, "global"),
    ("retry-interval", Kind::Text, "30s"),
    ("retry-join", Kind::List, ""),
    ("retry-max", Kind::Int, "0"),
    ("rpc-port", Kind::Int, "6868"),
    ("serf-reconnect-timeout", Kind::Text, "24h"),
    ("server", Kind::Bool, "false"),
    ("statsd-addr", Kind::Text, ""),
    ("tag", Kind::List, ""),
    ("ui", Kind::Bool, "true"),
    ("webhook-endpoint", Kind::Text, ""),
    ("webhook-headers", Kind::List, ""),
    ("webhook-payload", Kind::Text, ""),
    ("webhook-url", Kind::Text, ""),
];

/// What a command line says.
#[derive(Debug, Default)]
pub struct Given {
    /// By flag; a list has all its items, anything else one.
    pub values: BTreeMap<String, Vec<String>>,
    /// What is no flag.
    pub words: Vec<String>,
    /// `--help` was asked for.
    pub help: bool,
}

impl Given {
    pub fn text(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).and_then(|values| values.first()).map(String::as_str)
    }
}

/// Reads `words`, in which the flags of `known` may occur anywhere before a `--`.
///
/// # Errors
/// The library's sentence.
pub fn read(words: &[String], known: &[(&str, Kind, &str)]) -> Result<Given, String> {
    let mut given = Given::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            given.words.extend(rest.cloned());
            break;
        }
        if word == "--help" || word == "-h" {
            given.help = true;
            continue;
        }
        let Some(flag) = word.strip_prefix("--") else {
            if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
                let first = &short[..short.chars().next().map_or(0, char::len_utf8)];
                return Err(format!("unknown shorthand flag: '{first}' in {word}"));
            }
            given.words.push(word.clone());
            continue;
        };
        let (name, attached) =
            flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
        let Some((_, kind, _)) = known.iter().find(|(known, ..)| *known == name) else {
            return Err(format!("unknown flag: --{name}"));
        };
        let value = match (attached, kind) {
            (Some(value), _) => value,
            (None, Kind::Bool) => "true".to_owned(),
            (None, _) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
        };
        let refusal = |why: &str| format!("invalid argument {value:?} for \"--{name}\" flag: {why}");
        let values = given.values.entry(name.to_owned()).or_default();
        match kind {
            Kind::List => values.extend(csv(&value).map_err(|why| refusal(&why))?),
            Kind::Int if value.parse::<i64>().is_err() => {
                return Err(refusal(&format!("strconv.ParseInt: parsing {value:?}: invalid syntax")));
            }
            Kind::Bool if boolean(&value).is_none() => {
                return Err(refusal(&format!("strconv.ParseBool: parsing {value:?}: invalid syntax")));
            }
            _ => *values = vec![value],
        }
    }
    Ok(given)
}

/// One line of CSV: items between commas, in quotes where one holds a comma or a quote (which is then doubled).
///
/// # Errors
/// A quote where none may be.
pub fn csv(line: &str) -> Result<Vec<String>, String> {
    if line.is_empty() {
        return Ok(Vec::new());
    }
    let (mut items, mut item, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    let mut begins = true;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                item.push('"');
            }
            '"' if quoted => {
                quoted = false;
                if letters.peek().is_some_and(|next| *next != ',') {
                    return Err("parse error on line 1: extraneous or missing \" in quoted-field".to_owned());
                }
            }
            '"' if begins => quoted = true,
            '"' => return Err("parse error on line 1: bare \" in non-quoted-field".to_owned()),
            ',' if !quoted => {
                items.push(std::mem::take(&mut item));
                begins = true;
                continue;
            }
            other => item.push(other),
        }
        begins = false;
    }
    items.push(item);
    Ok(items)
}

/// The words that Go takes for true and false.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
