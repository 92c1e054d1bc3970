//! How programs log: text for people, JSON for collectors, to standard error.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Flags of logging.
#[derive(Debug, Args)]
pub struct LogFlags {
    /// What to log: error, warn, info, debug, or directives by module
    #[arg(long, env = "DKRON_HA_LOG", default_value = "info", value_name = "FILTER", help_heading = "Logging")]
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

impl LogFlags {
    /// Starts logging; once in a process.
    ///
    /// # Errors
    /// A filter that cannot be read.
    pub fn start(&self) -> anyhow::Result<()> {
        let filter = EnvFilter::builder().parse(&self.log)?;
        let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => logger.init(),
            LogFormat::Json => logger.json().init(),
        }
        Ok(())
    }
}
