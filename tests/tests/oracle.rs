//! Replays the replies that were recorded from a real Redis 7.2 (see `tests/oracle`).

use dunlin_testkit::oracle::{self, sums};
use dunlin_testkit::{Server, server};

#[test]
fn every_recorded_reply_is_given() {
    let report = oracle::check(&server::program(), &oracle::directory(), None);
    assert!(report.scripts > 0, "no scripts found");
    assert!(
        report.failures.is_empty(),
        "{} of {} scripts differ\n{}",
        report.failures.len(),
        report.scripts,
        report.failures.join("\n")
    );
}

#[test]
fn random_float_sums_are_those_of_long_double() {
    let path = oracle::directory().join("string/incrbyfloat.sums");
    let (sums, expected) = sums::load(&path).expect("the recorded sums");
    assert_eq!(sums.len(), 10_000);
    let got = sums::compute(&Server::start(), &sums).expect("a server that keeps answering");
    let wrong: Vec<String> = sums
        .iter()
        .zip(expected.iter().zip(&got))
        .filter(|(_, (expected, got))| expected != got)
        .map(|(sum, (expected, got))| {
            format!("{} + {}: expected {expected}, got {got}", sum.start, sum.increment)
        })
        .collect();
    let first = &wrong[..wrong.len().min(20)];
    assert!(wrong.is_empty(), "{} sums differ, such as\n{}", wrong.len(), first.join("\n"));
}
