//! What lies under dkron's data directory.

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
    let directory = if container.gives(&dkron.flags, "data-dir") {
        let directory = container.setting(&dkron.flags, "data-dir")?;
        if !directory.starts_with('/') {
            return None;
        }
        directory
    } else {
        // dkron's default is relative to a working directory that depends on the image.
        return container.mounts().next().is_none().then_some(Storage::Ephemeral);
    };
    let above = |mount: &&Node<'_>| {
        let place = mount.get("mountPath").str().unwrap_or_default();
        let place = place.trim_end_matches('/');
        directory.trim_end_matches('/').strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let depth = |mount: &&Node<'_>| mount.get("mountPath").str().unwrap_or_default().len();
    let Some(mount) = container.mounts().filter(above).max_by_key(depth) else { return Some(Storage::Ephemeral) };
    let name = mount.get("name").str().unwrap_or_default();
    let volumes = spec.get("volumes").items();
    let volume = volumes.iter().find(|volume| volume.get("name").str().as_deref() == Some(&*name));
    Some(match volume {
        // `ephemeral` is a claim that lives and dies with the pod.
        Some(volume) if !volume.get("emptyDir").is_null() || !volume.get("ephemeral").is_null() => Storage::Ephemeral,
        // A claim template's volume is not in the template yet, only in the pod.
        _ => Storage::Persistent,
    })
}
