//! What the facts mean for a server.

use super::facts::{Clock, Disk, Facts, Port, PortState, Process};
use crate::scripts::quoted;

/// The accept queue that a server asks for (`tcp-backlog`).
const BACKLOG: u64 = 511;
/// `maxclients`, and the files that a server needs beside its clients.
const CLIENTS: u64 = 10_000;
const OTHER_FILES: u64 = 32;
/// What guides allow.
const FILES_WANTED: u64 = 65_535;
/// Bus ports are so much higher.
const BUS_PORT_OFFSET: u16 = 10_000;
/// A clock read slower than this costs a noticeable part of a request.
const SLOW_CLOCK_NS: u64 = 500;
/// A clock that moves so far while we look for a moment does not run but jump.
const STEP_MS: f64 = 5.0;
/// Less than this fills up before anybody looks.
const FREE_BYTES_MIN: u64 = 1 << 30;
const GIB: f64 = (1_u64 << 30) as f64;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// Worth knowing, nothing to do.
    Note,
    /// Something does not work, or not well.
    Problem,
}

impl Level {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) text: String,
    /// The command that mends it.
    pub(super) fix: Option<String>,
}

impl Finding {
    fn new(check: &'static str, level: Level, text: String) -> Self {
        Self { check, level, text, fix: None }
    }

    fn fix(self, command: impl Into<String>) -> Self {
        Self { fix: Some(command.into()), ..self }
    }
}

/// All findings. What the system does not tell is left out.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(facts.somaxconn.map(|value| queue("somaxconn", "net.core.somaxconn", value)));
    let name = "net.ipv4.tcp_max_syn_backlog";
    findings.extend(facts.syn_backlog.map(|value| queue("syn-backlog", name, value)));
    findings.extend(facts.files.map(|(_, most)| files(most)));
    findings.extend(facts.overcommit.map(overcommit));
    findings.extend(facts.huge_pages.as_deref().map(huge_pages));
    facts.ports.iter().for_each(|port| findings.extend(ports(port)));
    findings.extend(clock(&facts.clock));
    findings.extend(disk(&facts.disk, facts.memory_bytes));
    findings
}

/// A queue of connections that are to be accepted.
fn queue(check: &'static str, name: &str, value: u64) -> Finding {
    if value >= BACKLOG {
        return Finding::new(check, Level::Ok, format!("{name} is {value}"));
    }
    let text = format!(
        "{name} is {value}, less than the {BACKLOG} that a server asks for: when many clients \
         connect at once, some wait a second or more"
    );
    Finding::new(check, Level::Problem, text).fix(format!("sysctl -w {name}={BACKLOG}"))
}

fn files(most: u64) -> Finding {
    let needed = CLIENTS + OTHER_FILES;
    if most >= needed {
        let text = format!("a process may open {most} files; a server raises its own limit");
        return Finding::new("files", Level::Ok, text);
    }
    let clients = most.saturating_sub(OTHER_FILES);
    let text = format!(
        "a process may open {most} files, which is enough for {clients} clients, not for the \
         {CLIENTS} of 'maxclients'. The limit stays with 'nofile {FILES_WANTED}' in \
         /etc/security/limits.conf, for services with LimitNOFILE={FILES_WANTED} in the unit"
    );
    Finding::new("files", Level::Problem, text).fix(format!("ulimit -Hn {FILES_WANTED}"))
}

fn overcommit(value: u64) -> Finding {
    const UNNEEDED: &str = "guides set it to 1 because Redis forks to save; dunlin never forks";
    let text = format!("vm.overcommit_memory is {value}: {UNNEEDED}");
    if value == 2 {
        let text = format!(
            "{text}, but with 2 the system refuses memory that is there, and a server that grows \
             cannot go on"
        );
        return Finding::new("overcommit", Level::Problem, text)
            .fix("sysctl -w vm.overcommit_memory=0");
    }
    Finding::new("overcommit", if value == 1 { Level::Ok } else { Level::Note }, text)
}

fn huge_pages(value: &str) -> Finding {
    let chosen = value.split(['[', ']']).nth(1).unwrap_or(value);
    let text = format!(
        "transparent huge pages are '{chosen}': nothing to do, dunlin never forks and switches \
         them off for itself"
    );
    Finding::new("huge-pages", if chosen == "always" { Level::Note } else { Level::Ok }, text)
}

fn ports(port: &Port) -> Vec<Finding> {
    let number = port.port;
    let mut findings = vec![one_port("port", &format!("port {number}"), number, &port.state)];
    match &port.bus {
        Some(state) => {
            let bus = number + BUS_PORT_OFFSET;
            let name = format!("bus port {bus} (of {number}, needed in a cluster)");
            findings.push(one_port("bus-port", &name, bus, state));
        }
        None => {
            let most = u16::MAX - BUS_PORT_OFFSET;
            let text = format!(
                "port {number} has no bus port, which is {BUS_PORT_OFFSET} higher: a server of a \
                 cluster needs a port up to {most}, or 'cluster-port'"
            );
            findings.push(Finding::new("bus-port", Level::Note, text));
        }
    }
    findings
}

