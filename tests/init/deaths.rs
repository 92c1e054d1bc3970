//! A dkron that dies: started again in its place, and given up when it dies too often.

use std::time::Instant;

use rustix::process::{Signal, kill_process};

use crate::fake_dkron::program;
use crate::processes::descendants;
use crate::server::Server;
use crate::wrapped::until;

#[test]
fn a_dkron_that_dies_once_is_started_again_at_once() {
    let server = Server::alone(&["--server"]).with_data_dir();
    server.desired(1, &[0]);
    let running = server.wrapped(&[0]).start();
    until("dkron is started", || server.is_started());
    std::fs::remove_file(server.path("told")).expect("a file");
    let killed = Instant::now();
    for pid in descendants(running.pid()) {
        kill_process(pid, Signal::KILL).expect("it lives");
    }
    until("dkron is started again", || server.is_started());
    println!("started again {:?} after its end", killed.elapsed());
    let (told, said) = server.told(running);
    assert!(said.contains("dkron died with code 137: starting it again\n"), "{said}");
    assert!(!told.iter().any(|word| word.starts_with("--bootstrap-expect")), "what it wrote nobody has seen: {told:?}");
}

#[test]
fn five_deaths_within_a_minute_end_the_program_as_dkron_ended() {
    let crashes = [("exit 7", 7), ("kill -KILL $$", 137)].map(|(script, code)| {
        let server = Server::alone(&["--server"]).with_data_dir();
        server.desired(1, &[0]);
        program(
            &server.path(""),
            &format!("[ $1 = agent ] || exit 0\necho start >> '{}'\n{script}", server.path("starts").display()),
        );
        let running = server.wrapped(&[0]).start();
        (server, running, code)
    });
    for (server, running, code) in crashes {
        let ended = running.ended();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("dkron died with code {code}, too often")), "{}", ended.stderr);
        let starts = std::fs::read_to_string(server.path("starts")).expect("starts");
        assert_eq!(starts.lines().count(), 5);
    }
}
