//! MEMORY DOCTOR: what is odd about the use of memory, and what helps.
//!
//! The texts are those of 7.2, which people search the web for.

use super::memory_overview::{Comparison, MemoryOverview};

/// Below this, nothing can be said.
const USED_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// What costs less than this is not worth a word.
const WASTE_BYTES_MIN: i64 = 10 * 1024 * 1024;

/// Memory that a client may take on average.
const CLIENT_BYTES_MAX: u64 = 200 * 1024;

const EMPTY: &str = "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n";

const HEALTHY: &str = "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";

const HEADING: &str = "Sam, I detected a few issues in this Redis instance memory implants:\n\n";

const FAREWELL: &str = "I'm here to keep you safe, Sam. I want to help you.\n";

const PEAK: &str = " * Peak memory: In the past this instance used more than 150% the memory that is currently using. The allocator is normally not able to release memory after a peak, so you can expect to see a big fragmentation ratio, however this is actually harmless and is only due to the memory peak, and if the Redis instance Resident Set Size (RSS) is currently bigger than expected, the memory will be used as soon as you fill the Redis instance with more data. If the memory peak was only occasional and you want to try to reclaim memory, please try the MEMORY PURGE command, otherwise the only other option is to shutdown and restart the instance.\n\n";

const RESIDENT: &str = " * High total RSS: This instance has a memory fragmentation and RSS overhead greater than 1.4 (this means that the Resident Set Size of the Redis process is much larger than the sum of the logical allocations Redis performed). This problem is usually due either to a large peak memory (check if there is a peak memory entry above in the report) or may result from a workload that causes the allocator to fragment memory a lot. If the problem is a large peak memory, then there is no issue. Otherwise, make sure you are using the Jemalloc allocator and not the default libc malloc. Note: The currently used allocator is";

const FRAGMENTATION: &str = " * High allocator fragmentation: This instance has an allocator external fragmentation greater than 1.1. This problem is usually due either to a large peak memory (check if there is a peak memory entry above in the report) or may result from a workload that causes the allocator to fragment memory a lot. You can try enabling 'activedefrag' config option.\n\n";

const ALLOCATOR_RESIDENT: &str = " * High allocator RSS overhead: This instance has an RSS memory overhead is greater than 1.1 (this means that the Resident Set Size of the allocator is much larger than the sum what the allocator actually holds). This problem is usually due to a large peak memory (check if there is a peak memory entry above in the report), you can try the MEMORY PURGE command to reclaim it.\n\n";

const PROCESS_RESIDENT: &str = " * High process RSS overhead: This instance has non-allocator RSS memory overhead is greater than 1.1 (this means that the Resident Set Size of the Redis process is much larger than the RSS the allocator holds). This problem may be due to Lua scripts or Modules.\n\n";

const CLIENTS: &str = " * Big client buffers: The clients output buffers in this instance are greater than 200K per client (on average). This may result from different causes, like Pub/Sub clients subscribed to channels bot not receiving data fast enough, so that data piles on the Redis instance output buffer, or clients sending commands with large replies or very large sequences of commands in the same pipeline. Please use the CLIENT LIST command in order to investigate the issue if it causes problems in your instance, or to understand better why certain clients are using a big amount of memory.\n\n";

/// The report on an overview, for a server with that many clients and that allocator.
pub(super) fn report(memory: &MemoryOverview, clients: usize, allocator: &str) -> String {
    if memory.used < USED_BYTES_MIN {
        return EMPTY.to_owned();
    }
    let resident = format!("{RESIDENT} \"{allocator}\".\n\n");
    let findings = [
        (memory.peak as f64 / memory.used as f64 > 1.5, PEAK),
        (wastes(memory.fragmentation(), 1.4), resident.as_str()),
        (wastes(memory.allocator_fragmentation(), 1.1), FRAGMENTATION),
        (wastes(memory.allocator_resident(), 1.1), ALLOCATOR_RESIDENT),
        (wastes(memory.resident_overhead(), 1.1), PROCESS_RESIDENT),
        (memory.clients / clients.max(1) as u64 > CLIENT_BYTES_MAX, CLIENTS),
    ];
    let found: String =
        findings.iter().filter(|(is_true, _)| *is_true).map(|(_, text)| *text).collect();
    if found.is_empty() { HEALTHY.to_owned() } else { [HEADING, &found, FAREWELL].concat() }
}

fn wastes(comparison: Comparison, ratio_max: f64) -> bool {
    comparison.ratio > ratio_max && comparison.bytes > WASTE_BYTES_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryFigures;

    const MB: u64 = 1024 * 1024;

    fn check(change: impl Fn(&mut MemoryOverview), expected: &[&str]) {
        let figures = MemoryFigures {
            allocated_bytes: 100 * MB,
            active_bytes: 101 * MB,
            resident_bytes: 105 * MB,
            resident_set_bytes: 110 * MB,
            ..MemoryFigures::default()
        };
        let mut memory =
            MemoryOverview { used: 100 * MB, peak: 100 * MB, figures, ..MemoryOverview::default() };
        change(&mut memory);
        let text = report(&memory, 2, "test-1");
        let titles: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix(" * ")?.split_once(':'))
            .map(|(title, _)| title)
            .collect();
        assert_eq!(titles, expected, "{text}");
    }

    #[test]
    fn each_oddity_is_named() {
        check(|_| {}, &[]);
        check(|memory| memory.used = MB, &[]);
        check(|memory| memory.peak = 151 * MB, &["Peak memory"]);
        check(|memory| memory.clients = MB, &["Big client buffers"]);
        check(
            |memory| memory.figures.resident_set_bytes = 150 * MB,
            &["High total RSS", "High process RSS overhead"],
        );
        check(|memory| memory.figures.allocated_bytes = 80 * MB, &["High allocator fragmentation"]);
        check(|memory| memory.figures.active_bytes = 90 * MB, &["High allocator RSS overhead"]);
    }
}
