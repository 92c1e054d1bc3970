//! Image references: is it dkron, and where does that image keep the program?

/// Whether the image's last path segment is `dkron` or `dkron-pro`, whatever registry, tag or digest stands around it.
pub fn is_dkron(image: &str) -> bool {
    let (repository, _) = split(image);
    matches!(repository.rsplit('/').next(), Some("dkron" | "dkron-pro"))
}

/// Path of the program in an image of the dkron project itself, where tag and repository tell.
///
/// Facts: the project's Dockerfiles. Up to v3.1 the program lies in `/opt/local/dkron`, from 3.2 on in `/usr/local/bin`.
/// Mirrors, derived images, digests and moving tags tell nothing for sure: `None`, and the wrapper looks for itself.
pub fn known_program(image: &str) -> Option<&'static str> {
    let (repository, tag) = split(image);
    let official = ["dkron/dkron", "docker.io/dkron/dkron", "index.docker.io/dkron/dkron"];
    if !official.contains(&repository) {
        return None;
    }
    let mut numbers = tag?.trim_start_matches('v').split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let major = numbers.next()??;
    let minor = numbers.next().flatten();
    match (major, minor) {
        (4.., _) | (3, Some(2..)) => Some("/usr/local/bin/dkron"),
        (2, _) | (3, Some(0 | 1)) => Some("/opt/local/dkron/dkron"),
        _ => None,
    }
}

/// Working directory of dkron's own images: `/` since 3.2, the program's directory before.
pub fn working_directory(image: &str) -> &'static str {
    match known_program(image) {
        Some("/opt/local/dkron/dkron") => "/opt/local/dkron",
        _ => "/",
    }
}

/// Repository and tag; a digest is dropped. A colon before the last slash belongs to a registry's port.
fn split(image: &str) -> (&str, Option<&str>) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[last..].find(':') {
        // A digest decides what is pulled, so the tag beside it proves nothing.
        Some(colon) => (&name[..last + colon], Some(&name[last + colon + 1..]).filter(|_| digest.is_none())),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dkron_is_the_last_segment() {
        let yes = [
            "dkron/dkron",
            "dkron",
            "dkron:4",
            "registry:5000/dkron/dkron:v4.0.9",
            "registry.example/mirror/dkron@sha256:0123",
            "registry.gitlab.com/distribworks/dkron-pro:4.0.0-beta5",
        ];
        let no = ["dkron/dashboard", "registry/dkron/exporter:1", "mydkron", "dkron-ha:0.1", "dkron-proxy", ""];
        for image in yes {
            assert!(is_dkron(image), "{image}");
        }
        for image in no {
            assert!(!is_dkron(image), "{image}");
        }
    }

    #[test]
    fn only_the_projects_own_tags_tell_the_path() {
        let table = [
            ("dkron/dkron:4.0.9", Some("/usr/local/bin/dkron")),
            ("docker.io/dkron/dkron:v4.0.0-beta6-light", Some("/usr/local/bin/dkron")),
            ("dkron/dkron:4", Some("/usr/local/bin/dkron")),
            ("dkron/dkron:3.2.7", Some("/usr/local/bin/dkron")),
            ("dkron/dkron:v3.1.8", Some("/opt/local/dkron/dkron")),
            ("dkron/dkron:v2.0.4", Some("/opt/local/dkron/dkron")),
            ("dkron/dkron:3", None),
            ("dkron/dkron:latest", None),
            ("dkron/dkron", None),
            ("dkron/dkron:4.0.9@sha256:00", None),
            ("mirror.example/dkron/dkron:4.0.9", None),
            ("dkron/dkron:v0.11.0", None),
        ];
        for (image, path) in table {
            assert_eq!(known_program(image), path, "{image}");
        }
    }
}
