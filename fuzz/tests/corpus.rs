//! Runs each target on its corpus and on mutations of it from a fixed seed.

use std::fs;
use std::path::Path;

/// Enough to take a second or two; longer runs are for libFuzzer.
const MUTATIONS: usize = 20_000;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

fn run(name: &str, target: fn(&[u8])) {
    run_times(MUTATIONS, name, target);
}

fn run_times(mutations: usize, name: &str, target: fn(&[u8])) {
    let seeds = corpus(name);
    assert!(!seeds.is_empty());
    for seed in &seeds {
        target(seed);
    }
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..mutations {
        let mut data = random.choice(&seeds).expect("a seed").clone();
        for _ in 0..random.usize(1..4) {
            mutate(&mut data, &seeds, &mut random);
        }
        target(&data);
    }
}

fn mutate(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut fastrand::Rng) {
    let at = random.usize(..=data.len());
    match random.u8(..5) {
        0 if at < data.len() => data[at] = random.u8(..),
        1 if at < data.len() => data[at] ^= 1 << random.u8(..8),
        2 => data.truncate(at),
        3 => data.insert(at, *random.choice(b"*$\r\n\"'\\0189- \x00".as_slice()).expect("a byte")),
        _ => {
            let other = random.choice(seeds).expect("a seed");
            let from = random.usize(..=other.len());
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
    }
}

#[test]
fn requests() {
    run("requests", dunlin_fuzz::requests);
}

#[test]
fn config_file() {
    run("config_file", dunlin_fuzz::config_file);
}

#[test]
fn manifest() {
    run("manifest", dunlin_fuzz::manifest);
}

#[test]
fn command_log() {
    run("command_log", dunlin_fuzz::command_log);
}

#[test]
fn snapshot() {
    // Each holds many keys.
    run_times(MUTATIONS / 20, "snapshot", dunlin_fuzz::snapshot);
}

#[test]
fn arriving_snapshot() {
    run_times(MUTATIONS / 20, "snapshot", dunlin_fuzz::arriving_snapshot);
}

#[test]
fn payload() {
    run("payload", dunlin_fuzz::payload);
}

#[test]
fn cluster_bus() {
    // Each goes through a whole cluster.
    run_times(MUTATIONS / 100, "cluster_bus", dunlin_fuzz::cluster_bus);
}

#[test]
fn nodes_conf() {
    run("nodes_conf", dunlin_fuzz::nodes_conf);
}
