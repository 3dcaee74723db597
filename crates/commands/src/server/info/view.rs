//! What the rows of a section look at, and what they give.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use crate::context::Context;
use crate::host::{CpuTimes, ProcessFacts};
use crate::server::memory_overview::MemoryOverview;

/// The server while it tells about itself. What costs something to find out is found out once, and
/// only if a section asks for it.
pub(super) struct View<'a, 'b> {
    pub(super) cx: &'a Context<'b>,
    process: OnceCell<ProcessFacts>,
    cpu: OnceCell<CpuTimes>,
    memory: OnceCell<MemoryOverview>,
}

impl<'a, 'b> View<'a, 'b> {
    pub(super) const fn new(cx: &'a Context<'b>) -> Self {
        Self { cx, process: OnceCell::new(), cpu: OnceCell::new(), memory: OnceCell::new() }
    }

    pub(super) fn process(&self) -> &ProcessFacts {
        self.process.get_or_init(|| self.cx.host.process())
    }

    pub(super) fn cpu(&self) -> CpuTimes {
        *self.cpu.get_or_init(|| self.cx.host.cpu_times())
    }

    pub(super) fn memory(&self) -> &MemoryOverview {
        self.memory.get_or_init(|| MemoryOverview::as_noted(self.cx))
    }

    /// Seconds since the server was made.
    pub(super) fn uptime_seconds(&self) -> u64 {
        self.cx.now.monotonic.since_us(self.cx.metrics.started.monotonic) / 1_000_000
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A count, or a yes (1) or no (0).
    Count(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A ratio or share, shown with two decimals.
    Ratio(f64),
    /// Anything else.
    Text(Cow<'static, str>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Ratio(ratio) => write!(f, "{ratio:.2}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u16> for Value {
    fn from(count: u16) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Count(yes.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Signed(number)
    }
}

impl From<f64> for Value {
    fn from(ratio: f64) -> Self {
        Self::Ratio(ratio)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
