//! Real signals to a real process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dkron_ha::server::{Drain, Ended, Shutdown};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::reviewer::Script;
use crate::support::{PATIENCE, child, server};

const DELAY: &str = "DKRON_HA_TEST_DELAY_SECONDS";

#[tokio::test]
#[ignore = "the process that the tests below send signals to"]
async fn serve_until_a_signal() {
    let delay = std::env::var(DELAY).unwrap().parse().unwrap();
    let (mut config, _) = server::config();
    config.drain = Drain { delay: Duration::from_secs(delay), finish: Duration::from_secs(5) };
    let bound = config.bind(Arc::<Script>::clone(&Script::new())).await.unwrap();
    let shutdown = Shutdown::on_signals().unwrap();
    println!("\nlistening");
    let ended = bound.run(shutdown).await.unwrap();
    assert_eq!(ended, Ended::Drained);
    println!("\nended");
}

struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Process {
    fn start(delay: &str) -> Self {
        let mut child = child::start("signals::serve_until_a_signal", &[(DELAY, delay)]);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self { child, lines };
        assert!(process.says("listening"));
        process
    }

    fn says(&mut self, text: &str) -> bool {
        self.lines.by_ref().map_while(Result::ok).any(|line| line == text)
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it never ended");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn term_and_interrupt_both_end_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = Process::start("0");
        process.send(signal);
        assert!(process.says("ended"), "{signal:?}");
        assert!(process.wait().success());
    }
}

#[test]
fn the_second_signal_ends_at_once() {
    let mut process = Process::start("600");
    process.send(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    assert!(process.ended().is_none(), "the delay is ten minutes");
    process.send(Signal::TERM);
    assert!(process.says("ended"));
    assert!(process.wait().success());
}
