//! The checkers see what they are there for: each test has nodes that break one rule.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dunlin_cluster::{ClusterConfig, Flaw, Pace};
use dunlin_sim::Bus;
use dunlin_sim::bus::Latency;

use crate::config;

/// What a checker says of a run.
fn verdict(run: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    Some(panic.downcast_ref::<String>().cloned().expect("a panic with a text"))
}

/// A checker speaks up, and says this.
fn sees(what: &str, run: impl FnOnce()) {
    let verdict = verdict(run).unwrap_or_else(|| panic!("nobody sees: {what}"));
    assert!(verdict.contains(what), "{what} is expected: {verdict}");
}

/// Three primaries and a replica of each, all of which break a rule.
fn flawed(seed: u64, flaw: Flaw) -> Bus {
    Bus::cluster(seed, 1, &ClusterConfig { flaw: Some(flaw), ..config(1000) })
}

#[test]
fn two_votes_in_one_epoch() {
    let contested = |seed: u64| {
        let flawed =
            ClusterConfig { flaw: Some(Flaw::VotesAgain), pace: Pace::Redis, ..config(1000) };
        let mut bus = Bus::cluster(seed, 3, &flawed);
        bus.latency = Latency { min_us: 50_000, max_us: 100_000, ..Latency::default() };
        bus.kill(1);
        bus.run_ms(4_000);
    };
    let verdicts: Vec<String> = (0..5).filter_map(|seed| verdict(|| contested(seed))).collect();
    assert!(!verdicts.is_empty(), "nobody sees it");
    assert!(verdicts.iter().all(|verdict| verdict.contains("voted for two in epoch")));
}

#[test]
fn two_writers_in_one_epoch() {
    sees("took writes of a slot in epoch", || {
        let config = ClusterConfig { flaw: Some(Flaw::TakesOverAlone), ..config(1000) };
        // From their files: its replica has never had an epoch of its own.
        let mut bus = Bus::formed(1, &vec![config; 6], 3);
        bus.run_ms(5_000);
        bus.kill(1);
        bus.run_ms(5_000);
    });
}

#[test]
fn a_primary_that_writes_on_in_a_minority() {
    sees("takes writes although only", || {
        let mut bus = flawed(2, Flaw::ServesInMinority);
        bus.partition(&[1]);
        bus.run_ms(5_000);
    });
}

#[test]
fn a_disk_that_forgets_the_epoch_of_a_vote() {
    sees("epoch of 0 was", || {
        let mut bus = Bus::cluster(3, 1, &config(1000));
        let before = bus.conf(0).to_owned();
        bus.kill(1);
        bus.run_until(5_000, "its replica takes over", |bus| bus.writers(5461) == [4]);
        bus.kill(0);
        bus.set_conf(0, &before);
        bus.start(0);
    });
}

#[test]
fn epochs_that_collide_for_good() {
    let mut bus = Bus::new(4, 3, &ClusterConfig { flaw: Some(Flaw::KeepsEpoch), ..config(1000) });
    bus.share_slots(3);
    (1..3).for_each(|index| bus.meet(index, 0));
    bus.run_until(20_000, "all serve and agree", |bus| bus.is_whole(3) && bus.agrees());
    sees("not within 20000 ms: epochs are unique", || {
        bus.run_until(20_000, "epochs are unique", Bus::has_unique_epochs);
    });
}

#[test]
fn views_that_differ_for_good() {
    let mut configs = vec![config(1000); 6];
    configs[5].flaw = Some(Flaw::IgnoresClaims);
    // It has its view from its file.
    let mut bus = Bus::formed(5, &configs, 3);
    bus.run_until(20_000, "all serve and agree", |bus| bus.is_whole(6) && bus.agrees());
    bus.kill(1);
    bus.run_until(5_000, "its replica takes over", |bus| bus.writers(5461) == [4]);
    sees("not within 20000 ms: all agree", || {
        bus.run_until(20_000, "all agree", Bus::agrees);
    });
}

#[test]
fn a_failover_that_does_not_come() {
    let mut bus = flawed(6, Flaw::NeverStands);
    bus.kill(1);
    sees("not within 2500 ms: a replica takes over", || {
        bus.run_until(2_500, "a replica takes over", |bus| bus.writers(5461) == [4]);
    });
}