fn one_port(check: &'static str, name: &str, number: u16, state: &PortState) -> Finding {
    match state {
        PortState::Free => Finding::new(check, Level::Ok, format!("{name} is free")),
        PortState::Refused(why) => {
            let text = format!("{name} cannot be used: {why}");
            let finding = Finding::new(check, Level::Problem, text);
            if number < 1024 {
                finding.fix(format!("sysctl -w net.ipv4.ip_unprivileged_port_start={number}"))
            } else {
                finding
            }
        }
        PortState::Taken(Some(process)) if is_server(&process.name) => {
            let Process { pid, name: program } = process;
            let text = format!("{name} belongs to a server that runs: {program}, pid {pid}");
            Finding::new(check, Level::Note, text)
        }
        PortState::Taken(Some(Process { pid, name: program })) => {
            let text = format!("{name} is taken by {program}, pid {pid}");
            Finding::new(check, Level::Problem, text).fix(format!("kill {pid}"))
        }
        PortState::Taken(None) => {
            let text = format!("{name} is taken by a process of somebody else");
            let show = format!("ss -ltnp 'sport = :{number}'");
            Finding::new(check, Level::Problem, text).fix(show)
        }
    }
}

fn is_server(name: &str) -> bool {
    ["dunlin", "redis-server", "valkey-server"].iter().any(|server| name.starts_with(server))
}

fn clock(clock: &Clock) -> Vec<Finding> {
    let source = clock.source.as_deref().unwrap_or("unknown");
    let text = format!("clock source {source}, read in {} ns", clock.read_ns);
    let speed = if clock.read_ns < SLOW_CLOCK_NS {
        Finding::new("clock", Level::Ok, text)
    } else {
        let text = format!("{text}, which is a noticeable part of a request");
        let finding = Finding::new("clock", Level::Problem, text);
        let better = ["tsc", "arch_sys_counter", "kvm-clock"].into_iter().find(|better| {
            *better != source && clock.available.split_whitespace().any(|name| name == *better)
        });
        match better {
            Some(better) => finding.fix(format!(
                "echo {better} > /sys/devices/system/clocksource/clocksource0/current_clocksource"
            )),
            None => finding,
        }
    };
    let mut findings = vec![speed];
    if clock.step_ms.abs() >= STEP_MS {
        let text = format!(
            "the time of day has jumped by {:.0} ms just now: keys expire early or late. Elections \
             and timeouts do not depend on it",
            clock.step_ms
        );
        // Both are told to move the clock slowly.
        findings.push(
            Finding::new("clock-steps", Level::Problem, text)
                .fix("systemctl restart systemd-timesyncd || systemctl restart chronyd"),
        );
    }
    findings
}

