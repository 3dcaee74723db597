//! The table of parameters. One row is the only place a parameter exists: its documentation, its
//! name and alias, the field that holds it with its type, its default, the values it takes, and
//! when it may change. To add a parameter, add a row.
//!
//! ```text
//! /// Documentation, also of the field.
//! "name" | "alias" => field: Type = "default", kind, CLASS, CLASS;
//! ```

mod cluster;
mod diagnosis;
mod encodings;
mod logging;
mod memory;
mod network;
mod persistence;
mod process;
mod replication;
mod security;
mod tls;

pub use cluster::Cluster;
pub use diagnosis::Diagnosis;
pub use encodings::Encodings;
pub use logging::Logging;
pub use memory::Memory;
pub use network::Network;
pub use persistence::Persistence;
pub use process::Process;
pub use replication::Replication;
pub use security::Security;
pub use tls::Tls;

use crate::parameter::{Kind, Parameter};

/// Every parameter's value. Reading one is reading a field: `config.memory.maxmemory`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Listening, connections and what they may cost.
    pub network: Network,
    /// The process and its place in the operating system.
    pub process: Process,
    /// Who may do what.
    pub security: Security,
    /// The log, and what is recorded about slow commands and events.
    pub logging: Logging,
    /// How much memory data takes, and what happens beyond.
    pub memory: Memory,
    /// Sizes up to which small collections are kept compact.
    pub encodings: Encodings,
    /// Snapshots and the append-only file.
    pub persistence: Persistence,
    /// Primaries and replicas.
    pub replication: Replication,
    /// Cluster mode.
    pub cluster: Cluster,
    /// Encrypted connections.
    pub tls: Tls,
    /// Switches for finding bugs; not shown by CONFIG GET patterns.
    pub diagnosis: Diagnosis,
    /// Whether somebody chose `protected-mode`, in a file or by CONFIG SET, so that `bind` has
    /// no say in it any more.
    pub(crate) protected_mode_chosen: bool,
}

/// The rows, group by group, in the order of the struct above.
pub(crate) fn groups() -> [&'static [Parameter]; 11] {
    [
        network::ROWS,
        process::ROWS,
        security::ROWS,
        logging::ROWS,
        memory::ROWS,
        encodings::ROWS,
        persistence::ROWS,
        replication::ROWS,
        cluster::ROWS,
        tls::ROWS,
        diagnosis::ROWS,
    ]
}

/// Greatest values, named after the C types whose range Redis shows in its messages.
const INT_MAX: i128 = i32::MAX as i128;
const INT_MIN: i128 = i32::MIN as i128;
const UINT_MAX: i128 = u32::MAX as i128;
const LONG_MAX: i128 = i64::MAX as i128;
const ULONG_MAX: i128 = u64::MAX as i128;

const fn integer(min: i128, max: i128) -> Kind {
    Kind::Integer { min, max }
}

const fn bytes(min: i128, max: i128) -> Kind {
    Kind::Bytes { min, max }
}

/// A group of parameters: the struct of their values and their rows.
macro_rules! group {
    (
        $(#[$group_doc:meta])*
        $group:ident: $Group:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:literal $(| $alias:literal)? => $field:ident: $Type:ty = $default:literal,
                $kind:expr $(, $class:ident)*;
            )*
        }
    ) => {
        $(#[$group_doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Group {
            $( $(#[doc = $doc])+ pub $field: $Type, )*
        }

        pub(super) static ROWS: &[crate::Parameter] = &[ $(
            crate::Parameter {
                name: $name,
                alias: group!(@alias $($alias)?),
                kind: $kind,
                class: crate::Class::empty()$(.union(crate::Class::$class))*,
                default: $default,
                doc: concat!($($doc),+),
                group: stringify!($group),
                assign: |config, row, words| {
                    crate::value::assign(&mut config.$group.$field, row, words)
                },
                show: |config, row| {
                    crate::value::Value::show(&config.$group.$field, &row.kind)
                },
                lines: |config, defaults, row| {
                    crate::value::Value::lines(
                        &config.$group.$field, &defaults.$group.$field, row,
                    )
                },
            },
        )* ];

        impl Default for $Group {
            fn default() -> $Group {
                let mut rows = ROWS.iter();
                $Group {
                    $( $field: crate::value::initial(rows.next().expect("a row per field")), )*
                }
            }
        }
    };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
}
pub(crate) use group;
