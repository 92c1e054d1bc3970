//! Files on a disk.

use std::os::unix::fs::PermissionsExt;

use super::super::super::command::Word;
use super::super::format::Format;
use super::*;

struct Place {
    directory: tempfile::TempDir,
    run: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let run = directory.path().join("run");
        fs::create_dir(&run).expect("made");
        Self { directory, run }
    }

    fn user_file(&self, name: &str, text: &str) -> UserFile {
        let path = self.directory.path().join(name);
        fs::write(&path, text).expect("written");
        UserFile::load(Word::Is(path.to_str().expect("text")), None)
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("text")
}

#[test]
fn the_copy_has_the_users_end_of_name_and_is_for_the_owner() {
    let place = Place::new();
    for (name, text, expected) in [
        ("a.yml", "server: true\n", "reconcileinterval: 1s\nserver: true\n"),
        ("a.json", "{}", "{\"reconcileinterval\": \"1s\"}"),
        ("a.toml", "[tags]\n", "reconcileinterval = \"1s\"\n[tags]\n"),
    ] {
        let user = place.user_file(name, text);
        for _ in 0..2 {
            let copy = write(&place.run, &user).expect("a copy");
            assert_eq!(copy, place.run.join(name.replace('a', "dkron")));
            assert_eq!(read(&copy), expected);
            assert_eq!(copy.metadata().expect("metadata").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(user.content, Content::Text(Format::of(Path::new(name)), text.to_owned()));
    }
}

#[test]
fn who_has_no_file_that_dkron_reads_gets_the_key_alone() {
    let place = Place::new();
    let missing = place.directory.path().join("missing.yml");
    let users = [
        UserFile::load(Word::Is(missing.to_str().expect("text")), None),
        place.user_file("dkron.conf", "server = true"),
        place.user_file("dkron", "server: true"),
    ];
    for user in users {
        assert_eq!(user.content, Content::Nothing);
        assert!(user.values.is_complete());
        assert_eq!(read(&write(&place.run, &user).expect("a copy")), "reconcileinterval: 1s\n");
    }
}

#[test]
fn a_file_that_cannot_be_copied_is_left_to_dkron_with_a_reason() {
    let place = Place::new();
    let own = place.user_file("own.yaml", "ReconcileInterval: 5s\n");
    assert!(matches!(write(&place.run, &own), Err(NoCopy::Own)));
    for (name, text) in [("a.hcl", "server = true"), ("a.env", "SERVER=true"), ("a.yaml", "- server\n")] {
        let user = place.user_file(name, text);
        assert!(!user.values.is_complete(), "{name}");
        assert!(matches!(write(&place.run, &user), Err(NoCopy::Refused(_))), "{name}");
    }
    let latin = place.directory.path().join("latin.yaml");
    fs::write(&latin, b"node-name: \xe9\n").expect("written");
    let user = UserFile::load(Word::Is(latin.to_str().expect("text")), None);
    assert!(write(&place.run, &user).expect_err("refused").to_string().contains("UTF-8"));
    assert!(matches!(write(&place.run, &UserFile::load(Word::Unreadable, None)), Err(NoCopy::Refused(_))));
    let error = write(&place.directory.path().join("nowhere"), &own_less(&place)).expect_err("no directory");
    assert!(error.to_string().starts_with("no copy can be written"), "{error}");
}

fn own_less(place: &Place) -> UserFile {
    place.user_file("plain.yaml", "server: true\n")
}

#[test]
fn plugins_beside_the_users_file_are_found_beside_the_copy() {
    let place = Place::new();
    let user = own_less(&place);
    let plugins = place.directory.path().join("plugins");
    write(&place.run, &user).expect("a copy");
    fs::create_dir(&plugins).expect("made after the link");
    fs::write(plugins.join("dkron-executor-x"), "").expect("written");
    assert!(place.run.join("plugins/dkron-executor-x").exists());

    let none = UserFile { path: None, ..user };
    write(&place.run, &none).expect("a copy");
    assert_eq!(fs::read_link(place.run.join("plugins")).expect("a link"), Path::new("/etc/dkron/plugins"));
}
