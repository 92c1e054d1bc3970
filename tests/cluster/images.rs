//! Images without a registry: what the tier makes itself, as files that containerd imports.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::parts::{BUSYBOX, Parts};

/// What pods name: dkron's own name, and a version of it.
pub const DKRON: &str = "dkron/dkron:4.0.9";

/// The name that `image/pack` gives to the project's own image.
pub const DKRON_HA: &str = concat!("dkron-ha:", env!("CARGO_PKG_VERSION"));

/// The same programs under another version: the next release.
pub const DKRON_HA_NEXT: &str = "dkron-ha:next";

/// Where dkron is in its image.
const PROGRAM: &str = "usr/local/bin/dkron";

/// What shells of jobs and hooks call.
const APPLETS: [&str; 8] = ["sh", "true", "sleep", "cat", "hostname", "nslookup", "wget", "kill"];

/// A tar file that containerd imports.
pub struct Image {
    pub tar: PathBuf,
}

/// The project's own, as it is shipped.
pub fn dkron_ha(parts: &Parts) -> Image {
    Image { tar: parts.image.clone() }
}

/// dkron, laid out like the official image from version 3.2 on: the program in `/usr/local/bin`, which is the entry point, no
/// working directory; a busybox in the place of Alpine's.
pub fn dkron(parts: &Parts, directory: &Path) -> Result<Image> {
    let root = root(directory, "dkron")?;
    place(&parts.dkron, &root.join(PROGRAM))?;
    pack(directory, &root, &format!("docker.io/{DKRON}"), &json!([format!("/{PROGRAM}")]))
}

/// What holds a pod's namespaces, and does nothing.
pub const PAUSE: &str = "docker.io/tier/pause:1";

/// The image of that.
pub fn pause(directory: &Path) -> Result<Image> {
    let root = root(directory, "pause")?;
    pack(directory, &root, PAUSE, &json!(["/bin/busybox", "sleep", "2147483647"]))
}

fn root(directory: &Path, stem: &str) -> Result<PathBuf> {
    let root = directory.join("images").join(stem);
    for folder in ["bin", "etc", "tmp"] {
        fs::create_dir_all(root.join(folder)).context("making a root")?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").context("writing passwd")?;
    place(Path::new(BUSYBOX), &root.join("bin/busybox"))?;
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).context("linking busybox")?;
    }
    Ok(root)
}

fn place(program: &Path, at: &Path) -> Result<()> {
    fs::create_dir_all(at.parent().context("a place without a folder")?)?;
    fs::copy(program, at).with_context(|| format!("copying {}", program.display()))?;
    Ok(fs::set_permissions(at, fs::Permissions::from_mode(0o755))?)
}

/// As `docker save` writes it: of all layouts the one that needs one digest only.
fn pack(directory: &Path, root: &Path, name: &str, entry_point: &Value) -> Result<Image> {
    let folder = root.with_extension("image");
    fs::create_dir_all(&folder)?;
    let layer = folder.join("layer.tar");
    tar(root, &layer, &["."])?;
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": entry_point, "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer)?)]},
    });
    fs::write(folder.join("config.json"), config.to_string())?;
    let manifest = json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);
    fs::write(folder.join("manifest.json"), manifest.to_string())?;
    let image = directory.join("images").join(root.file_name().context("a root without a name")?).with_extension("tar");
    tar(&folder, &image, &["manifest.json", "config.json", "layer.tar"])?;
    fs::remove_dir_all(&folder)?;
    fs::remove_dir_all(root)?;
    Ok(Image { tar: image })
}

fn tar(from: &Path, to: &Path, what: &[&str]) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(from).args(["--owner=0", "--group=0", "--numeric-owner", "-cf"]).arg(to).args(what);
    ensure!(tar.status().context("running tar")?.success(), "tar failed");
    Ok(())
}

fn digest(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(file).output().context("running sha256sum")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(' ').next().filter(|sum| sum.len() == 64).map(str::to_owned).context("no digest")
}
