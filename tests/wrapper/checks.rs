//! The tier's own instruments, checked: what would make its figures wrong.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::client::raft;
use crate::cluster::Timeline;
use crate::figures::Times;

/// One check.
type Check = fn();

const ALL: [(&str, Check); 6] = [
    ("a gap is what lies between two reigns", a_gap_is_what_lies_between_two_reigns),
    ("a gap that lasts until the end counts", a_gap_that_lasts_until_the_end_counts),
    ("time before the first leader is no gap", time_before_the_first_leader_is_no_gap),
    ("two that lead at once are seen", two_that_lead_at_once_are_seen),
    ("the table of peers is read", the_table_of_peers_is_read),
    ("times are ordered", times_are_ordered),
];

/// All of them; they take no time.
pub fn trials() -> Vec<Trial> {
    let trial = |(name, check): (&'static str, Check)| {
        Trial::test(format!("instrument: {name}"), move || {
            check();
            Ok::<(), Failed>(())
        })
    };
    ALL.into_iter().map(trial).collect()
}

const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A timeline of reigns: life, first look, last look.
fn timeline(reigns: &[(&str, u64, u64)]) -> Timeline {
    let mut timeline = Timeline::default();
    for (life, first, last) in reigns {
        timeline.leads(life, ms(*first), false);
        timeline.leads(life, ms(*last), true);
    }
    timeline
}

fn a_gap_is_what_lies_between_two_reigns() {
    let timeline = timeline(&[("a.1", 1000, 5000), ("b.1", 6500, 9000)]);
    let story = timeline.story(ms(2000), ms(9000));
    assert_eq!((story.gaps.as_slice(), story.changes), ([ms(1500)].as_slice(), 1));
    assert_eq!(timeline.story(ms(7000), ms(9000)).changes, 0, "before the time asked for");
    assert_eq!(timeline.story(ms(5200), ms(9000)).gaps, [ms(1300)], "cut at the time asked for");
    assert_eq!(timeline.leader_since(ms(5500)), Some(ms(6500)));
    assert_eq!(timeline.leader_since(ms(3000)), Some(ms(3000)));
}

fn a_gap_that_lasts_until_the_end_counts() {
    let timeline = timeline(&[("a.1", 1000, 5000)]);
    assert_eq!(timeline.story(ms(2000), ms(9000)).gaps, [ms(4000)]);
    assert_eq!(timeline.story(ms(2000), ms(5090)).leaderless(), ms(0), "the last look is a little old");
    assert_eq!(timeline.story(ms(6000), ms(9000)).gaps, [ms(3000)]);
    assert_eq!(timeline.leader_since(ms(6000)), None);
}

fn time_before_the_first_leader_is_no_gap() {
    assert_eq!(timeline(&[]).story(ms(0), ms(9000)).leaderless(), ms(0));
    assert_eq!(timeline(&[("a.1", 4000, 9000)]).story(ms(0), ms(9000)).leaderless(), ms(0));
}

fn two_that_lead_at_once_are_seen() {
    let story = timeline(&[("a.1", 1000, 5000), ("b.1", 4400, 9000)]).story(ms(2000), ms(9000));
    assert_eq!((story.gaps, story.changes, story.doubled), (Vec::new(), 1, ms(600)));
    let story = timeline(&[("a.1", 1000, 9000), ("b.1", 4000, 4300)]).story(ms(2000), ms(9000));
    assert_eq!((story.gaps, story.doubled), (Vec::new(), ms(300)));
}

fn the_table_of_peers_is_read() {
    let text = "time=\"…\" level=info msg=\"No valid config found\"\n\
                Node       ID       Address         State     Voter\n\
                dkron-1    dkron-1  10.77.0.2:6868  leader    true\n\
                (unknown)  dkron-0  10.77.0.1:6868  follower  false\n";
    let server = |id: &str, address: &str, voter| raft::Server { id: id.into(), address: address.into(), voter };
    let expected = vec![server("dkron-0", "10.77.0.1:6868", false), server("dkron-1", "10.77.0.2:6868", true)];
    assert_eq!(raft::parse(text).expect("a table"), expected);
    assert_eq!(raft::parse("Node  ID  Address  State  Voter\n").expect("a table"), Vec::new());
    assert!(raft::parse("Node  ID  Address  State  Voter\nError\n").is_err());
}

fn times_are_ordered() {
    let mut times = Times::default();
    for number in [300, 100, 200] {
        times.push(ms(number));
    }
    assert_eq!((times.median(), times.longest(), times.within(ms(200))), (ms(200), ms(300), 2));
    assert_eq!(times.to_string(), "0.10 / 0.20 / 0.30 s");
}
