//! Ctrl-C, and terminals.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use dunlin_testkit::cluster::IN_ORDER;
use dunlin_testkit::process::Process;
use dunlin_testkit::{Cluster, DEADLINE, assert_in_order, wait_for};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;

use crate::run::{assert_filled, fill, finish, manage, ours, stopped_at};

/// The words that move `count` slots from node 0 to node 1.
fn reshard(cluster: &Cluster, count: usize) -> Vec<String> {
    let (known, from, to) = (cluster.address(0), cluster.id(0), cluster.id(1));
    let words = ["reshard", &known, "--cluster-from", &from, "--cluster-to", &to];
    let more = ["--cluster-slots", &count.to_string(), "--cluster-yes"];
    [words.as_slice(), &more].concat().into_iter().map(str::to_owned).collect()
}

/// Slots that are open when Ctrl-C is pressed arrive; the rest stays.
#[test]
fn ctrl_c_leaves_no_slot_open() {
    let cluster = Cluster::builder().start();
    fill(&cluster, 500);
    // Fewer than fill a pipe with what is said about them: nobody reads it before the end.
    let words = reshard(&cluster, 400);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let child = stopped_at(200, &words);
    let process = Process(child.id());
    process.signal(Signal::SIGINT);
    process.signal(Signal::SIGCONT);
    let run = finish(child);
    assert_eq!(run.end, "exit 1", "{run:?}");
    assert!(run.stderr.contains(" of 400 slots have moved.\n*** No slot is left open."), "{run:?}");
    let said = manage(&["check", &cluster.address(0)], "");
    wait_for("the nodes to agree", DEADLINE, || {
        manage(&["check", &cluster.address(0)], "").end == "exit 0"
    });
    assert!(!said.stdout.contains("slots are open"), "{said:?}");
    let moved = cluster.myself(1).slot_count() - 5461;
    assert!((1..400).contains(&moved), "{moved}");
    assert_filled(&cluster, 500);
}

/// On a terminal of 20 columns the bar stays in its line.
#[test]
fn a_narrow_terminal() {
    let cluster = Cluster::builder().start();
    fill(&cluster, 100);
    let size = Winsize { ws_row: 24, ws_col: 20, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).expect("a terminal");
    let mut command = ours("redis-cli");
    let child = command
        .arg("--cluster")
        .args(reshard(&cluster, 1000))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(terminal.slave)
        .spawn()
        .expect("it starts");
    drop(command);
    let (mut drawn, mut buffer) = (Vec::new(), [0; 4096]);
    let mut screen = File::from(terminal.master);
    // It ends with an error when nobody has the other end any more.
    while let Ok(len) = screen.read(&mut buffer) {
        if len == 0 {
            break;
        }
        drawn.extend_from_slice(&buffer[..len]);
    }
    assert_eq!(finish(child).end, "exit 0");
    let drawn = String::from_utf8_lossy(&drawn).into_owned();
    assert!(drawn.contains('%'), "{drawn:?}");
    for line in drawn.split('\r') {
        let text = line.replace("\x1b[K", "");
        assert!(text.chars().count() < 20, "{text:?}");
        assert!(!text.contains('\n'), "{text:?}");
    }
    assert_in_order(&manage(&["check", &cluster.address(0)], "").success(), &IN_ORDER);
}
