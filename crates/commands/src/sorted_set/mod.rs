//! The sorted set commands.

use dunlin_config::Config;
use dunlin_values::sorted_set::PackedLimits;

use crate::command::Command;

mod add;
mod bzmpop;
mod bzpopmax;
mod bzpopmin;
mod combine;
mod pop;
mod range;
mod rank;
mod remove;
mod show;
mod zadd;
mod zcard;
mod zcount;
mod zdiff;
mod zdiffstore;
mod zincrby;
mod zinter;
mod zintercard;
mod zinterstore;
mod zlexcount;
mod zmpop;
mod zmscore;
mod zpopmax;
mod zpopmin;
mod zrandmember;
mod zrange;
mod zrangebylex;
mod zrangebyscore;
mod zrangestore;
mod zrank;
mod zrem;
mod zremrangebylex;
mod zremrangebyrank;
mod zremrangebyscore;
mod zrevrange;
mod zrevrangebylex;
mod zrevrangebyscore;
mod zrevrank;
mod zscan;
mod zscore;
mod zunion;
mod zunionstore;

pub(crate) use combine::store_result;
pub(crate) use zadd::run as zadd;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    bzmpop::COMMAND,
    bzpopmax::COMMAND,
    bzpopmin::COMMAND,
    zadd::COMMAND,
    zcard::COMMAND,
    zcount::COMMAND,
    zdiff::COMMAND,
    zdiffstore::COMMAND,
    zincrby::COMMAND,
    zinter::COMMAND,
    zintercard::COMMAND,
    zinterstore::COMMAND,
    zlexcount::COMMAND,
    zmpop::COMMAND,
    zmscore::COMMAND,
    zpopmax::COMMAND,
    zpopmin::COMMAND,
    zrandmember::COMMAND,
    zrange::COMMAND,
    zrangebylex::COMMAND,
    zrangebyscore::COMMAND,
    zrangestore::COMMAND,
    zrank::COMMAND,
    zrem::COMMAND,
    zremrangebylex::COMMAND,
    zremrangebyrank::COMMAND,
    zremrangebyscore::COMMAND,
    zrevrange::COMMAND,
    zrevrangebylex::COMMAND,
    zrevrangebyscore::COMMAND,
    zrevrank::COMMAND,
    zscan::COMMAND,
    zscore::COMMAND,
    zunion::COMMAND,
    zunionstore::COMMAND,
];

/// Up to which size the parameters keep sorted sets packed.
pub(crate) const fn packed_limits(config: &Config) -> PackedLimits {
    PackedLimits {
        entries: config.encodings.zset_max_listpack_entries,
        value: config.encodings.zset_max_listpack_value,
    }
}
