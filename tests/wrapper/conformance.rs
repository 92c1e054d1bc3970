//! What dkron does, checked on the stand-in and, where `DKRON_BIN` and `DKRON_BIN_V3` name one, on a real dkron: the same
//! checks, and where the two differ the stand-in is wrong. Every dkron runs on loopback addresses of its own.

#![expect(clippy::unnecessary_wraps, reason = "all checks have one form, also those that fail by assertions only")]

mod agents;
mod agreement;
mod answers;
mod calls;
mod cluster;
mod command_line;
mod farewell;
mod faults;
mod http;
mod jobs;
mod names;
mod node;
mod returns;
mod sources;
mod starts;
mod subject;

use libtest_mimic::{Failed, Trial};

use subject::Subject;

/// One check: its name, the first generation of dkron that it holds for, the last, and what it does.
type Check = (&'static str, u8, u8, fn(&Subject) -> Result<(), Failed>);

/// All of it, once for each dkron there is.
pub fn trials() -> Vec<Trial> {
    let checks = || {
        [
            command_line::CHECKS,
            starts::CHECKS,
            sources::CHECKS,
            answers::CHECKS,
            cluster::CHECKS,
            agreement::CHECKS,
            agents::CHECKS,
            farewell::CHECKS,
            names::CHECKS,
            returns::CHECKS,
            jobs::CHECKS,
        ]
        .concat()
    };
    let mut trials = Vec::new();
    for subject in Subject::all() {
        let asked_for = if subject.stands_in { faults::CHECKS } else { &[] };
        for (name, first, last, check) in checks().into_iter().chain(asked_for.iter().copied()) {
            if (first..=last).contains(&subject.generation) {
                let subject = subject.clone();
                trials.push(Trial::test(format!("dkron {name} [{}]", subject.label), move || check(&subject)));
            }
        }
    }
    trials
}
