//! Waiting for a condition with a deadline.

use std::time::{Duration, Instant};

/// How long tests wait for something that should happen at once.
///
/// Generous, because a loaded machine with two cores may stall a process for seconds;
/// it only costs time when a test fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until `condition` holds, asking every few milliseconds.
///
/// # Panics
/// When it does not hold within `deadline`; `what` names the condition.
#[track_caller]
pub fn wait_for(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    wait_some(what, deadline, || condition().then_some(()));
}

/// Waits until `probe` returns a value and hands that on.
///
/// # Panics
/// When it returns `None` until `deadline` has passed; `what` names what was awaited.
#[track_caller]
pub fn wait_some<T>(what: &str, deadline: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < deadline, "waited {deadline:?} in vain for: {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_on_what_the_probe_found() {
        let mut asked = 0;
        let found = wait_some("the third answer", DEADLINE, || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(found, 3);
    }

    #[test]
    #[should_panic(expected = "in vain for: pigs to fly")]
    fn says_what_did_not_happen() {
        wait_for("pigs to fly", Duration::from_millis(5), || false);
    }
}
