//! Messages to the system's log, over its socket.
//!
//! Source: RFC 3164, as local daemons listen on `/dev/log`.

use std::os::unix::net::UnixDatagram;

use dunlin_config::{LogLevel, SyslogFacility};
use dunlin_reactor::LocalTime;

use crate::log::MONTHS;

const SOCKET: &str = "/dev/log";

pub(crate) struct Syslog {
    ident: String,
    facility: u8,
    socket: Option<UnixDatagram>,
}

const fn facility_number(facility: SyslogFacility) -> u8 {
    match facility {
        SyslogFacility::User => 1,
        SyslogFacility::Local0 => 16,
        SyslogFacility::Local1 => 17,
        SyslogFacility::Local2 => 18,
        SyslogFacility::Local3 => 19,
        SyslogFacility::Local4 => 20,
        SyslogFacility::Local5 => 21,
        SyslogFacility::Local6 => 22,
        SyslogFacility::Local7 => 23,
    }
}

/// Warning, notice, info, debug.
const fn severity(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 7,
        LogLevel::Verbose => 6,
        LogLevel::Notice => 5,
        LogLevel::Warning | LogLevel::Nothing => 4,
    }
}

impl Syslog {
    pub(crate) fn new(ident: &str, facility: SyslogFacility) -> Self {
        let socket = UnixDatagram::unbound().ok();
        if let Some(socket) = &socket {
            // A message that would wait is lost rather than stopping the server.
            let _ = socket.set_nonblocking(true);
        }
        Self { ident: ident.to_owned(), facility: facility_number(facility), socket }
    }

    /// Sends a message; one that cannot be delivered is lost, as with syslog(3).
    pub(crate) fn send(&self, level: LogLevel, pid: u32, time: &LocalTime, message: &str) {
        if let Some(socket) = &self.socket {
            let _ = socket.send_to(self.packet(level, pid, time, message).as_bytes(), SOCKET);
        }
    }

    fn packet(&self, level: LogLevel, pid: u32, time: &LocalTime, message: &str) -> String {
        let priority = self.facility * 8 + severity(level);
        let month = MONTHS.get(usize::from(time.month).wrapping_sub(1)).unwrap_or(&"Jan");
        let LocalTime { day, hour, minute, second, .. } = time;
        let ident = &self.ident;
        format!(
            "<{priority}>{month} {day:2} {hour:02}:{minute:02}:{second:02} {ident}[{pid}]: {message}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_priority_time_and_name() {
        let time = LocalTime { year: 2026, month: 2, day: 5, hour: 1, minute: 2, second: 3 };
        let syslog = Syslog::new("redis", SyslogFacility::Local0);
        let packet = syslog.packet(LogLevel::Notice, 42, &time, "hello");
        assert_eq!(packet, "<133>Feb  5 01:02:03 redis[42]: hello");
    }
}
