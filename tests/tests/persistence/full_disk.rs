//! A disk that is full: what is refused, what is said, and how it goes on when there is room again.

use std::fs;
use std::path::PathBuf;

use dunlin_testkit::{Client, DEADLINE, Server, ServerBuilder, wait_for};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tempfile::TempDir;

use crate::files::{persistence, wait_for_field};

const DISK_BYTES: usize = 8 * 1024 * 1024;

/// A small disk of its own. Needs root; tests that cannot have one say so and end.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new() -> Option<SmallDisk> {
        let directory = tempfile::Builder::new().prefix("dunlin-disk-").tempdir().expect("made");
        let size = format!("size={DISK_BYTES}");
        let none = MsFlags::empty();
        match mount(Some("tmpfs"), directory.path(), Some("tmpfs"), none, Some(size.as_str())) {
            Ok(()) => Some(SmallDisk(directory)),
            Err(error) => {
                eprintln!("skipped: no small disk can be mounted here ({error})");
                None
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let _ = fs::write(self.path("ballast"), vec![1; 2 * DISK_BYTES]);
    }

    fn make_room(&self) {
        fs::remove_file(self.path("ballast")).expect("removed");
    }

    fn server(&self, config: &str) -> ServerBuilder {
        Server::builder().config(&format!("dir {}\n{config}", self.0.path().display()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(self.0.path(), MntFlags::MNT_DETACH);
    }
}

/// Values that no compression makes small: 1 MB.
fn fill(client: &mut Client) {
    for n in 0..16 {
        let value: String = (0..8192_u64)
            .map(|i| format!("{:08x}", (i + n * 8192).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32))
            .collect();
        assert_eq!(client.show(&format!("SET key:{n} {value}")), "OK");
    }
}

#[test]
fn a_snapshot_that_does_not_fit() {
    let Some(disk) = SmallDisk::new() else { return };
    let server = disk.server("save 3600 100").start();
    let mut client = server.client();
    fill(&mut client);
    assert_eq!(client.show("SAVE"), "OK");
    let before = fs::read(disk.path("dump.rdb")).expect("the snapshot");
    disk.fill();
    assert!(client.show("SAVE").starts_with("(error)"));
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    wait_for_field(&mut client, "rdb_last_bgsave_status", "err");
    assert!(client.show("SET k v").starts_with("(error) MISCONF"));
    assert!(server.log().contains("No space left on device"), "{}", server.log());
    assert!(fs::read(disk.path("dump.rdb")).expect("still there") == before, "it was touched");
    assert_eq!(client.show("CONFIG SET stop-writes-on-bgsave-error no"), "OK");
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show("CONFIG SET stop-writes-on-bgsave-error yes"), "OK");
    disk.make_room();
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    wait_for_field(&mut client, "rdb_last_bgsave_status", "ok");
    assert_eq!(client.show("SET k w"), "OK");
}

/// Writes until one is refused; returns how many were taken, and the refusal.
fn write_until_refused(client: &mut Client) -> (i64, String) {
    let mut taken = 0;
    let mut refusal = String::new();
    wait_for("a refusal", DEADLINE, || {
        let reply = client.cmd("INCR n");
        if reply.is_error() {
            refusal = reply.to_string().trim_start_matches("(error) ").to_owned();
            return true;
        }
        taken = reply.integer();
        false
    });
    (taken, refusal)
}

#[test]
fn an_append_only_file_that_does_not_fit() {
    let Some(disk) = SmallDisk::new() else { return };
    let mut server = disk.server("appendonly yes\nappendfsync everysec").start();
    let mut client = server.client();
    fill(&mut client);
    disk.fill();
    let (taken, refusal) = write_until_refused(&mut client);
    let expected = "MISCONF Errors writing to the AOF file: No space left on device";
    assert!(refusal.starts_with(expected), "{refusal}");
    assert_eq!(persistence(&mut client, "aof_last_write_status"), "err");
    assert_eq!(client.cmd("GET n").text(), taken.to_string(), "reads go on");
    disk.make_room();
    server.wait_for_log("AOF write error looks solved, Redis can write again.");
    wait_for_field(&mut client, "aof_last_write_status", "ok");
    assert_eq!(client.cmd("INCR n").integer(), taken + 1);
    client.send(b"SHUTDOWN\r\n").expect("sent");
    assert_eq!(server.wait_exit(), "exit 0");
    server.start_again();
    assert_eq!(server.client().cmd("GET n").text(), (taken + 1).to_string());
    assert_eq!(server.client().cmd("DBSIZE").integer(), 17);
}

#[test]
fn with_fsync_always_a_full_disk_ends_the_server() {
    let Some(disk) = SmallDisk::new() else { return };
    let mut server = disk.server("appendonly yes\nappendfsync always").start();
    let mut client = server.client();
    fill(&mut client);
    disk.fill();
    let mut taken = 0;
    while let Ok(reply) = client.try_cmd("INCR n") {
        taken = reply.integer();
    }
    assert_eq!(server.wait_exit(), "exit 1");
    assert!(server.log().contains("Can't recover from AOF write error"), "{}", server.log());
    disk.make_room();
    server.start_again();
    let found = server.client().cmd("GET n");
    let found: i64 = if taken == 0 && found.to_string() == "(nil)" {
        0
    } else {
        found.text().parse().expect("a number")
    };
    assert!(found == taken || found == taken + 1, "{found} after {taken}");
    assert_eq!(server.client().cmd("EXISTS key:0 key:15").integer(), 2);
}
