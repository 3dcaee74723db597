//! Files exchanged with a real Redis, both ways: equal contents, key by key.

use std::fs;
use std::path::Path;

use dunlin_testkit::{Server, ServerBuilder};

use crate::dataset::{assert_same, commands, fill, picture};
use crate::files::{names, rewrite, shut_down};

/// Both directions: who writes, who reads.
fn directions() -> [(&'static str, ServerBuilder, ServerBuilder); 2] {
    let reference = || Server::reference().expect("redis-server is needed: ./test installs it");
    [
        ("ours to theirs", Server::builder(), reference()),
        ("theirs to ours", reference(), Server::builder()),
    ]
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).expect("copied");
    }
}

#[test]
fn snapshots() {
    for (direction, writer, reader) in directions() {
        let writer = writer.start();
        let mut client = writer.client();
        fill(&mut client);
        let before = picture(&mut client);
        assert_eq!(client.show("SAVE"), "OK");
        fs::copy(writer.dir().join("dump.rdb"), reader.dir().join("dump.rdb")).expect("copied");
        let reader = reader.start();
        assert_same(&picture(&mut reader.client()), &before, direction);
    }
}

#[test]
fn append_only_files() {
    for preamble in ["yes", "no"] {
        for (direction, writer, reader) in directions() {
            let config = format!("appendonly yes\naof-use-rdb-preamble {preamble}");
            let mut writer = writer.config(&config).config("aof-timestamp-enabled yes").start();
            let mut client = writer.client();
            // Half of each value lies in the base, half in the incremental file.
            fill(&mut client);
            rewrite(&mut client);
            for command in commands() {
                client.cmd(&command);
            }
            for command in ["MULTI", "SET in a-transaction", "INCR small-integer", "EXEC"] {
                client.cmd(command);
            }
            let before = picture(&mut client);
            shut_down(&mut writer);
            let directory = "appendonlydir";
            copy_directory(&writer.dir().join(directory), &reader.dir().join(directory));
            let mut reader = reader.config(&config).start();
            let what = format!("{direction}, preamble {preamble}");
            assert_same(&picture(&mut reader.client()), &before, &what);
            // And it is gone on with.
            assert_eq!(reader.client().show("SET another one"), "OK");
            rewrite(&mut reader.client());
            let before = picture(&mut reader.client());
            reader.kill();
            reader.start_again();
            assert_same(&picture(&mut reader.client()), &before, &what);
        }
    }
}

#[test]
fn one_file_of_old_times() {
    for (direction, writer, reader) in directions() {
        let writer = writer.start();
        let mut client = writer.client();
        fill(&mut client);
        let before = picture(&mut client);
        assert_eq!(client.show("SAVE"), "OK");
        // As Redis 4 to 6 wrote it: a snapshot, then commands, in one file.
        let mut file = fs::read(writer.dir().join("dump.rdb")).expect("the snapshot");
        file.extend_from_slice(
            b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$4\r\ntail\r\n",
        );
        fs::write(reader.dir().join("appendonly.aof"), file).expect("written");
        let reader = reader.config("appendonly yes").start();
        assert_same(&picture(&mut reader.client()), &before, direction);
    }
}

#[test]
fn serialized_values() {
    let ours = Server::start();
    let theirs = Server::reference().expect("redis-server is needed").start();
    for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
        let (mut from, mut to) = (from.client(), to.client());
        from.cmd("FLUSHALL");
        to.cmd("FLUSHALL");
        fill(&mut from);
        for database in [0, 3, 15] {
            from.cmd(&format!("SELECT {database}"));
            to.cmd(&format!("SELECT {database}"));
            for key in from.cmd("KEYS *").items() {
                let deadline = from.call::<&[u8]>(&[b"PEXPIRETIME", key.bytes()]).integer().max(0);
                let value = from.call::<&[u8]>(&[b"DUMP", key.bytes()]);
                let deadline = deadline.to_string();
                let restore =
                    [b"RESTORE", key.bytes(), deadline.as_bytes(), value.bytes(), b"ABSTTL"];
                assert_eq!(to.call(&restore).to_string(), "OK", "{key}");
            }
        }
        assert_same(&picture(&mut to), &picture(&mut from), "restored");
    }
}
