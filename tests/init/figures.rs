//! What the program costs: memory while dkron runs, and time before it is executed. Printed; the bounds are wide enough for a
//! program that is built for tests on a busy machine.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::server::Server;
use crate::wrapped::{Wrapped, until, until_within};

/// Starts of each kind, of which the middle one counts.
const STARTS: usize = 9;

const MOST_MEMORY: u64 = 64 * 1024;
const MOST_OWN_MEMORY: u64 = 16 * 1024;
const MOST_TIME: Duration = Duration::from_millis(500);

/// A line of `/proc/PID/status`, in KiB.
fn kib(pid: Pid, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect(name);
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn memory_of_the_program_is_bounded() {
    let server = Server::alone(&["--server"]).with_data_dir();
    server.desired(1, &[0]);
    let running = server.wrapped(&[0]).start();
    until("dkron is started", || server.is_started());
    // Some looks at dkron, so that every thread has done its work.
    std::thread::sleep(Duration::from_secs(1));
    let agent = Wrapped::shell("echo up; exec sleep 600").start();
    agent.wait_for("stdout", "up");
    for (what, pid) in [("a server that is alone", running.pid()), ("an agent", agent.pid())] {
        let (all, own) = (kib(pid, "VmRSS"), kib(pid, "RssAnon"));
        println!("memory before {what}: {all} KiB (VmRSS), of which its own {own} KiB (RssAnon)");
        assert!(all < MOST_MEMORY && own < MOST_OWN_MEMORY);
    }
}

/// Time until the started program has made the file `up`.
fn time(wrapped: Wrapped) -> Duration {
    let begun = Instant::now();
    let running = wrapped.start();
    until_within(Duration::from_secs(20), Duration::from_micros(100), "it is up", || running.path("up").exists());
    begun.elapsed()
}

#[test]
fn dkron_is_executed_without_delay_where_nothing_is_to_be_waited_for() {
    let server = Server::alone(&["--server"]).with_data_dir();
    crate::fake_dkron::program(&server.path(""), "[ $1 = agent ] || exit 0\n: > up; exec sleep 600");
    server.desired(1, &[0]);
    let bare = || Wrapped::with(&[]).under(&server.words.iter().map(String::as_str).collect::<Vec<_>>());
    let ways: [(&str, &dyn Fn() -> Wrapped); 3] = [
        ("nothing", &bare),
        ("a server that is alone", &|| server.wrapped(&[0])),
        ("an agent", &|| server.wrapped(&[0]).env("DKRON_HA_ROLE", "agent")),
    ];
    let mut times = [(); 3].map(|()| Vec::new());
    for _ in 0..STARTS {
        for (times, (_, way)) in times.iter_mut().zip(ways) {
            times.push(time(way()));
        }
    }
    let middle = times.map(|mut times| {
        times.sort();
        times[STARTS / 2]
    });
    for ((what, _), time) in ways.iter().zip(middle).skip(1) {
        let longer = time.saturating_sub(middle[0]);
        println!("{what}: dkron is executed after {longer:?} (of {time:?} with it)");
        assert!(longer < MOST_TIME, "{what}");
    }
}
