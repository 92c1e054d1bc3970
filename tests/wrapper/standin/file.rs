//! The configuration file: YAML, JSON or TOML, keys in any case.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Reads the file that `given` names, or the first `dkron.*` of the known directories. Without a usable one the answer
/// is what dkron says about it.
///
/// # Errors
/// Why no file counts. dkron says it and goes on with its defaults.
pub fn read(given: Option<&str>) -> Result<(PathBuf, Map<String, Value>), String> {
    let path = match given {
        Some(path) => PathBuf::from(path),
        None => find()?,
    };
    let text = std::fs::read_to_string(&path).map_err(|error| format!("open {}: {error}", path.display()))?;
    let values = match path.extension().and_then(|extension| extension.to_str()) {
        Some("yml" | "yaml") => yaml(&text),
        Some("json") => serde_json::from_str(&text).map_err(|error| error.to_string()),
        Some("toml") => toml(&text),
        other => Err(format!("Unsupported Config Type {:?}", other.unwrap_or_default())),
    }?;
    Ok((path, values.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect()))
}

fn find() -> Result<PathBuf, String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let places = [PathBuf::from("/etc/dkron"), Path::new(&home).join(".dkron"), here.join("config")];
    for place in &places {
        for extension in ["json", "toml", "yaml", "yml"] {
            let path = place.join(format!("dkron.{extension}"));
            if path.is_file() {
                return Ok(path);
            }
        }
    }
    let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    Err(format!("Config File \"dkron\" Not Found in \"[{}]\"", places.join(" ")))
}

fn yaml(text: &str) -> Result<Map<String, Value>, String> {
    let documents =
        dkron_ha::documents::read(text.as_bytes()).map_err(|error| format!("While parsing config: {error}"))?;
    let Some(document) = documents.first() else { return Ok(Map::new()) };
    serde_json::from_str(&document.json).map_err(|error| error.to_string())
}

/// TOML as far as dkron's configuration needs it: `key = value` of one line each, and tables of such.
fn toml(text: &str) -> Result<Map<String, Value>, String> {
    let mut values = Map::new();
    let mut table = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            table = Some(name.trim().to_owned());
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| format!("While parsing config: toml: {line}"))?;
        let (key, value) = (key.trim().trim_matches('"').to_owned(), toml_value(value.trim())?);
        match &table {
            None => values.insert(key, value),
            Some(table) => {
                let inner = values.entry(table).or_insert_with(|| Value::Object(Map::new()));
                inner.as_object_mut().and_then(|inner| inner.insert(key, value))
            }
        };
    }
    Ok(values)
}

/// Strings with either quote, numbers, truth values and lists, with a comment behind them.
fn toml_value(text: &str) -> Result<Value, String> {
    let plain: String = match text.chars().next() {
        Some('\'') => return Ok(Value::from(text[1..].split('\'').next().unwrap_or_default())),
        Some('"' | '[') => text.to_owned(),
        _ => text.split('#').next().unwrap_or_default().trim().to_owned(),
    };
    // What is left is written as JSON writes it, but for single quotes within lists.
    let plain = if plain.starts_with('[') { plain.replace('\'', "\"").replace(",]", "]") } else { plain };
    let first = serde_json::Deserializer::from_str(&plain).into_iter::<Value>().next();
    first.and_then(Result::ok).ok_or_else(|| format!("While parsing config: toml: {text}"))
}
