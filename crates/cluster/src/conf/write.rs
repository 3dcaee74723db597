//! Writes nodes.conf, and the lines of CLUSTER NODES.

use std::fmt;

use super::{Conf, ConfNode, OpenSlot};
use crate::flags::NodeFlags;

impl fmt::Display for Conf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|node| node.write_line(f))?;
        write_epochs(f, self.current_epoch, self.last_vote_epoch)
    }
}

/// The last line.
pub(crate) fn write_epochs(
    f: &mut impl fmt::Write,
    current_epoch: u64,
    last_vote_epoch: u64,
) -> fmt::Result {
    writeln!(f, "vars currentEpoch {current_epoch} lastVoteEpoch {last_vote_epoch}")
}

/// As CLUSTER NODES has it.
impl fmt::Display for ConfNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_address(f)?;
        if !self.hostname.is_empty() {
            write!(f, ",{}", self.hostname)?;
        }
        self.write_rest(f)
    }
}

impl ConfNode {
    /// Its line in the file.
    pub(crate) fn write_line(&self, f: &mut impl fmt::Write) -> fmt::Result {
        self.write_address(f)?;
        write!(f, ",{}", self.hostname)?;
        let (name, port) = match self.is_tls_first {
            false => ("tls-port", self.address.tls_port),
            true => ("tcp-port", self.address.port),
        };
        write!(f, ",{name}={port}")?;
        if !self.human_name.is_empty() {
            write!(f, ",nodename={}", self.human_name)?;
        }
        if let Some(shard) = self.shard_id {
            write!(f, ",shard-id={shard}")?;
        }
        self.write_rest(f)?;
        f.write_str("\n")
    }

    fn write_address(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let address = &self.address;
        let port = if self.is_tls_first { address.tls_port } else { address.port };
        write!(f, "{} {}:{port}@{}", self.id, address.ip, address.bus_port)
    }

    fn write_rest(&self, f: &mut impl fmt::Write) -> fmt::Result {
        write!(f, " {} ", self.flags)?;
        match self.primary {
            Some(primary) => write!(f, "{primary}")?,
            None => f.write_str("-")?,
        }
        let link = if self.is_connected { "connected" } else { "disconnected" };
        let (ping, pong) = (self.ping_sent_ms, self.pong_received_ms);
        write!(f, " {ping} {pong} {} {link}", self.config_epoch)?;
        for range in self.slots.ranges() {
            write!(f, " {range}")?;
        }
        if self.flags.contains(NodeFlags::MYSELF) {
            for (slot, open) in &self.open {
                match open {
                    OpenSlot::Migrating(id) => write!(f, " [{slot}->-{id}]")?,
                    OpenSlot::Importing(id) => write!(f, " [{slot}-<-{id}]")?,
                }
            }
        }
        Ok(())
    }
}
