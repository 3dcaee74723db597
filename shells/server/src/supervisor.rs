//! Whoever started the process and wants to hear how it goes.

use dunlin_config::Supervised;
use nix::sys::signal::{Signal, raise};
use sd_notify::NotifyState;

use crate::log::Log;

/// The supervisor in charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    None,
    Upstart,
    Systemd,
}

/// Who supervises, by configuration and environment; says so in the log.
pub(crate) fn find(supervised: Supervised, log: &Log) -> Supervisor {
    let has = |variable: &str| std::env::var_os(variable).is_some();
    let found = decide(supervised, has("UPSTART_JOB"), has("NOTIFY_SOCKET"));
    match (supervised, found) {
        (Supervised::Upstart, Supervisor::None) => {
            log.warning("upstart supervision requested, but UPSTART_JOB not found!");
        }
        (Supervised::Systemd, Supervisor::None) => {
            log.warning(
                "systemd supervision requested or auto-detected, but NOTIFY_SOCKET not found!",
            );
        }
        (_, Supervisor::Upstart) => {
            log.notice("supervised by upstart, will stop to signal readiness.");
        }
        (_, Supervisor::Systemd) => {
            log.notice(
                "supervised by systemd. Please make sure you set appropriate values for \
                        TimeoutStartSec and TimeoutStopSec in your service unit.",
            );
        }
        (_, Supervisor::None) => {}
    }
    found
}

fn decide(supervised: Supervised, has_upstart: bool, has_systemd: bool) -> Supervisor {
    match supervised {
        Supervised::Upstart | Supervised::Auto if has_upstart => Supervisor::Upstart,
        Supervised::Systemd | Supervised::Auto if has_systemd => Supervisor::Systemd,
        _ => Supervisor::None,
    }
}

impl Supervisor {
    /// The value of `supervised` that stands for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "no",
            Self::Upstart => "upstart",
            Self::Systemd => "systemd",
        }
    }

    /// The server accepts connections.
    pub(crate) fn ready(self) {
        match self {
            Self::None => {}
            Self::Upstart => {
                let _ = raise(Signal::SIGSTOP);
            }
            Self::Systemd => {
                notify(&[NotifyState::Status("Ready to accept connections"), NotifyState::Ready]);
            }
        }
    }

    /// The server is about to exit.
    pub(crate) fn stopping(self) {
        if self == Self::Systemd {
            notify(&[NotifyState::Stopping]);
        }
    }
}

/// A supervisor that does not listen is not a reason to stop.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_and_configuration_must_agree() {
        assert_eq!(decide(Supervised::No, true, true), Supervisor::None);
        assert_eq!(decide(Supervised::Auto, true, true), Supervisor::Upstart);
        assert_eq!(decide(Supervised::Auto, false, true), Supervisor::Systemd);
        assert_eq!(decide(Supervised::Auto, false, false), Supervisor::None);
        assert_eq!(decide(Supervised::Systemd, true, false), Supervisor::None);
        assert_eq!(decide(Supervised::Upstart, true, false), Supervisor::Upstart);
    }
}
