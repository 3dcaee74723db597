//! `RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
//!
//! RESTORE into a slot that is being imported: what MIGRATE sends to a node of a cluster.
//!
//! Source: Redis documentation, RESTORE-ASKING.

use dunlin_spec::{CommandSpec, Flags, Group};

use crate::command::Command;
use crate::generic::restore::{run, spec};

const SPEC: CommandSpec =
    spec("restore-asking", Group::Server, "3.0.0", &[Flags::WRITE, Flags::DENYOOM, Flags::ASKING])
        .summary("An internal command for migrating keys in a cluster.")
        .system();

/// RESTORE-ASKING's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);
