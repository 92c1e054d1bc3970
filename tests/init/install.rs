//! `install DEST`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::wrapped::{Ended, Wrapped, program};

fn install(destination: &Path) -> Ended {
    Wrapped::with(&["install", destination.to_str().expect("text")]).ended()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

#[test]
fn the_program_is_copied_whole_with_its_mode_and_missing_parents() {
    let directory = tempfile::tempdir().expect("a directory");
    let destination = directory.path().join("a/b/dkron-ha-init");
    let ended = Wrapped::script(&format!("umask 077; exec \"$0\" install '{}'", destination.display())).ended();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(fs::read(&destination).expect("the copy"), fs::read(program()).expect("the program"));
    assert_eq!(mode(&destination), 0o555);
    assert_eq!(mode(&directory.path().join("a")), 0o755);
    assert_eq!(mode(&directory.path().join("a/b")), 0o755);
    let names: Vec<_> = fs::read_dir(directory.path().join("a/b")).expect("names").collect();
    assert_eq!(names.len(), 1, "no temporary file stays: {names:?}");

    let copy = destination.display();
    let version = Wrapped::script(&format!("exec '{copy}' run -- '{copy}' --version")).ended();
    assert_eq!(version.code, Some(0), "{}", version.stderr);
    assert!(version.stdout.starts_with("dkron-ha-init "), "{}", version.stdout);
}

#[test]
fn an_existing_file_is_replaced_also_while_it_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let destination = directory.path().join("dkron-ha-init");
    assert_eq!(install(&destination).code, Some(0));
    let running =
        Wrapped::script(&format!("exec '{}' run -- sh -c 'echo up; sleep 600'", destination.display())).start();
    running.wait_for("stdout", "up");
    let before = fs::metadata(&destination).expect("metadata").ino();
    assert_eq!(install(&destination).code, Some(0));
    assert_ne!(fs::metadata(&destination).expect("metadata").ino(), before);
}

#[test]
fn who_reads_during_the_replacement_finds_a_whole_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let destination = directory.path().join("dkron-ha-init");
    fs::write(&destination, "old").expect("an old file");
    let (whole, over) = (fs::metadata(program()).expect("metadata").len(), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                let found = fs::metadata(&destination).expect("it is always there");
                let new = found.len() == whole && found.permissions().mode() & 0o777 == 0o555;
                assert!(new || found.len() == 3, "{found:?}");
                looks += 1;
            }
            looks
        });
        for _ in 0..10 {
            assert_eq!(install(&destination).code, Some(0));
        }
        over.store(true, Ordering::Relaxed);
        println!("{} looks", reader.join().expect("whole files"));
    });
}

#[test]
fn a_temporary_file_of_a_killed_attempt_does_not_stand_in_the_way() {
    let directory = tempfile::tempdir().expect("a directory");
    let destination = directory.path().join("init");
    // In a container the number is always the same; here the shell tells it before it becomes the program.
    let script = "echo half > .init.$$.tmp; exec \"$0\" install init";
    let ended = Wrapped::script(&format!("cd '{}'; {script}", directory.path().display())).ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(mode(&destination), 0o555);
    assert_eq!(fs::read_dir(directory.path()).expect("names").count(), 1);
}

#[test]
fn what_cannot_be_written_gives_73_and_names_the_path() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).expect("a folder");
    // A file as parent, a folder as destination, no name at all, and a place where not even root may write.
    for destination in [file.join("x/init"), file.join("init"), folder.clone(), "..".into(), "/proc/init".into()] {
        let ended = install(&destination);
        assert_eq!(ended.code, Some(73), "{}: {}", destination.display(), ended.stderr);
        assert!(ended.stderr.starts_with("dkron-ha: cannot "), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(&file).expect("the file"), "in the way");
    assert_eq!(fs::read_dir(directory.path()).expect("names").count(), 2, "no temporary file stays");
}
