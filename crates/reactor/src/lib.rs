//! Event loop: moves bytes between sockets and the buffers of a [`Service`], and nothing else.
//!
//! One [`Reactor`] turns on one thread. A turn is, in this order:
//!
//! 1. wait for readiness, at most until the service's next deadline;
//! 2. read both clocks once and tell the service ([`Service::begin_turn`]);
//! 3. accept, up to a limit per listener;
//! 4. read once from each readable connection, straight into the spare capacity of the `Vec<u8>`
//!    that the service lends ([`Service::input`]), and let it run what has arrived;
//! 5. write once to each connection that has output: all replies of a turn leave together;
//! 6. run due timers, write what they produced, and carry out what the service asks for
//!    ([`Action`], [`Connect`]).
//!
//! [`Service`] is also the seam for another way of moving bytes: it lends buffers and is told how
//! many bytes arrived or left, so a completion backend (`io_uring`) can drive the same service.
//! The driver here is readiness over `mio` (epoll, kqueue), edge-triggered: interest is set once
//! per connection, so a request costs one read, one write and its share of a wait.
//!
//! The crate knows no protocol. Invariants:
//!
//! - A [`ConnectionId`] belongs to the reactor from [`Service::accept`] or [`Connect`] until
//!   [`Service::handle_end`] or the [`Action::Close`] that the service asked for; both happen
//!   before the next accept, so an id can be used again at once.
//! - No allocation and no change of interest per turn or request.
//! - A readable connection that is not read (paused, or more than fits) is remembered here: an
//!   edge is never lost.
//!
//! Being the one crate that meets the operating system and may use unsafe code, it also has the
//! few calls of the process that need it: [`CommandLineArea`] (process title), [`local_time()`],
//! [`report_crashes`], [`begin_writeback`]. Unsafe code is confined to those files.

mod clock;
mod command_line;
mod connections;
mod crash;
mod event_loop;
mod listen;
mod local_time;
mod outbound;
mod resolve;
mod service;
mod stream;
mod writeback;

pub use clock::CycleClock;
pub use command_line::CommandLineArea;
pub use crash::{CrashReport, report_crashes};
pub use event_loop::{Flow, Reactor, Waker, multiplexing_api};
pub use listen::{BindFailure, ListenerControl, ListenerTag, TcpBind, UnixBind};
pub use local_time::{LocalTime, local_time};
pub use outbound::{Connect, Connected};
pub use service::{
    Accepted, Action, Address, Admission, ConnectionId, EndReason, OutputQueue, Refusal, Service,
};
pub use writeback::begin_writeback;

/// What the operating system calls an error, without Rust's `(os error N)`.
///
/// Texts that reach a log or a client are compared by people and tests with what other servers
/// print, and those print `strerror`.
#[must_use]
pub fn os_error_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
