//! Ports that no other test has.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The lowest port that tests use, and how many follow it. Together with the bus ports of a
/// cluster's nodes they end below the range from which Linux takes the ports of outgoing
/// connections, and no port is the bus port of another one.
const PORT_FIRST: u32 = 12_000;
const PORT_COUNT: u32 = 10_000;
const BUS_PORT_OFFSET: u16 = 10_000;

/// Locks on the ports that this process has taken. The system lets go of them when it ends, however
/// it ends.
static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port that nothing listens on, with a bus port (10,000 above) that nothing listens on either.
/// Nobody else who asks here gets it as long as this process lives: between this call and the start
/// of the server that will listen there is time for another test to look.
///
/// # Panics
/// When all are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes run side by side: each starts looking at another place.
    let start = std::process::id().wrapping_mul(7919);
    for _ in 0..PORT_COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORT_FIRST + start.wrapping_add(step) % PORT_COUNT;
        let port = u16::try_from(port).expect("the range ends below 65536");
        if take(port) {
            return port;
        }
    }
    panic!("no free port from {PORT_FIRST} on");
}

/// The first of so many ports in a row, each as [`free_port`] gives it.
///
/// # Panics
/// When there is no such row.
pub fn free_ports(count: u16) -> u16 {
    let mut first = free_port();
    let mut taken = 1;
    for _ in 0..PORT_COUNT {
        if taken == count {
            return first;
        }
        let next = free_port();
        (first, taken) = if next == first + taken { (first, taken + 1) } else { (next, 1) };
    }
    panic!("no {count} free ports in a row");
}

/// Takes a port for this process, unless somebody has it.
fn take(port: u16) -> bool {
    let Some(lock) = lock(port) else { return false };
    let is_free = [port, port + BUS_PORT_OFFSET]
        .iter()
        .all(|&port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok());
    if is_free {
        TAKEN.lock().expect("nobody panics with it").push(lock);
    }
    is_free
}

/// The lock of a port, unless another process has it.
fn lock(port: u16) -> Option<File> {
    let path = folder().join(port.to_string());
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.try_lock().ok()?;
    Some(file)
}

/// Where the locks lie: one folder for each user.
fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dunlin-ports-{}", nix::unistd::geteuid()));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let ports: Vec<u16> = (0..20).map(|_| free_port()).collect();
        for (index, port) in ports.iter().enumerate() {
            assert!(!ports[..index].contains(port), "{ports:?}");
            assert!(lock(*port).is_none(), "{port} could be taken twice");
        }
    }

    #[test]
    fn ports_in_a_row() {
        let first = free_ports(4);
        assert!((first..first + 4).all(|port| lock(port).is_none()));
    }
}
