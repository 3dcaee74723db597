//! How much output may wait for a client before it is disconnected.

use dunlin_stdx::byte_size;

use super::{Line, Value, Words, integer, join, line};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// Limits of one class of clients. Zero means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// The client is disconnected at once beyond this.
    pub hard_bytes: u64,
    /// The client is disconnected when it stays beyond this for `soft_seconds`.
    pub soft_bytes: u64,
    /// How long the soft limit may be exceeded.
    pub soft_seconds: u64,
}

/// Limits of each class of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimits {
    /// Clients that send commands, MONITOR included.
    pub normal: OutputLimit,
    /// Replicas of this node.
    pub replica: OutputLimit,
    /// Clients subscribed to a channel or pattern.
    pub pubsub: OutputLimit,
}

impl OutputLimits {
    /// What the configuration says of replicas unless somebody has set it.
    pub const REPLICA_DEFAULT: OutputLimit =
        OutputLimit { hard_bytes: 256 << 20, soft_bytes: 64 << 20, soft_seconds: 60 };

    fn class(&mut self, name: &[u8]) -> Option<&mut OutputLimit> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(&mut self.normal),
            b"replica" | b"slave" => Some(&mut self.replica),
            b"pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }
}

impl Value for OutputLimits {
    /// Classes that are not named keep their limits.
    fn parse(words: Words<'_>, _: &Parameter, before: &Self) -> Result<Self, Invalid> {
        let words = words.list();
        if !words.len().is_multiple_of(4) {
            return Err(Invalid::OutputLimitCount);
        }
        let mut limits = *before;
        for class in words.chunks_exact(4) {
            let limit = limits.class(class[0]).ok_or(Invalid::OutputLimitClass)?;
            let bytes = |word| byte_size::parse(word).ok_or(Invalid::OutputLimitValue);
            let seconds = integer(class[3]).and_then(|seconds| u64::try_from(seconds).ok());
            *limit = OutputLimit {
                hard_bytes: bytes(class[1])?,
                soft_bytes: bytes(class[2])?,
                soft_seconds: seconds.ok_or(Invalid::OutputLimitValue)?,
            };
        }
        Ok(limits)
    }

    /// The class of replicas goes by its old name, as in Redis.
    fn show(&self, _: &Kind) -> Vec<u8> {
        let classes = [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)];
        join(classes.map(|(name, limit)| {
            format!("{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
        }))
    }

    fn lines(&self, default: &Self, parameter: &Parameter) -> Vec<Line> {
        [
            ("normal", self.normal, default.normal),
            ("replica", self.replica, default.replica),
            ("pubsub", self.pubsub, default.pubsub),
        ]
        .into_iter()
        .map(|(name, limit, default)| {
            let (hard, soft) =
                (byte_size::exact(limit.hard_bytes), byte_size::exact(limit.soft_bytes));
            let value = format!("{name} {hard} {soft} {}", limit.soft_seconds);
            line(parameter, value.as_bytes(), limit != default)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn the_default_of_replicas_is_that_of_the_table() {
        let default = Config::default().network.client_output_buffer_limit;
        assert_eq!(default.replica, OutputLimits::REPLICA_DEFAULT);
    }
}
