//! `desired.json`: what Kubernetes wants, told by the label updater in the same pod.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::json::Json;
use super::super::json::parts::{flag, small};
use super::super::procedure::{Desired, DesiredPod, Moment};

/// Where the kernel says which start of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A set of thousands of pods is shorter.
const LONGEST: u64 = 4 << 20;

/// When a file was written: a moment of the machine's clock means something during one start of the machine only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    boot: String,
    monotonic_ms: u64,
}

/// The whole file.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    desired: &'a Desired,
    written: Written,
}

/// Why a file is not believed.
#[derive(Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It cannot be read.
    Unreadable(String),
    /// It is not what the label updater writes.
    Malformed(&'static str),
    /// It was written before the machine was started last.
    AnotherBoot,
    /// It says that it was written at a moment that is still to come.
    Future,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Malformed(why) => write!(f, "is malformed: {why}"),
            Self::AnotherBoot => f.write_str("was written before this machine was started"),
            Self::Future => f.write_str("was written at a moment that is still to come"),
        }
    }
}

impl std::error::Error for Ignored {}

/// Which start of the machine this is; `None` if the kernel does not say.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string(BOOT_ID).ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The text of the file, written at the moment `now` of the machine's start `boot`. Put it in its place by a rename.
///
/// # Errors
/// None that the types allow; serde's signature says so.
pub fn to_json(desired: &Desired, boot: &str, now: Moment) -> serde_json::Result<String> {
    let written = Written { boot: boot.to_owned(), monotonic_ms: now.0 };
    serde_json::to_string(&Whole { desired, written })
}

/// What a text says, and when it was written.
///
/// # Errors
/// [`Ignored`] where it must not be believed.
pub fn from_json(text: &str, boot: &str, now: Moment) -> Result<(Desired, Moment), Ignored> {
    let json = Json::read(text.as_bytes()).ok_or(Ignored::Malformed("it is no JSON"))?;
    let desired = desired(&json).ok_or(Ignored::Malformed("a field is missing or of another kind"))?;
    let written = json.get("written");
    let (Some(its), Some(moment)) = (written.get("boot").text(), written.get("monotonicMs").number()) else {
        return Err(Ignored::Malformed("it does not say when it was written"));
    };
    match Moment(moment) {
        _ if *its != *boot => Err(Ignored::AnotherBoot),
        moment if moment > now => Err(Ignored::Future),
        moment => Ok((desired, moment)),
    }
}

/// Reads a [`Desired`] as its type says.
fn desired(json: &Json) -> Option<Desired> {
    Some(Desired {
        replicas: small(json.get("replicas"))?,
        ordinals_start: json.get("ordinalsStart").optional(small)?.unwrap_or_default(),
        set_uid: json.get("setUid").text()?,
        set_deleting: flag(json.get("setDeleting"))?,
        ordered_ready: flag(json.get("orderedReady"))?,
        grace_seconds: json.get("graceSeconds").optional(Json::number)?,
        pods: json.get("pods").each(pod)?,
    })
}

fn pod(json: &Json) -> Option<DesiredPod> {
    Some(DesiredPod {
        name: json.get("name").text()?,
        uid: json.get("uid").text()?,
        ip: json.get("ip").optional(|ip| ip.text()?.parse().ok())?,
        deleting: flag(json.get("deleting"))?,
        formed: flag(json.get("formed"))?,
    })
}

/// What tells one version of a file from another without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// The file, read again only when it has changed.
#[derive(Debug)]
pub struct DesiredFile {
    path: PathBuf,
    boot: String,
    seen: Option<Stamp>,
}

impl DesiredFile {
    /// The file at `path`, on a machine whose start is `boot`.
    pub fn at(path: &Path, boot: String) -> Self {
        Self { path: path.to_owned(), boot, seen: None }
    }

