//! `--eval` and the debugger, on a server that runs scripts: the real one.

use std::fs;

use dunlin_testkit::ServerBuilder;
use dunlin_testkit::server::reference_program;

use crate::peers::check_same;

const SCRIPT: &str = "\
local set = redis.call('set', KEYS[1], ARGV[1])
local value = redis.call('get', KEYS[1])
redis.breakpoint()
return {value, set, #ARGV}
";

/// What is typed while a script is debugged.
const TYPED: [&str; 7] = [
    "",
    "help\n",
    "s\nprint\ne redis.call('ping')\neval return {1, 'a b'}\nb 3\nlist\nc\nc\nget key\nping\n",
    "n\nn\np value\nrestart\nc\nc\nget key\n",
    "abort\nget key\n",
    "redis set other 1\nquit\nget key\n",
    "w\ntrace\nmaxlen 3\ne 'long text'\nc\n",
];

#[test]
fn scripts_are_run_and_debugged() {
    let program = reference_program().expect("redis-server is needed: ./test installs it");
    let server = ServerBuilder::new(&program).start();
    let file = |name: &str, text: &str| {
        let path = server.dir().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (good, bad) = (file("good.lua", SCRIPT), file("bad.lua", "this is no script ("));
    let port = server.port().to_string();
    for args in [
        &["--eval", &good, "key", ",", "value", "more"][..],
        &["--no-raw", "--eval", &good, "key", ",", "value"],
        &["-3", "--csv", "--eval", &good, "key", ",", "value"],
        &["--eval", &good],
        &["--eval", &bad],
        &["-e", "--eval", &bad],
        &["--ldb", "--eval", &bad],
    ] {
        check_same(&[&["-p", &port], args].concat(), b"");
    }
    for mode in ["--ldb", "--ldb-sync-mode"] {
        for typed in TYPED {
            let args = ["-p", &port, mode, "--eval", &good, "key", ",", "value"];
            check_same(&args, typed.as_bytes());
        }
    }
    let script = b"script debug yes\neval 'return {1, 2}' 0\nc\nget key\nscript debug no\n";
    check_same(&["-p", &port], script);
}
