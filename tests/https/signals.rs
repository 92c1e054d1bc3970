//! Real signals to a real process.

use std::sync::Arc;
use std::time::Duration;

use dkron_ha::server::{Drain, Ended, Shutdown};
use rustix::process::Signal;

use crate::support::child::Process;
use crate::support::reviewer::Script;
use crate::support::{server, soon};

const DELAY: &str = "DKRON_HA_TEST_DELAY_SECONDS";

#[tokio::test]
#[ignore = "the process that the tests below send signals to"]
async fn serve_until_a_signal() {
    let delay = std::env::var(DELAY).unwrap().parse().unwrap();
    let (mut config, _) = server::config();
    config.drain = Drain { finish: Duration::from_secs(5), ..Drain::of(Duration::from_secs(delay)) };
    let bound = config.bind(Arc::<Script>::clone(&Script::new())).await.unwrap();
    let shutdown = Shutdown::on_signals().unwrap();
    println!("\nlistening");
    let ended = soon("a signal", bound.run(shutdown)).await.unwrap();
    assert_eq!(ended, Ended::Drained);
    println!("\nended");
}

fn start(delay: &str) -> Process {
    let mut process = Process::start("signals::serve_until_a_signal", &[(DELAY, delay)]);
    process.says("listening").unwrap();
    process
}

#[test]
fn term_and_interrupt_both_end_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = start("0");
        process.send(signal);
        assert!(process.says("ended").is_some(), "{signal:?}");
        assert!(process.wait().success());
    }
}

#[test]
fn the_second_signal_ends_at_once() {
    let mut process = start("600");
    process.send(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    assert!(process.ended().is_none(), "the delay is ten minutes");
    process.send(Signal::TERM);
    assert!(process.says("ended").is_some());
    assert!(process.wait().success());
}