    /// What the file says now; `None` if there is none, or none that was not looked at already.
    ///
    /// # Errors
    /// [`Ignored`], once for each version of the file.
    pub fn look(&mut self, now: Moment) -> Result<Option<(Desired, Moment)>, Ignored> {
        let unreadable = |error: std::io::Error| Ignored::Unreadable(error.to_string());
        let metadata = match fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.seen = None;
                return Ok(None);
            }
            // Told once, as a version of its own.
            Err(_) if self.seen == Some(Stamp::default()) => return Ok(None),
            metadata => metadata.map_err(|error| {
                self.seen = Some(Stamp::default());
                unreadable(error)
            })?,
        };
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        let stamp = Stamp { inode: metadata.ino(), size: metadata.len(), modified };
        if self.seen.replace(stamp) == Some(stamp) {
            return Ok(None);
        }
        if stamp.size > LONGEST {
            return Err(Ignored::Malformed("it is too long"));
        }
        let text = fs::read_to_string(&self.path).map_err(unreadable)?;
        from_json(&text, &self.boot, now).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(replicas: u32) -> Desired {
        let pod = DesiredPod {
            name: "a-0".into(),
            uid: "u".into(),
            ip: "10.0.0.1".parse().ok(),
            deleting: true,
            formed: false,
        };
        Desired {
            replicas,
            ordinals_start: 2,
            set_uid: "s".into(),
            set_deleting: false,
            ordered_ready: true,
            grace_seconds: Some(300),
            pods: vec![pod],
        }
    }

    fn text(replicas: u32) -> String {
        to_json(&desired(replicas), "boot-1", Moment(5000)).expect("text")
    }

    #[test]
    fn the_format_is_fixed() {
        let expected = "{\"replicas\":3,\"ordinalsStart\":2,\"setUid\":\"s\",\"setDeleting\":false,\
                        \"orderedReady\":true,\"graceSeconds\":300,\"pods\":[{\"name\":\"a-0\",\"uid\":\"u\",\
                        \"ip\":\"10.0.0.1\",\"deleting\":true,\"formed\":false}],\
                        \"written\":{\"boot\":\"boot-1\",\"monotonicMs\":5000}}";
        assert_eq!(text(3), expected);
        let least = "{\"replicas\":1,\"setUid\":\"s\",\"pods\":[],\"later\":1,\
                     \"written\":{\"boot\":\"b\",\"monotonicMs\":1,\"later\":2}}";
        let (read, at) = from_json(least, "b", Moment(1)).expect("read");
        assert_eq!((read.replicas, read.ordinals_start, at), (1, 0, Moment(1)));
    }

    #[test]
    fn what_was_written_is_read_with_its_moment() {
        assert_eq!(from_json(&text(3), "boot-1", Moment(5000)), Ok((desired(3), Moment(5000))));
        assert_eq!(from_json(&text(0), "boot-1", Moment(9000)), Ok((desired(0), Moment(5000))));
    }

    #[test]
    fn what_must_not_be_believed_is_ignored_with_words() {
        assert_eq!(from_json(&text(3), "boot-2", Moment(9000)), Err(Ignored::AnotherBoot));
        assert_eq!(from_json(&text(3), "boot-1", Moment(4999)), Err(Ignored::Future));
        for bad in ["", "{}", "[]", "{\"replicas\":-1}", &text(3)[1..], &text(3).replace("written", "Written")] {
            let ignored = from_json(bad, "boot-1", Moment(9000)).expect_err(bad);
            assert!(matches!(ignored, Ignored::Malformed(_)), "{bad}: {ignored}");
            assert!(ignored.to_string().starts_with("is malformed: "), "{ignored}");
        }
    }

    #[test]
    fn a_file_is_read_once_for_each_version() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("desired.json");
        let put = |text: &str| {
            let beside = directory.path().join("new");
            fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path)).expect("written");
        };
        let mut file = DesiredFile::at(&path, "boot-1".into());
        assert_eq!(file.look(Moment(9000)), Ok(None));
        put(&text(3));
        assert_eq!(file.look(Moment(9000)), Ok(Some((desired(3), Moment(5000)))));
        assert_eq!(file.look(Moment(9000)), Ok(None));
        put(&text(4));
        assert_eq!(file.look(Moment(9000)), Ok(Some((desired(4), Moment(5000)))));
        put("{");
        assert!(matches!(file.look(Moment(9000)), Err(Ignored::Malformed(_))));
        assert_eq!(file.look(Moment(9000)), Ok(None));
        fs::remove_file(&path).expect("removed");
        assert_eq!(file.look(Moment(9000)), Ok(None));
        put(&text(5));
        assert_eq!(file.look(Moment(9000)), Ok(Some((desired(5), Moment(5000)))));
    }

    #[test]
    fn a_place_that_cannot_be_looked_at_is_told_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().join("folder");
        fs::write(&folder, "a file").expect("a file");
        let mut file = DesiredFile::at(&folder.join("desired.json"), "boot-1".into());
        assert!(matches!(file.look(Moment(9000)), Err(Ignored::Unreadable(_))));
        assert_eq!(file.look(Moment(9000)), Ok(None));
        fs::remove_file(&folder).and_then(|()| fs::create_dir(&folder)).expect("a folder");
        fs::write(folder.join("desired.json"), text(3)).expect("a file");
        assert_eq!(file.look(Moment(9000)), Ok(Some((desired(3), Moment(5000)))));
    }

    #[test]
    fn this_machine_was_started_once() {
        let boot = boot_id().expect("a kernel that says so");
        assert_eq!(boot_id(), Some(boot.clone()));
        assert_eq!(boot.len(), 36, "{boot}");
    }
}
