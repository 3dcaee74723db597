//! Facts about this machine.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;

use super::facts::{Clock, Disk, Facts, Port, PortState, Process};

const BUS_PORT_OFFSET: u16 = 10_000;
/// How long the clocks are watched.
const CLOCK_WATCH: Duration = Duration::from_millis(50);
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0";
/// The state of a socket that listens, in /proc/net/tcp.
const LISTEN: &str = "0A";

/// Looks at the machine.
pub(super) fn facts(ports: &[u16], dir: &Path) -> Facts {
    Facts {
        somaxconn: number("/proc/sys/net/core/somaxconn"),
        syn_backlog: number("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
        files: getrlimit(Resource::RLIMIT_NOFILE).ok(),
        overcommit: number("/proc/sys/vm/overcommit_memory"),
        huge_pages: text("/sys/kernel/mm/transparent_hugepage/enabled"),
        memory_bytes: text("/proc/meminfo").as_deref().and_then(memory_bytes),
        ports: ports.iter().map(|&number| port(number)).collect(),
        clock: clock(),
        disk: disk(dir),
    }
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn number(path: &str) -> Option<u64> {
    text(path)?.parse().ok()
}

/// `MemTotal` of /proc/meminfo.
fn memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn port(number: u16) -> Port {
    let bus = number.checked_add(BUS_PORT_OFFSET);
    Port { port: number, state: port_state(number), bus: bus.map(port_state) }
}

fn port_state(number: u16) -> PortState {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)) {
        Ok(_) => PortState::Free,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            PortState::Taken(listener(number))
        }
        Err(error) => PortState::Refused(describe(&error)),
    }
}

fn describe(error: &io::Error) -> String {
    let known = error.raw_os_error().map(|code| Errno::from_raw(code).desc().to_owned());
    known.unwrap_or_else(|| error.to_string())
}

/// The process that listens on a port, as far as we may look into others.
fn listener(port: u16) -> Option<Process> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = tables.iter().find_map(|table| listening_inode(&text(table)?, port))?;
    let link = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.into_iter().any(|file| {
            fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link.as_str())
        })
    })?;
    Some(Process { pid, name: text(&format!("/proc/{pid}/comm"))? })
}

/// The inode of the socket that listens on a port, in a table like /proc/net/tcp.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    let own = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
        (local.ends_with(&own) && *state == LISTEN).then(|| inode.parse().ok()).flatten()
    })
}

fn clock() -> Clock {
    let (start, day) = (Instant::now(), SystemTime::now());
    let mut reads = 0_u64;
    let mut elapsed = Duration::ZERO;
    while elapsed < CLOCK_WATCH {
        elapsed = start.elapsed();
        reads += 1;
    }
    let moved = match SystemTime::now().duration_since(day) {
        Ok(forward) => forward.as_secs_f64(),
        Err(back) => -back.duration().as_secs_f64(),
    };
    Clock {
        source: text(&format!("{CLOCK_SOURCE}/current_clocksource")),
        available: text(&format!("{CLOCK_SOURCE}/available_clocksource")).unwrap_or_default(),
        read_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX) / reads,
        step_ms: (moved - start.elapsed().as_secs_f64()) * 1_000.0,
    }
}

fn disk(dir: &Path) -> Disk {
    // Some systems count blocks in 32 bits.
    #[allow(clippy::useless_conversion)]
    let free_bytes = statvfs(dir).ok().and_then(|found| {
        u64::from(found.blocks_available()).checked_mul(u64::from(found.fragment_size()))
    });
    Disk { dir: dir.to_owned(), error: try_to_write(dir).err().map(|e| describe(&e)), free_bytes }
}

/// Makes a file and removes it again.
fn try_to_write(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!(".dunlin-doctor-{}", std::process::id()));
    fs::File::create_new(&path)?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_kernel() {
        let meminfo = "MemTotal:        8041820 kB\nMemFree: 1 kB\n";
        assert_eq!(memory_bytes(meminfo), Some(8_041_820 * 1024));
        assert_eq!(memory_bytes("MemTotal: x"), None);
        let table = "  sl  local_address rem_address   st tx_queue\n\
            0: 0100007F:18EB 00000000:0000 01 00000000:00000000 00:00000000 00000000 0 0 11 1\n\
            1: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12 1\n\
            2: short\n";
        assert_eq!(listening_inode(table, 6379), Some(12));
        assert_eq!(listening_inode(table, 6380), None);
    }

    #[test]
    fn our_own_listener_is_found() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        match port_state(port) {
            PortState::Taken(Some(process)) => assert_eq!(process.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn this_machine_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let facts = facts(&[65_000], dir.path());
        assert_eq!(facts.ports[0].bus, None);
        assert_eq!(facts.disk.error, None);
        assert!(facts.disk.free_bytes.is_some() && facts.files.is_some());
        assert!(facts.clock.read_ns < 1_000_000);
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 0);
        let missing = disk(&dir.path().join("missing"));
        assert_eq!(missing.error.as_deref(), Some("No such file or directory"));
    }
}
