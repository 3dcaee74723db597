//! What a command declares about itself.
//!
//! Each command file opens with its [`CommandSpec`]: name, arity, flags, ACL categories, where
//! its keys are, and the documentation that `COMMAND DOCS` shows.
//! Everything else that knows about commands is derived from it: arity checks, ACL rules, slot
//! checks, proxy routing, `COMMAND`, hints of the command line client, `docs/commands.md`.
//!
//! ```
//! use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
//!
//! const SPEC: CommandSpec = CommandSpec::new("get", Group::String, 2)
//!     .summary("Returns the string value of a key.")
//!     .since("1.0.0")
//!     .complexity("O(1)")
//!     .flags(&[Flags::READONLY, Flags::FAST])
//!     .categories(&[Categories::STRING])
//!     .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
//!     .args(&[Arg::key("key", 0)]);
//!
//! assert!(SPEC.accepts_argc(2) && !SPEC.accepts_argc(3));
//! assert_eq!(SPEC.keys_in(&[b"GET", b"user:1"])[0].index, 1);
//! assert!(SPEC.acl_categories().contains(Categories::READ | Categories::FAST));
//! assert_eq!(SPEC.syntax(), "GET key");
//! ```
//!
//! What follows from something already written is not written again: `@read`, `@slow` and the
//! like follow from the flags ([`CommandSpec::acl_categories`]), `movablekeys` and the first
//! key, last key and step of `COMMAND INFO` from the key specs ([`CommandSpec::key_range`]).
//!
//! The crate knows nothing of how a command runs, of the protocol or of other crates:
//! [`describe`] hands `COMMAND INFO` and `COMMAND DOCS` to a [`describe::Sink`] that encodes.
#![forbid(unsafe_code)]

mod arg;
mod category;
mod command;
pub mod describe;
mod flags;
pub mod getkeys;
mod group;
mod key_spec;
mod keys;
mod syntax;

pub use arg::{Arg, ArgKind};
pub use category::Categories;
pub use command::CommandSpec;
pub use flags::{Flags, KeyFlags};
pub use group::Group;
pub use key_spec::{BeginSearch, FindKeys, KeyRange, KeySpec};
pub use keys::{GetKeys, GetKeysError, KeyRef, Keys};
pub use syntax::DOC_TABLE_HEADER;
