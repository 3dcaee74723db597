//! Parameters with a fixed list of names.

use super::{Value, Words};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// An enum with its names in a file. The first name of a variant is the one shown.
macro_rules! choices {
    ($(
        $(#[$doc:meta])*
        $Enum:ident default $Default:ident {
            $( $(#[$vdoc:meta])* $Variant:ident: $($name:literal)|+ ),* $(,)?
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Enum { $( $(#[$vdoc])* $Variant, )* }

        impl $Enum {
            /// Every accepted name, in the order in which messages list them.
            pub const NAMES: &'static [&'static str] = &[$($($name),+),*];

            const VARIANTS: &'static [$Enum] = &[$($($Enum::variant_named($name)),+),*];

            /// The variant that a name of the list above stands for.
            const fn variant_named(name: &'static str) -> $Enum {
                let name = name.as_bytes();
                $( $( if same(name, $name.as_bytes()) { return $Enum::$Variant; } )+ )*
                panic!("a name of this list");
            }

            /// The name that is shown.
            pub fn name(self) -> &'static str {
                let place = Self::VARIANTS.iter().position(|&variant| variant == self);
                Self::NAMES[place.expect("each variant has a name")]
            }
        }

        impl Default for $Enum {
            fn default() -> $Enum {
                $Enum::$Default
            }
        }

        impl Value for $Enum {
            fn parse(words: Words<'_>, _: &Parameter, _: &$Enum) -> Result<$Enum, Invalid> {
                let [word] = words.words else { return Err(Invalid::NotOneOf(Self::NAMES)) };
                Self::NAMES
                    .iter()
                    .position(|name| word.eq_ignore_ascii_case(name.as_bytes()))
                    .map(|place| Self::VARIANTS[place])
                    .ok_or(Invalid::NotOneOf(Self::NAMES))
            }

            fn show(&self, _: &Kind) -> Vec<u8> {
                self.name().as_bytes().to_vec()
            }
        }
    )* };
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

choices! {
    /// Which keys go when memory is full.
    MaxmemoryPolicy default NoEviction {
        /// Least recently used of the keys with a time to live.
        VolatileLru: "volatile-lru",
        /// Least frequently used of the keys with a time to live.
        VolatileLfu: "volatile-lfu",
        /// Any of the keys with a time to live.
        VolatileRandom: "volatile-random",
        /// The key that expires soonest.
        VolatileTtl: "volatile-ttl",
        /// Least recently used of all keys.
        AllkeysLru: "allkeys-lru",
        /// Least frequently used of all keys.
        AllkeysLfu: "allkeys-lfu",
        /// Any key.
        AllkeysRandom: "allkeys-random",
        /// None: writes that need memory are refused.
        NoEviction: "noeviction",
    }

    /// The facility of syslog messages.
    SyslogFacility default Local0 {
        /// `LOG_USER`.
        User: "user",
        /// `LOG_LOCAL0`.
        Local0: "local0",
        /// `LOG_LOCAL1`.
        Local1: "local1",
        /// `LOG_LOCAL2`.
        Local2: "local2",
        /// `LOG_LOCAL3`.
        Local3: "local3",
        /// `LOG_LOCAL4`.
        Local4: "local4",
        /// `LOG_LOCAL5`.
        Local5: "local5",
        /// `LOG_LOCAL6`.
        Local6: "local6",
        /// `LOG_LOCAL7`.
        Local7: "local7",
    }

    /// The least important messages that are still logged.
    LogLevel default Notice {
        /// Everything.
        Debug: "debug",
        /// Much that is rarely useful.
        Verbose: "verbose",
        /// What an operator wants to know.
        Notice: "notice",
        /// What needs attention.
        Warning: "warning",
        /// No messages at all.
        Nothing: "nothing",
    }

    /// Who started the process and wants to hear that it is ready.
    Supervised default No {
        /// Upstart: stop once ready, to be continued.
        Upstart: "upstart",
        /// systemd: notify on `NOTIFY_SOCKET`.
        Systemd: "systemd",
        /// One of the two, as the environment says.
        Auto: "auto",
        /// Nobody.
        No: "no",
    }

    /// When the append-only file is synced to disk.
    AppendFsync default Everysec {
        /// Once a second.
        Everysec: "everysec",
        /// Before each reply.
        Always: "always",
        /// When the operating system sees fit.
        No: "no",
    }

    /// The version of the RDB format.
    RdbVersion default Ten {
        /// Read by Redis 7.0, 7.2 and later, and by Valkey.
        Ten: "10",
        /// Read by Redis 7.2 and later, and by Valkey; holds when consumers were active last.
        Eleven: "11",
    }

    /// What happens when a snapshot has no room for what it must keep.
    SnapshotOverflow default Abort {
        /// It is given up.
        Abort: "abort",
        /// Clients that change data wait.
        Throttle: "throttle",
    }

    /// How a replica takes a data set that comes over the socket.
    DisklessLoad default Disabled {
        /// Into a file first.
        Disabled: "disabled",
        /// Straight into memory when there is no old data.
        OnEmptyDb: "on-empty-db",
        /// Straight into memory beside the old data.
        Swapdb: "swapdb",
    }

    /// Whether clients must show a certificate.
    TlsAuthClients default Yes {
        /// No certificate is asked for.
        No: "no",
        /// A valid certificate is needed.
        Yes: "yes",
        /// A certificate is checked when there is one.
        Optional: "optional",
    }

    /// How the kernel's out-of-memory score is set.
    OomScoreAdj default No {
        /// Left alone.
        No: "no",
        /// Relative to the score at start. Shown as `yes`.
        Relative: "yes" | "relative",
        /// As the values say.
        Absolute: "absolute",
    }

    /// Channels that a new ACL user may use.
    AclPubsubDefault default Resetchannels {
        /// All.
        Allchannels: "allchannels",
        /// None.
        Resetchannels: "resetchannels",
    }

    /// Whose RESTORE payloads and files are checked in depth.
    SanitizePayload default No {
        /// Nobody's.
        No: "no",
        /// Everybody's.
        Yes: "yes",
        /// Those of clients without `skip-sanitize-payload`.
        Clients: "clients",
    }

    /// Who may do something dangerous.
    ProtectedAction default No {
        /// Nobody.
        No: "no",
        /// Everybody.
        Yes: "yes",
        /// Connections from this machine.
        Local: "local",
    }

    /// What MOVED, ASK and CLUSTER SLOTS call a node.
    EndpointType default Ip {
        /// Its address.
        Ip: "ip",
        /// Its announced host name.
        Hostname: "hostname",
        /// Nothing: the client uses the address it already has.
        UnknownEndpoint: "unknown-endpoint",
    }

    /// What happens when a propagated command fails on a replica or in the append-only file.
    PropagationError default Ignore {
        /// It is counted and logged.
        Ignore: "ignore",
        /// The process stops.
        Panic: "panic",
        /// The process stops if it is a replica.
        PanicOnReplicas: "panic-on-replicas",
    }
}

impl MaxmemoryPolicy {
    /// Whether keys carry the time of their last use for this policy.
    #[must_use]
    pub const fn is_lru(self) -> bool {
        matches!(self, Self::VolatileLru | Self::AllkeysLru)
    }

    /// Whether keys carry a counter of their uses.
    #[must_use]
    pub const fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }
}
