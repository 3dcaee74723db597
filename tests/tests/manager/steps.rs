//! The manager, or a node, dies at a step of a slot's move; `fix` mends what is left.

use std::path::Path;

use dunlin_testkit::cluster::IN_ORDER;
use dunlin_testkit::process::Process;
use dunlin_testkit::server::program;
use dunlin_testkit::{Cluster, DEADLINE, assert_in_order, wait_for};
use nix::sys::signal::Signal;

use crate::run::{finish, manage, real_server, stopped_at};

/// Steps of the move of a slot with three keys, one at a time, between two of three primaries: two to
/// open it, a list and a transfer for each key, an empty list, the new owner at three nodes.
const STEPS: usize = 12;

/// Sets the keys of slot 1629, which node 0 has.
fn fill(cluster: &Cluster) {
    let mut client = cluster.routed();
    for key in 0..3 {
        assert_eq!(client.show(&format!("SET {{oo}}{key} {key}")), "OK");
    }
}

#[track_caller]
fn assert_nothing_lost(cluster: &Cluster, step: usize) {
    let mut client = cluster.routed();
    for key in 0..3 {
        assert_eq!(client.show(&format!("GET {{oo}}{key}")), key.to_string(), "step {step}");
    }
}

/// Moves slot 1629 from whoever has it to `target` up to a step.
fn move_up_to(cluster: &Cluster, step: usize, target: usize) -> std::process::Child {
    let source = cluster.owner(0, 1629).expect("an owner");
    let (from, to) = (cluster.id(source), cluster.id(target));
    stopped_at(
        step,
        &[
            "reshard",
            &cluster.address(0),
            "--cluster-from",
            &from,
            "--cluster-to",
            &to,
            "--cluster-slots",
            "1",
            "--cluster-pipeline",
            "1",
            "--cluster-yes",
        ],
    )
}

/// A cluster in which slot 1629 is the lowest one of node 0, so that it is the one that moves.
fn cluster(program: &Path, replicas: usize) -> Cluster {
    let cluster = Cluster::builder().programs(&[program]).replicas(replicas).start();
    let (first, second, known) = (cluster.id(0), cluster.id(1), cluster.address(0));
    let words = ["reshard", &known, "--cluster-from", &first, "--cluster-to", &second];
    let more = ["--cluster-slots", "1629", "--cluster-yes"];
    manage(&[words.as_slice(), &more].concat(), "").success();
    cluster
}

#[track_caller]
fn killed_at_every_step(program: &Path) {
    let cluster = cluster(program, 0);
    fill(&cluster);
    let known = cluster.address(0);
    let third = cluster.id(2);
    for step in 0..STEPS {
        // Each round moves the lowest slot of node 0, which is 1629, to node 2, and back again.
        let mut child = move_up_to(&cluster, step, 2);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let check = manage(&["check", &known], "");
        if (1..9).contains(&step) {
            let said = check.failure();
            assert_in_order(&said, &["[WARNING] The following slots are open: 1629."]);
        }
        let said = manage(&["fix", &known], "").success();
        let said_again = manage(&["check", &known], "").success();
        assert_in_order(&said_again, &IN_ORDER);
        assert_nothing_lost(&cluster, step);
        // In between, what was moved is taken up, not undone.
        let owner = cluster.owner(0, 1629);
        let expected = if step < 2 { 0 } else { 2 };
        assert_eq!(owner, Some(expected), "step {step}: {said}");
        if owner == Some(2) {
            give_back(&cluster, &third);
        }
    }
}

/// Slot 1629 goes from node 2 to node 0.
fn give_back(cluster: &Cluster, third: &str) {
    let first = cluster.id(0);
    for (node, state, peer) in [(0, "IMPORTING", third), (2, "MIGRATING", first.as_str())] {
        let command = format!("CLUSTER SETSLOT 1629 {state} {peer}");
        assert_eq!(cluster.client(node).show(&command), "OK");
    }
    manage(&["fix", &cluster.address(0)], "").success();
    assert_eq!(cluster.owner(0, 1629), Some(0));
}

#[test]
fn the_manager_killed_at_every_step_ours() {
    killed_at_every_step(&program());
}

#[test]
fn the_manager_killed_at_every_step_redis() {
    killed_at_every_step(&real_server());
}

/// A node of the move dies at a step, its replica takes over; the manager says what is open and ends.
#[track_caller]
fn node_killed(step: usize, victim: usize) {
    let mut cluster = cluster(&program(), 1);
    fill(&cluster);
    let child = move_up_to(&cluster, step, 2);
    let process = Process(child.id());
    // What was acknowledged has reached the replica: losing that is another matter.
    let mut client = cluster.client(victim);
    wait_for("the replica to follow", DEADLINE, || client.show("WAIT 1 100") == "1");
    drop(client);
    let asked = (0..3).find(|index| *index != victim).expect("another node");
    let replica = cluster.replicas_of(victim)[0];
    cluster.kill(victim);
    process.signal(Signal::SIGCONT);
    let run = finish(child);
    wait_for("a new primary", DEADLINE, || {
        cluster.line(asked, replica).is_some_and(|line| line.has("master"))
    });
    let known = cluster.address(asked);
    let forced = "--cluster-fix-with-unreachable-masters";
    if run.end == "exit 1" {
        assert!(run.stderr.contains("*** Stopped: 0 of 1 slots have moved."), "{run:?}");
    }
    manage(&["fix", &known, forced], "").success();
    cluster.restart(victim);
    cluster.wait_until_ok();
    assert_nothing_lost(&cluster, step);
    let said = manage(&["fix", &known], "").success();
    let said = said + &manage(&["check", &known], "").success();
    assert_in_order(&said, &IN_ORDER);
    assert_nothing_lost(&cluster, step);
}

#[test]
fn the_target_dies_when_the_slot_is_open() {
    node_killed(2, 2);
}

#[test]
fn the_target_dies_between_keys() {
    node_killed(5, 2);
}

#[test]
fn the_target_dies_when_it_has_all_keys() {
    node_killed(9, 2);
}

#[test]
fn the_source_dies_between_keys() {
    node_killed(5, 0);
}

#[test]
fn the_source_dies_when_it_is_to_give_the_slot_up() {
    node_killed(10, 0);
}
