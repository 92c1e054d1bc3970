//! What lies under dkron's data directory.

use super::image;
use super::recognise::Dkron;
use crate::json::Node;
use crate::options::{Options, Storage};

/// Decides by annotation, else by the volume that is mounted at or above the data directory; no volume is the
/// container's own file system. `None` where the data directory cannot be known here.
pub fn storage(dkron: &Dkron<'_>, spec: &Node<'_>, options: &Options) -> Option<Storage> {
    if options.storage.is_some() {
        return options.storage;
    }
    let container = &dkron.container;
    let directory = data_directory(dkron)?;
    let above = |mount: &&Node<'_>| {
        let place = mount.get("mountPath").str().unwrap_or_default();
        let place = place.trim_end_matches('/');
        directory.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let depth = |mount: &&Node<'_>| mount.get("mountPath").str().unwrap_or_default().len();
    let Some(mount) = container.mounts().filter(above).max_by_key(depth) else { return Some(Storage::Ephemeral) };
    let name = mount.get("name").str().unwrap_or_default();
    let volumes = spec.get("volumes").items();
    let volume = volumes.iter().find(|volume| volume.get("name").str().as_deref() == Some(&*name));
    // Volumes that live and die with the pod. A claim template's volume is not in the template yet, only in the pod.
    let passing = |volume: &Node<'_>| ["emptyDir", "ephemeral", "csi"].iter().any(|kind| !volume.get(kind).is_null());
    Some(if volume.is_some_and(passing) { Storage::Ephemeral } else { Storage::Persistent })
}

/// dkron's data directory as an absolute path: the flag or variable, else its own default `dkron.data`; relative ones lie
/// in the working directory.
fn data_directory(dkron: &Dkron<'_>) -> Option<String> {
    let Dkron { container, flags, .. } = dkron;
    let directory = if container.gives(flags, "data-dir") {
        container.setting(flags, "data-dir")?
    } else if container.may_have_configuration(flags) || flags.is_partial() || !dkron.readable {
        return None;
    } else {
        "dkron.data".into()
    };
    let directory = directory.trim_end_matches('/');
    if directory.starts_with('/') {
        return Some(directory.into());
    }
    let working = container.node.get("workingDir").str().filter(|working| !working.is_empty());
    let working =
        working.map_or_else(|| image::working_directory(&container.image).into(), std::borrow::Cow::into_owned);
    Some(format!("{}/{}", working.trim_end_matches('/'), directory.trim_start_matches("./")))
}
