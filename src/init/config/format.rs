//! How a configuration file is written, told by the end of its name, as dkron does.

use std::path::Path;

use super::root::{Root, Whole};
use super::values::Values;
use super::{json, toml, yaml};

/// Ends of names that dkron knows, in the order in which it looks for them.
pub const EXTENSIONS: [&str; 12] =
    ["json", "toml", "yaml", "yml", "properties", "props", "prop", "hcl", "tfvars", "dotenv", "env", "ini"];

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.yaml`, `.yml`.
    Yaml,
    /// `.json`.
    Json,
    /// `.toml`.
    Toml,
    /// Another one that dkron may read.
    Foreign,
    /// None that dkron knows: it goes on as if there were no file.
    None,
}

impl Format {
    /// The format of a file with this name. dkron tells capital and small letters apart here.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("toml") => Self::Toml,
            Some(other) if EXTENSIONS.contains(&other) => Self::Foreign,
            _ => Self::None,
        }
    }

    /// Reads a text of this format.
    pub fn read(self, text: &str) -> Whole {
        match self {
            Self::Yaml => yaml::read(text),
            Self::Json => json::read(text),
            Self::Toml => toml::read(text),
            Self::Foreign => Whole { values: Values::unread(), root: Root::Other("only YAML, JSON and TOML are read") },
            Self::None => Whole { values: Values::default(), root: Root::Other("dkron does not read such a file") },
        }
    }
}
