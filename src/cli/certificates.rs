//! Where `serve` gets its certificate: two flags, and what they mean where one of them, or both, are left out.

use anyhow::bail;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The flags.
#[derive(Debug, Args)]
pub struct CertificateFlags {
    /// Where the certificate comes from [default: files with --cert-dir; else self in a cluster, ephemeral elsewhere]
    #[arg(long, env = "DKRON_HA_CERTIFICATES", value_name = "SOURCE", help_heading = "Serving")]
    certificates: Option<Certificates>,
    /// Directory with tls.crt and tls.key, read again when they change
    #[arg(long, env = "DKRON_HA_CERT_DIR", value_name = "DIR", help_heading = "Serving")]
    cert_dir: Option<PathBuf>,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Certificates {
    /// An authority kept in a Secret, which the registration is made to trust
    #[value(name = "self")]
    Own,
    /// The files of --cert-dir, made by cert-manager or by hand
    Files,
    /// An authority as long-lived as the process, for trying
    Ephemeral,
}

/// What was chosen.
#[derive(Debug, PartialEq, Eq)]
pub enum Chosen {
    /// An authority kept in a Secret.
    Own,
    /// The files of this directory.
    Files(PathBuf),
    /// An authority as long-lived as the process.
    Ephemeral,
}

impl CertificateFlags {
    /// Whether an authority in a Secret was asked for by name, so that there has to be a cluster.
    pub fn need_a_cluster(&self) -> bool {
        self.certificates == Some(Certificates::Own)
    }

    /// What is meant.
    ///
    /// # Errors
    /// Where the two flags contradict each other.
    pub fn chosen(&self, in_cluster: bool) -> anyhow::Result<Chosen> {
        Ok(match (self.certificates, self.cert_dir.clone()) {
            (None | Some(Certificates::Files), Some(directory)) => Chosen::Files(directory),
            (Some(Certificates::Files), None) => bail!("--certificates=files needs --cert-dir"),
            (Some(Certificates::Own), None) => Chosen::Own,
            (None, None) if in_cluster => Chosen::Own,
            (None | Some(Certificates::Ephemeral), None) => Chosen::Ephemeral,
            (Some(Certificates::Own | Certificates::Ephemeral), Some(_)) => {
                bail!("--cert-dir is for --certificates=files; leave one of them out")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_follows_from_the_rest() {
        use Certificates::{Ephemeral, Files, Own};
        let chosen = |certificates, dir: Option<&str>, in_cluster| {
            let flags = CertificateFlags { certificates, cert_dir: dir.map(PathBuf::from) };
            flags.chosen(in_cluster).map_err(|error| error.to_string())
        };
        let files = || Ok(Chosen::Files("/certs".into()));
        assert_eq!(chosen(None, None, true), Ok(Chosen::Own));
        assert_eq!(chosen(None, None, false), Ok(Chosen::Ephemeral));
        assert_eq!(chosen(None, Some("/certs"), true), files());
        assert_eq!(chosen(Some(Files), Some("/certs"), false), files());
        assert_eq!(chosen(Some(Own), None, false), Ok(Chosen::Own));
        assert_eq!(chosen(Some(Ephemeral), None, true), Ok(Chosen::Ephemeral));
        assert!(chosen(Some(Files), None, true).is_err());
        assert!(chosen(Some(Own), Some("/certs"), true).is_err());
        assert!(chosen(Some(Ephemeral), Some("/certs"), true).is_err());
    }
}
