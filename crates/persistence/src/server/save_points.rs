//! When a snapshot is taken without being asked for.
//!
//! Source: Redis configuration file, "SNAPSHOTTING".

use dunlin_config::SavePoint;

/// How long a failed snapshot is not tried again, in seconds.
const RETRY_SECONDS: u64 = 5;

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SinceSave {
    /// Changes since the last snapshot.
    pub(crate) changes: u64,
    /// Seconds since the last snapshot was completed.
    pub(crate) seconds: u64,
    /// Seconds since the last attempt, if that failed.
    pub(crate) seconds_since_failure: Option<u64>,
}

/// The first save point that is reached.
pub(crate) fn reached(points: &[SavePoint], since: SinceSave) -> Option<SavePoint> {
    if since.seconds_since_failure.is_some_and(|seconds| seconds <= RETRY_SECONDS) {
        return None;
    }
    points
        .iter()
        .find(|point| since.changes >= point.changes && since.seconds > point.seconds)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_time_and_changes_must_have_come() {
        let points =
            [SavePoint { seconds: 3600, changes: 1 }, SavePoint { seconds: 60, changes: 100 }];
        let check = |changes, seconds, failed, expected: Option<u64>| {
            let since = SinceSave { changes, seconds, seconds_since_failure: failed };
            let found = reached(&points, since).map(|point| point.seconds);
            assert_eq!(found, expected, "{since:?}");
        };
        check(0, 10_000, None, None);
        check(1, 3600, None, None);
        check(1, 3601, None, Some(3600));
        check(100, 60, None, None);
        check(100, 61, None, Some(60));
        check(100, 61, Some(5), None);
        check(100, 61, Some(6), Some(60));
    }
}
