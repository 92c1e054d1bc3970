//! `dkron-ha certs`: certificates for development.

use super::exit::Done;
use crate::certs::development;
use clap::Args;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

/// Writes ca.crt, tls.crt and tls.key for development into a directory. The authority's key is thrown away.
#[derive(Debug, Args)]
pub struct Certs {
    /// Directory to write into; made if missing
    directory: PathBuf,
    /// Host name or address that the certificate is for; may be given several times [default: localhost and its addresses]
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

impl Certs {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Done> {
        let written = development::write(&self.directory, &self.hosts, SystemTime::now())?;
        let mut out = io::stdout().lock();
        for file in [&written.authority, &written.chain, &written.key] {
            writeln!(out, "{}", file.display())?;
        }
        Ok(Done::Well)
    }
}
