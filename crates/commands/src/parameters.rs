//! Where a parameter takes effect.
//!
//! Most parameters are read where they count and need nothing here. Those of the process (ports,
//! directory, log level) are followed by the process: [`Host::apply_config`]. What is left, state
//! that is derived from parameters, is made to agree with them by `ROWS`: to add one, add a row.

use dunlin_config::{Changes, Config, LogLevel, MaxmemoryPolicy};
use dunlin_keyspace::{
    AccessPolicy, EvictionOrder, EvictionPolicy, EvictionScope, Growth, Keyspace, LazyFree,
};

use crate::effects::{Effects, KeyEventClass};
use crate::host::Host;

/// What follows parameters.
pub struct Target<'a> {
    /// The parameters, new values included.
    pub config: &'a Config,
    /// All databases.
    pub keyspace: &'a mut Keyspace,
    /// Where changes are told.
    pub effects: &'a mut Effects,
    /// Where warnings go.
    pub host: &'a mut dyn Host,
}

/// A piece of state and the parameters it follows.
struct Row {
    parameters: &'static [&'static str],
    /// Whether it also follows what the server was started with, not only changes.
    from_start: bool,
    follow: fn(&mut Target<'_>),
}

const ROWS: &[Row] = &[
    Row {
        parameters: &["maxmemory-policy", "lfu-log-factor", "lfu-decay-time"],
        from_start: true,
        follow: |target| {
            target.keyspace.set_access_policy(access_policy(target.config));
            target.keyspace.keep_access(goes_by_access(target.config));
        },
    },
    Row {
        parameters: &["lazyfree-lazy-expire", "lazyfree-lazy-eviction", "lazyfree-lazy-server-del"],
        from_start: true,
        follow: |target| target.keyspace.set_lazy_free(lazy_free(target.config)),
    },
    Row {
        parameters: &["notify-keyspace-events"],
        from_start: true,
        follow: |target| {
            target.effects.set_event_mask(event_mask(target.config));
            target.keyspace.report_incidents(target.effects.incidents_wanted());
        },
    },
    Row { parameters: &["maxmemory"], from_start: false, follow: new_maxmemory },
];

/// Makes everything follow the parameters that the server was started with.
pub fn apply_all(target: &mut Target<'_>) {
    for row in ROWS.iter().filter(|row| row.from_start) {
        (row.follow)(target);
    }
}

/// Makes everything follow what CONFIG SET changed.
pub fn apply(changes: &Changes, target: &mut Target<'_>) {
    for row in ROWS {
        if row.parameters.iter().any(|name| changes.includes(name)) {
            (row.follow)(target);
        }
    }
}

/// What `maxmemory-policy` removes; `None` if it removes nothing.
#[must_use]
pub const fn eviction_policy(policy: MaxmemoryPolicy) -> Option<EvictionPolicy> {
    use EvictionOrder::{ByClock, ByDeadline, Random};
    use EvictionScope::{AllKeys, Volatile};
    let (scope, order) = match policy {
        MaxmemoryPolicy::NoEviction => return None,
        MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::AllkeysLfu => (AllKeys, ByClock),
        MaxmemoryPolicy::AllkeysRandom => (AllKeys, Random),
        MaxmemoryPolicy::VolatileLru | MaxmemoryPolicy::VolatileLfu => (Volatile, ByClock),
        MaxmemoryPolicy::VolatileRandom => (Volatile, Random),
        MaxmemoryPolicy::VolatileTtl => (Volatile, ByDeadline),
    };
    Some(EvictionPolicy { scope, order })
}

fn access_policy(config: &Config) -> AccessPolicy {
    let memory = &config.memory;
    match memory.maxmemory_policy {
        MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => AccessPolicy::Lfu {
            log_factor: memory.lfu_log_factor,
            decay_minutes: memory.lfu_decay_time,
        },
        _ => AccessPolicy::Lru,
    }
}

/// Whether keys are evicted by how they were used.
fn goes_by_access(config: &Config) -> bool {
    eviction_policy(config.memory.maxmemory_policy)
        .is_some_and(|policy| policy.order == EvictionOrder::ByClock)
}

fn lazy_free(config: &Config) -> LazyFree {
    LazyFree {
        expired: config.memory.lazyfree_lazy_expire,
        evicted: config.memory.lazyfree_lazy_eviction,
        overwritten: config.memory.lazyfree_lazy_server_del,
    }
}

/// Both types give the classes the same bits, in the order of the letters.
fn event_mask(config: &Config) -> KeyEventClass {
    KeyEventClass::from_bits_truncate(config.logging.notify_keyspace_events.bits())
}

/// Tables may grow as usual until the next write finds memory tight.
fn new_maxmemory(target: &mut Target<'_>) {
    target.keyspace.set_growth(Growth::Early);
    let (maxmemory, used) = (target.config.memory.maxmemory, target.host.used_memory_bytes());
    if maxmemory != 0 && maxmemory < used {
        let line = format!(
            "WARNING: the new maxmemory value set via CONFIG SET ({maxmemory}) is smaller than the \
             current memory usage ({used}). This will result in key eviction and/or the inability \
             to accept new write commands depending on the maxmemory-policy."
        );
        target.host.log(LogLevel::Warning, &line);
    }
}

#[cfg(test)]
mod tests {
    use dunlin_config::{KeyspaceEvents, Parameter};

    use super::*;

    #[test]
    fn rows_name_parameters_that_exist() {
        for name in ROWS.iter().flat_map(|row| row.parameters) {
            assert!(Parameter::find(name.as_bytes()).is_some(), "{name}");
        }
    }

    #[test]
    fn classes_of_events_have_the_same_bits_in_configuration_and_effects() {
        for (name, class) in KeyspaceEvents::all().iter_names().filter(|(name, _)| *name != "ALL") {
            let name = match name {
                "ZSET" => "SORTED_SET",
                "MISS" => "KEY_MISS",
                name => name,
            };
            let same = KeyEventClass::from_name(name).map(|class| class.bits());
            assert_eq!(same, Some(class.bits()), "{name}");
        }
    }

    #[test]
    fn a_policy_says_what_goes_and_in_which_order() {
        let policy = |policy| eviction_policy(policy).map(|policy| (policy.scope, policy.order));
        assert_eq!(policy(MaxmemoryPolicy::NoEviction), None);
        let ttl = policy(MaxmemoryPolicy::VolatileTtl);
        assert_eq!(ttl, Some((EvictionScope::Volatile, EvictionOrder::ByDeadline)));
        let lfu = policy(MaxmemoryPolicy::AllkeysLfu);
        assert_eq!(lfu, Some((EvictionScope::AllKeys, EvictionOrder::ByClock)));
    }
}
