//! How programs log: text for people, JSON for collectors, to standard error.

use clap::{Args, ValueEnum};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Flags of logging.
#[derive(Debug, Args)]
pub struct LogFlags {
    /// What to log: error, warn, info, debug, trace, off, or directives by module (MODULE=LEVEL,…)
    #[arg(long, env = "DKRON_HA_LOG", default_value = "info", value_name = "FILTER", help_heading = "Logging", value_parser = filter)]
    log: String,
    /// How to write it
    #[arg(long, env = "DKRON_HA_LOG_FORMAT", default_value = "text", help_heading = "Logging")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// A filter as the library reads it, but for a bare word that is no level: the library takes that for a module, and a
/// misspelt level would silence everything.
fn filter(text: &str) -> Result<String, String> {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    if let Some(word) = text.split(',').find(|part| !part.contains('=') && !levels.contains(&part.trim())) {
        return Err(format!("{word:?} is none of {}", levels.join(", ")));
    }
    EnvFilter::builder().parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

impl LogFlags {
    /// Starts logging; once in a process.
    ///
    /// # Errors
    /// A filter that cannot be read.
    pub fn start(&self) -> anyhow::Result<()> {
        self.start_with(EnvFilter::builder().parse(&self.log)?);
        Ok(())
    }

    /// The same without a library whose errors the program tells itself, unless a directive names it.
    ///
    /// # Errors
    /// A filter that cannot be read.
    pub fn start_without(&self, library: &str) -> anyhow::Result<()> {
        self.start_with(EnvFilter::builder().parse(format!("{library}=off,{}", self.log))?);
        Ok(())
    }

    fn start_with(&self, filter: EnvFilter) {
        let colours = std::io::stderr().is_terminal();
        let logger = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => logger.init(),
            LogFormat::Json => logger.json().init(),
        }
    }
}