fn disk(disk: &Disk, memory_bytes: Option<u64>) -> Vec<Finding> {
    let dir = disk.dir.display().to_string();
    let mut findings = Vec::new();
    match &disk.error {
        Some(why) => findings.push(
            Finding::new(
                "directory",
                Level::Problem,
                format!("no file can be made in {dir}: {why}"),
            )
            .fix(format!("install -d -o \"$USER\" {}", quoted(&dir))),
        ),
        None => {
            findings.push(Finding::new("directory", Level::Ok, format!("{dir} can be written to")));
        }
    }
    let Some(free) = disk.free_bytes else { return findings };
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / GIB);
    let text = format!("{} are free in {dir}", gib(free));
    findings.push(match memory_bytes {
        _ if free < FREE_BYTES_MIN => {
            let text = format!("{text}: snapshots and logs will not fit for long");
            Finding::new("disk", Level::Problem, text).fix(format!("df -h {}", quoted(&dir)))
        }
        Some(memory) if free < memory => {
            let memory = gib(memory);
            let text = format!(
                "{text}, less than the {memory} of memory: a full server may not be able to save"
            );
            Finding::new("disk", Level::Note, text)
        }
        _ => Finding::new("disk", Level::Ok, text),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine without a fault.
    fn machine() -> Facts {
        Facts {
            somaxconn: Some(4096),
            syn_backlog: Some(512),
            files: Some((1024, 1_048_576)),
            overcommit: Some(1),
            huge_pages: Some("always [madvise] never".to_owned()),
            memory_bytes: Some(8 << 30),
            ports: vec![Port { port: 6379, state: PortState::Free, bus: Some(PortState::Free) }],
            clock: Clock {
                source: Some("tsc".to_owned()),
                available: "tsc hpet acpi_pm".to_owned(),
                read_ns: 25,
                step_ms: 0.01,
            },
            disk: Disk { dir: "/data".into(), error: None, free_bytes: Some(100 << 30) },
        }
    }

    /// What is not in order with a machine: `level check: text [fix]`.
    fn complaints(change: impl FnOnce(&mut Facts)) -> Vec<String> {
        let mut facts = machine();
        change(&mut facts);
        let findings = judge(&facts);
        let bad = findings.iter().filter(|finding| finding.level != Level::Ok);
        bad.map(|finding| {
            let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!(" [{fix}]"));
            format!("{} {}: {}{fix}", finding.level.name(), finding.check, finding.text)
        })
        .collect()
    }

    /// The one complaint, which holds these parts.
    #[track_caller]
    fn one(change: impl FnOnce(&mut Facts), parts: &[&str]) {
        let complaints = complaints(change);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        parts
            .iter()
            .for_each(|part| assert!(complaints[0].contains(part), "{part}: {complaints:?}"));
    }

    #[test]
    fn nothing_is_wrong_with_a_good_machine() {
        assert_eq!(complaints(|_| ()), [""; 0]);
        let checks: Vec<_> = judge(&machine()).iter().map(|finding| finding.check).collect();
        assert_eq!(
            checks,
            [
                "somaxconn",
                "syn-backlog",
                "files",
                "overcommit",
                "huge-pages",
                "port",
                "bus-port",
                "clock",
                "directory",
                "disk"
            ]
        );
    }

    #[test]
    fn what_the_system_does_not_tell_is_left_out() {
        let facts = Facts {
            somaxconn: None,
            syn_backlog: None,
            files: None,
            overcommit: None,
            huge_pages: None,
            memory_bytes: None,
            ports: Vec::new(),
            clock: Clock { source: None, ..machine().clock },
            disk: Disk { free_bytes: None, ..machine().disk },
        };
        assert_eq!(judge(&facts).len(), 2);
    }

    #[test]
    fn limits_of_the_kernel() {
        one(
            |facts| facts.somaxconn = Some(128),
            &["problem somaxconn", "[sysctl -w net.core.somaxconn=511]"],
        );
        one(
            |facts| facts.syn_backlog = Some(510),
            &["problem syn-backlog", "[sysctl -w net.ipv4.tcp_max_syn_backlog=511]"],
        );
        one(
            |facts| facts.files = Some((1024, 4096)),
            &["problem files", "enough for 4064 clients", "[ulimit -Hn 65535]"],
        );
    }

    #[test]
    fn what_guides_tune_and_dunlin_does_not_need() {
        one(|facts| facts.overcommit = Some(0), &["note overcommit", "dunlin never forks"]);
        one(|facts| facts.overcommit = Some(2), &["problem overcommit", "overcommit_memory=0]"]);
        one(
            |facts| facts.huge_pages = Some("[always] madvise never".to_owned()),
            &["note huge-pages: transparent huge pages are 'always': nothing to do"],
        );
    }

    #[test]
    fn ports_that_are_taken() {
        let taken = |name: &str| PortState::Taken(Some(Process { pid: 7, name: name.to_owned() }));
        one(
            |facts| facts.ports[0].state = taken("nginx"),
            &["problem port: port 6379 is taken by nginx, pid 7 [kill 7]"],
        );
        one(
            |facts| facts.ports[0].state = taken("redis-server"),
            &["note port: port 6379 belongs to a server that runs"],
        );
        one(
            |facts| facts.ports[0].bus = Some(PortState::Taken(None)),
            &["problem bus-port: bus port 16379 (of 6379", "[ss -ltnp 'sport = :16379']"],
        );
        one(
            |facts| facts.ports[0] = Port { port: 60_000, state: PortState::Free, bus: None },
            &["note bus-port: port 60000 has no bus port", "up to 55535"],
        );
        one(
            |facts| {
                facts.ports[0].port = 80;
                facts.ports[0].state = PortState::Refused("Permission denied".to_owned());
            },
            &["problem port: port 80 cannot be used: Permission denied", "port_start=80]"],
        );
    }

    #[test]
    fn clocks() {
        one(
            |facts| {
                facts.clock.source = Some("hpet".to_owned());
                facts.clock.read_ns = 900;
            },
            &["problem clock: clock source hpet, read in 900 ns", "[echo tsc > /sys"],
        );
        one(|facts| facts.clock.step_ms = -80.0, &["problem clock-steps", "by -80 ms"]);
    }

    #[test]
    fn disks() {
        one(
            |facts| facts.disk.error = Some("Permission denied".to_owned()),
            &["problem directory: no file can be made in /data: Permission denied"],
        );
        one(|facts| facts.disk.free_bytes = Some(1 << 20), &["problem disk", "[df -h /data]"]);
        one(
            |facts| facts.disk.free_bytes = Some(4 << 30),
            &["note disk: 4.0 GiB are free in /data, less than the 8.0 GiB of memory"],
        );
    }
}
