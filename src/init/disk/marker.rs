//! The marker beside the raft state: whose it is, and the raft configuration as it was last seen, or who has one.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::json::Json;
use super::super::json::parts::{owner, server};
use super::super::procedure::Marker;
use super::whole_file::{self, Kind};

/// The marker lies in dkron's data directory, so that it comes and goes with the state.
pub const FILE: &str = "dkron-ha.json";

/// No marker of this size was ever written.
const LONGEST: u64 = 1 << 20;

/// A marker that is there and cannot be believed. The disk then counts as unknown.
#[derive(Debug)]
pub struct MarkerError {
    file: PathBuf,
    why: String,
}

impl fmt::Display for MarkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for MarkerError {}

/// Reads the marker of the data directory; `None` if there is none.
///
/// # Errors
/// [`MarkerError`] if there is one and it cannot be read or understood.
pub fn read(data_dir: &Path) -> Result<Option<Marker>, MarkerError> {
    let file = data_dir.join(FILE);
    let failed = |why: String| MarkerError { file: file.clone(), why };
    match fs::metadata(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
        Ok(metadata) if metadata.len() > LONGEST => return Err(failed("too long for a marker".to_owned())),
        Ok(_) => {}
    }
    let text = fs::read(&file).map_err(|error| failed(error.to_string()))?;
    understand(&text).map(Some).ok_or_else(|| failed("not a marker".to_owned()))
}

fn understand(text: &[u8]) -> Option<Marker> {
    let json = Json::read(text)?;
    Some(Marker {
        owner: owner(&json)?,
        members: json.get("members").each(server)?,
        elsewhere: json.get("elsewhere").optional(|pods| pods.each(Json::text))?.unwrap_or_default(),
    })
}

/// Writes the marker so that after a crash of the machine the old one or the new one is there, whole.
///
/// # Errors
/// What the system says.
pub fn write(data_dir: &Path, marker: &Marker) -> io::Result<()> {
    let mut text = serde_json::to_vec(marker)?;
    text.push(b'\n');
    whole_file::write(&data_dir.join(FILE), &text, Kind::State)
}

#[cfg(test)]
mod tests {
    use super::super::super::procedure::{Owner, Server};
    use super::*;

    fn marker(set: &str) -> Marker {
        let owner = Owner {
            namespace: "n".into(),
            cluster: "a".into(),
            set_uid: Some(set.into()),
            former: vec!["older".into()],
            founding: Some("f0".into()),
        };
        let member = Server { id: "a-0".into(), address: "10.0.0.1:6868".into(), voter: true };
        Marker { owner, members: vec![member], elsewhere: vec!["a-1".into()] }
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(read(directory.path()).expect("no error"), None);
        for set in ["one", "two"] {
            write(directory.path(), &marker(set)).expect("written");
            assert_eq!(read(directory.path()).expect("no error"), Some(marker(set)));
        }
        let left: Vec<_> = fs::read_dir(directory.path()).expect("a directory").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_marker_that_cannot_be_believed_is_an_error_with_words() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join(FILE);
        let long = "x".repeat(1 << 21);
        let whole = String::from_utf8(serde_json::to_vec(&marker("one")).expect("text")).expect("text");
        let broken =
            [&whole[1..], &whole.replace("cluster", "c"), &whole.replace("members", "m"), &whole.replace("true", "1")]
                .map(str::to_owned);
        let texts = broken.iter().map(String::as_str).chain(["", "{\"namespace\":\"n\"", "{}", &long]);
        for text in texts {
            fs::write(&file, text).expect("a file");
            let error = read(directory.path()).expect_err(text).to_string();
            let words = if text.len() > 1000 { "too long for a marker" } else { "not a marker" };
            assert!(error.contains(FILE) && error.ends_with(words), "{error}");
        }
        fs::remove_file(&file).and_then(|()| fs::create_dir(&file)).expect("a directory");
        read(directory.path()).expect_err("a directory is no marker");
    }

    #[test]
    fn a_disk_that_takes_nothing_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        write(&directory.path().join("nowhere"), &marker("one")).expect_err("no directory");
    }
}
