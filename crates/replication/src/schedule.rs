//! When a snapshot for replicas begins, and for whom.

use dunlin_stdx::time::Monotonic;

use crate::announcement::Filter;
use crate::replicas::{Replica, ReplicaNumber, Replicas, SyncState};

/// How snapshots go to replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncRules {
    /// Over the socket, without a file (`repl-diskless-sync`).
    pub diskless: bool,
    /// Seconds for which such a transfer waits for more replicas (`repl-diskless-sync-delay`).
    pub delay_s: u32,
    /// Replicas after which it waits no longer, 0 for no such number
    /// (`repl-diskless-sync-max-replicas`).
    pub replicas_max: u32,
}

/// Where a snapshot goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncForm {
    /// To the replicas, while it is taken.
    Sockets,
    /// To a file, which is sent when it is complete.
    File,
}

/// A snapshot that is to begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Where it goes.
    pub form: SyncForm,
    /// Those it is for.
    pub replicas: Vec<ReplicaNumber>,
    /// Which part of the data set they want.
    pub filter: Filter,
    /// Whether they take deadlines of hash fields.
    pub field_deadlines: bool,
}

/// What replicas must have in common to share a snapshot.
#[derive(PartialEq, Eq)]
struct Kind {
    form: SyncForm,
    filter: Filter,
    field_deadlines: bool,
}

fn kind(replica: &Replica, rules: SyncRules) -> Kind {
    let announced = &replica.announcement;
    // What is not the whole data set must never become the snapshot file.
    let diskless = rules.diskless || announced.filter != Filter::All;
    let form = if diskless && announced.capabilities.end_mark {
        SyncForm::Sockets
    } else {
        SyncForm::File
    };
    Kind { form, filter: announced.filter, field_deadlines: announced.capabilities.field_deadlines }
}

impl Replicas {
    /// The snapshot that is to begin now, if nothing else is under way. Those who came first say what
    /// it is like; who wants another waits for the next one.
    #[must_use]
    pub fn due_sync(&self, rules: SyncRules, now: Monotonic) -> Option<Due> {
        let waiting = || self.iter().filter(|replica| replica.state == SyncState::WaitsForStart);
        let wanted = kind(waiting().next()?, rules);
        let group: Vec<&Replica> =
            waiting().filter(|replica| kind(replica, rules) == wanted).collect();
        if wanted.form == SyncForm::Sockets && rules.delay_s > 0 {
            let delay_us = u64::from(rules.delay_s) * 1_000_000;
            let is_full =
                rules.replicas_max > 0 && group.len() as u64 >= u64::from(rules.replicas_max);
            let waited = group.iter().any(|one| now.since_us(one.waits_since) >= delay_us);
            if !is_full && !waited {
                return None;
            }
        }
        Some(Due {
            form: wanted.form,
            replicas: group.iter().map(|replica| replica.number).collect(),
            filter: wanted.filter,
            field_deadlines: wanted.field_deadlines,
        })
    }

    /// Whether a newcomer may join a snapshot that goes to a file for these others: it is like them.
    #[must_use]
    pub fn may_join_file(&self, newcomer: ReplicaNumber) -> Option<ReplicaNumber> {
        let rules = SyncRules { diskless: false, delay_s: 0, replicas_max: 0 };
        let wanted = kind(self.get(newcomer)?, rules);
        self.iter()
            .find(|one| one.state == SyncState::WaitsForFile && kind(one, rules) == wanted)
            .map(|one| one.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announcement::{Announcement, Capabilities};

    fn waiting(number: usize, end_mark: bool, since_s: u64) -> Replica {
        let capabilities = Capabilities { end_mark, psync2: true, field_deadlines: false };
        let announcement = Announcement { capabilities, ..Announcement::default() };
        let since = Monotonic(since_s * 1_000_000);
        Replica::new(ReplicaNumber(number), "::1".to_owned(), announcement, since)
    }

    fn due(replicas: &Replicas, rules: SyncRules, now_s: u64) -> Option<(SyncForm, Vec<usize>)> {
        let due = replicas.due_sync(rules, Monotonic(now_s * 1_000_000))?;
        Some((due.form, due.replicas.iter().map(|number| number.0).collect()))
    }

    #[test]
    fn a_transfer_over_sockets_waits_for_more_replicas() {
        let mut replicas = Replicas::default();
        let rules = SyncRules { diskless: true, delay_s: 5, replicas_max: 0 };
        assert_eq!(due(&replicas, rules, 9), None);
        replicas.insert(waiting(1, true, 10));
        replicas.insert(waiting(2, true, 13));
        assert_eq!(due(&replicas, rules, 14), None);
        assert_eq!(due(&replicas, rules, 15), Some((SyncForm::Sockets, vec![1, 2])));
        let full = SyncRules { replicas_max: 2, ..rules };
        assert_eq!(due(&replicas, full, 14), Some((SyncForm::Sockets, vec![1, 2])));
        let at_once = SyncRules { delay_s: 0, ..rules };
        assert_eq!(due(&replicas, at_once, 13), Some((SyncForm::Sockets, vec![1, 2])));
        let file = SyncRules { diskless: false, ..rules };
        assert_eq!(due(&replicas, file, 13), Some((SyncForm::File, vec![1, 2])));
    }

    #[test]
    fn unlike_replicas_take_turns() {
        let mut replicas = Replicas::default();
        let rules = SyncRules { diskless: true, delay_s: 0, replicas_max: 0 };
        replicas.insert(waiting(1, false, 0));
        replicas.insert(waiting(2, true, 0));
        replicas.insert(waiting(3, false, 0));
        assert_eq!(due(&replicas, rules, 0), Some((SyncForm::File, vec![1, 3])));
        for number in [1, 3] {
            let replica = replicas.get_mut(ReplicaNumber(number)).expect("it is there");
            replica.state = SyncState::WaitsForFile;
        }
        assert_eq!(due(&replicas, rules, 0), Some((SyncForm::Sockets, vec![2])));
        assert_eq!(replicas.may_join_file(ReplicaNumber(2)), Some(ReplicaNumber(1)));
        let filtered = replicas.get_mut(ReplicaNumber(2)).expect("it is there");
        filtered.announcement.filter = Filter::Functions;
        assert_eq!(replicas.may_join_file(ReplicaNumber(2)), None);
    }
}
