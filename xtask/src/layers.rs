//! `cargo xtask layers`: arrows between crates only point downward.
//!
//! The layers are those of ARCHITECTURE.md. A crate may depend on crates of lower layers
//! and, whatever its layer, on `stdx`. What stands outside the layers (`xtask`, the
//! end-to-end tests) may depend on everything, and nothing may depend on it.

use std::process::Command;

use serde_json::Value;

/// Every crate that may exist, lowest layer first, by the name of its directory.
const LAYERS: &[&[&str]] = &[
    &["stdx", "resp", "slots", "table", "spec"],
    &[
        "values",
        "config",
        "metrics",
        "migrate",
        "acl",
        "aof",
        "client",
        "replication",
        "cluster",
        "sentinel",
        "script",
        "reactor",
        "tls",
    ],
    &["keyspace", "rdb", "manager", "session"],
    &["persistence"],
    &["commands"],
    &["engine", "router"],
    &["node"],
    &["sim", "testkit"],
    &["server", "cli", "proxy", "bench", "tools"],
    &["dunlin"],
];

/// Packages without a layer.
const OUTSIDE: &[&str] = &["xtask", "tests"];

/// Only tests and chores may depend on these, and never as a part of the program.
const TESTS_ONLY: &[&str] = &["testkit", "sim"];

/// Checks the workspace.
///
/// # Errors
/// One line for each arrow that breaks the rule.
pub(crate) fn check() -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("metadata: {error}"))?;
    let wrong: Vec<String> =
        arrows(&metadata).iter().filter_map(|(from, to)| objection(from, to)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The arrows between our own crates, without those that only tests have.
fn arrows(metadata: &Value) -> Vec<(String, String)> {
    let mut arrows = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = short(package["name"].as_str().unwrap_or_default());
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let ours = dependency["path"].is_string();
            if ours && dependency["kind"].as_str() != Some("dev") {
                let to = short(dependency["name"].as_str().unwrap_or_default());
                arrows.push((from.to_owned(), to.to_owned()));
            }
        }
    }
    arrows
}

fn short(package: &str) -> &str {
    package.strip_prefix("dunlin-").unwrap_or(package)
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// What is wrong with an arrow, if anything.
fn objection(from: &str, to: &str) -> Option<String> {
    if OUTSIDE.contains(&from) {
        return None;
    }
    if TESTS_ONLY.contains(&to) {
        return Some(format!("{from} -> {to}: {to} is for tests only (a dev-dependency)"));
    }
    let Some(above) = layer(from) else {
        return Some(format!("{from} has no layer: add it to xtask/src/layers.rs"));
    };
    let Some(below) = layer(to) else {
        return Some(format!("{from} -> {to}: {to} stands outside the layers"));
    };
    let allowed = below < above || (to == "stdx" && from != "stdx");
    (!allowed).then(|| format!("{from} (layer {above}) -> {to} (layer {below}): not downward"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_downward() {
        for (from, to, allowed) in [
            ("values", "table", true),
            ("resp", "stdx", true),
            ("commands", "values", true),
            ("table", "values", false),
            ("resp", "slots", false),
            ("stdx", "resp", false),
            ("engine", "node", false),
            ("node", "testkit", false),
            ("tests", "testkit", true),
            ("xtask", "commands", true),
            ("newcomer", "stdx", false),
            ("values", "xtask", false),
        ] {
            assert_eq!(objection(from, to).is_none(), allowed, "{from} -> {to}");
        }
    }

    #[test]
    fn arrows_of_tests_do_not_count() {
        let metadata = serde_json::json!({"packages": [{"name": "dunlin-node", "dependencies": [
            {"name": "dunlin-engine", "path": "/e", "kind": null},
            {"name": "dunlin-testkit", "path": "/t", "kind": "dev"},
            {"name": "bytes", "kind": null},
        ]}]});
        assert_eq!(arrows(&metadata), [("node".to_owned(), "engine".to_owned())]);
    }
}
