//! Rows: who may do what.

use super::{LONG_MAX, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::{AclPubsubDefault, ProtectedAction, SanitizePayload};

group! {
    /// Who may do what.
    security: Security {
        /// Password of the default user; empty for none.
        "requirepass" => requirepass: Text = "\"\"", Kind::Optional, SENSITIVE;

        /// File of ACL users; empty to keep them in this configuration.
        "aclfile" => aclfile: Text = "\"\"", Kind::Text, IMMUTABLE;

        /// Channels that a new ACL user may use.
        "acl-pubsub-default" => acl_pubsub_default: AclPubsubDefault = "resetchannels",
            Kind::Choice(AclPubsubDefault::NAMES);

        /// How many refused commands ACL LOG remembers.
        "acllog-max-len" => acllog_max_len: u64 = "128", integer(0, LONG_MAX);

        /// Whether CONFIG SET may change protected parameters.
        "enable-protected-configs" => enable_protected_configs: ProtectedAction = "no",
            Kind::Choice(ProtectedAction::NAMES), IMMUTABLE;

        /// Whether DEBUG may be used.
        "enable-debug-command" => enable_debug_command: ProtectedAction = "no",
            Kind::Choice(ProtectedAction::NAMES), IMMUTABLE;

        /// Whether MODULE may be used.
        "enable-module-command" => enable_module_command: ProtectedAction = "no",
            Kind::Choice(ProtectedAction::NAMES), IMMUTABLE;

        /// Whose RESTORE payloads and snapshot files are checked in depth.
        "sanitize-dump-payload" => sanitize_dump_payload: SanitizePayload = "no",
            Kind::Choice(SanitizePayload::NAMES);
    }
}
