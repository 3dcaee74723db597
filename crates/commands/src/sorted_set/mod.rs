//! The sorted set commands.

use dunlin_config::Config;
use dunlin_values::sorted_set::PackedLimits;

use crate::command::Command;

mod add;
mod range;
mod rank;
mod remove;
mod show;
mod zadd;
mod zcard;
mod zcount;
mod zincrby;
mod zlexcount;
mod zmscore;
mod zrange;
mod zrangebylex;
mod zrangebyscore;
mod zrank;
mod zrem;
mod zremrangebylex;
mod zremrangebyrank;
mod zremrangebyscore;
mod zrevrange;
mod zrevrangebylex;
mod zrevrangebyscore;
mod zrevrank;
mod zscore;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    zadd::COMMAND,
    zcard::COMMAND,
    zcount::COMMAND,
    zincrby::COMMAND,
    zlexcount::COMMAND,
    zmscore::COMMAND,
    zrange::COMMAND,
    zrangebylex::COMMAND,
    zrangebyscore::COMMAND,
    zrank::COMMAND,
    zrem::COMMAND,
    zremrangebylex::COMMAND,
    zremrangebyrank::COMMAND,
    zremrangebyscore::COMMAND,
    zrevrange::COMMAND,
    zrevrangebylex::COMMAND,
    zrevrangebyscore::COMMAND,
    zrevrank::COMMAND,
    zscore::COMMAND,
];

/// Up to which size the parameters keep sorted sets packed.
pub(crate) const fn packed_limits(config: &Config) -> PackedLimits {
    PackedLimits {
        entries: config.encodings.zset_max_listpack_entries,
        value: config.encodings.zset_max_listpack_value,
    }
}
