//! The Kubernetes commands, as `tests/kubernetes/tools/build` makes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Paths of the commands.
#[derive(Clone)]
pub struct Assets {
    pub etcd: PathBuf,
    pub api_server: PathBuf,
    pub controller_manager: PathBuf,
    pub kubectl: PathBuf,
    /// Where it could be built.
    pub helm: Option<PathBuf>,
}

impl Assets {
    /// An error names the first command that `directory` lacks.
    pub fn in_directory(directory: &Path) -> Result<Self> {
        let find = |name| {
            let path = directory.join(name);
            ensure!(path.is_file(), "no {} (tests/kubernetes/tools/build makes it)", path.display());
            Ok(path)
        };
        Ok(Self {
            etcd: find("etcd")?,
            api_server: find("kube-apiserver")?,
            controller_manager: find("kube-controller-manager")?,
            kubectl: find("kubectl")?,
            helm: find("helm").ok(),
        })
    }

    /// What each command says of itself, one line each: which real versions a run used.
    pub fn versions(&self) -> Result<Vec<String>> {
        let programs = [
            (&self.api_server, &["--version"][..]),
            (&self.controller_manager, &["--version"]),
            (&self.etcd, &["--version"]),
            (&self.kubectl, &["version", "--client"]),
        ];
        let helm = self.helm.iter().map(|helm| (helm, &["version", "--short"][..]));
        programs.into_iter().chain(helm).map(|(program, arguments)| version(program, arguments)).collect()
    }
}

fn version(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("asking {} for its version", program.display()))?;
    ensure!(output.status.success(), "{} {arguments:?}: {}", program.display(), output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{name}: {}", said.lines().next().unwrap_or_default()))
}
