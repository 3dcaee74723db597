//! A last word before a fatal signal ends the process.

#![allow(unsafe_code)] // signal handlers; see `report_crashes`

use std::sync::OnceLock;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// What to do when a fatal signal arrives. Runs in the signal handler: it may write to files
/// and nothing else; no allocation, no locks.
pub type CrashReport = fn(Signal);

static REPORT: OnceLock<CrashReport> = OnceLock::new();

/// The signals that mean a bug: a report is written, then the system's default action follows.
const FATAL: [Signal; 5] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT];

/// Lets `report` run when one of the fatal signals arrives. Only the first call counts.
///
/// # Errors
/// The system refuses a handler.
pub fn report_crashes(report: CrashReport) -> nix::Result<()> {
    if REPORT.set(report).is_err() {
        return Ok(());
    }
    // RESETHAND gives the second signal its default action, NODEFER lets it be raised from the
    // handler, ONSTACK uses the stack that std provides for overflows of the normal one.
    let flags = SaFlags::SA_RESETHAND | SaFlags::SA_NODEFER | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::Handler(handle), flags, SigSet::empty());
    for signal in FATAL {
        // SAFETY: `handle` only calls what a signal handler may: a `fn` that promises the same
        // (see `CrashReport`), and raise(2).
        unsafe { sigaction(signal, &action)? };
    }
    Ok(())
}

extern "C" fn handle(number: libc::c_int) {
    let Ok(signal) = Signal::try_from(number) else { return };
    if let Some(report) = REPORT.get() {
        report(signal);
    }
    let _ = nix::sys::signal::raise(signal);
}
