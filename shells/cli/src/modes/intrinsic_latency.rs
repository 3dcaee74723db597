//! `--intrinsic-latency`: how long this machine keeps a busy program waiting.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use super::{Interrupt, Output, Stopped};

/// Steps of one run: some microseconds of work that no system call interrupts.
const STEPS: u64 = 1000;

/// Works for `duration` and tells how long runs took.
pub(super) fn run(duration: Duration) -> Result<(), Stopped> {
    let (interrupt, mut out) = (Interrupt::new(), Output::new());
    let begin = Instant::now();
    let (mut longest, mut runs) = (0, 0u64);
    loop {
        let start = Instant::now();
        work();
        let elapsed = start.elapsed().as_micros();
        runs += 1;
        if elapsed == 0 {
            continue;
        }
        if elapsed > longest {
            longest = elapsed;
            writeln!(out, "Max latency so far: {longest} microseconds.")?;
            out.flush()?;
        }
        if interrupt.is_pressed() || begin.elapsed() > duration {
            break;
        }
    }
    let average = begin.elapsed().as_micros() as f64 / runs as f64;
    writeln!(
        out,
        "\n{runs} total runs (avg latency: {average:.4} microseconds / {:.2} nanoseconds per run).",
        average * 1e3
    )?;
    let times = longest as f64 / average;
    writeln!(out, "Worst run took {times:.0}x longer than the average latency.")?;
    Ok(out.flush()?)
}

fn work() {
    let mut value = black_box(1u64);
    for step in 0..STEPS {
        value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step));
    }
    black_box(value);
}
