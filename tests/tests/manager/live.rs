//! Clients of the cluster work on while slots move.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use dunlin_testkit::cluster::IN_ORDER;
use dunlin_testkit::{Cluster, assert_in_order};

use crate::run::{assert_filled, fill, manage};

/// A client that reads and writes sees no error, and what it wrote is there.
#[test]
fn no_client_sees_an_error() {
    let mut cluster = Cluster::builder().start();
    fill(&cluster, 1000);
    let (added, known) = (cluster.start_node(), cluster.address(0));
    manage(&["add-node", &cluster.address(added), &known], "").success();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (cluster, is_over) = (&cluster, &is_over);
        let client = scope.spawn(move || {
            let mut client = cluster.routed();
            let mut counts = vec![0_u32; 100];
            while !is_over.load(Ordering::Relaxed) {
                for (n, count) in counts.iter_mut().enumerate() {
                    *count += 1;
                    let said = client.show(&format!("INCR counter:{n}"));
                    assert_eq!(said, count.to_string(), "counter:{n}");
                    assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
                }
            }
            counts[0]
        });
        manage(&["rebalance", &known, "--cluster-use-empty-masters"], "").success();
        let target = cluster.id(0);
        let words = ["reshard", &known, "--cluster-from", "all", "--cluster-to", &target];
        let more = ["--cluster-slots", "3000", "--cluster-yes"];
        manage(&[words.as_slice(), &more].concat(), "").success();
        is_over.store(true, Ordering::Relaxed);
        assert!(client.join().expect("no error") > 0);
    });
    assert_in_order(&manage(&["check", &known], "").success(), &IN_ORDER);
    assert_filled(&cluster, 1000);
}
