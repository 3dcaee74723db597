//! Why a value was refused.

use std::fmt;

/// A value that a parameter does not take. [`fmt::Display`] gives the text of Redis 7.2, the same
/// in a fatal configuration error and behind `CONFIG SET failed (...) - `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Too few or too many words.
    ArgumentCount,
    /// Not a decimal integer (no sign `+`, no leading zeros).
    NotInteger,
    /// Not an octal number.
    NotOctal,
    /// Not digits with an optional unit (`b k kb m mb g gb`).
    NotBytes,
    /// Neither a byte count nor `N%`.
    NotBytesOrPercent,
    /// A number outside `min..=max`.
    OutOfRange {
        /// Least value that is taken.
        min: i128,
        /// Greatest value that is taken.
        max: i128,
    },
    /// As [`Invalid::OutOfRange`], shown in octal.
    OutOfOctalRange {
        /// Least value that is taken.
        min: u64,
        /// Greatest value that is taken.
        max: u64,
    },
    /// More than 100%.
    PercentTooLarge,
    /// Neither `yes` nor `no`.
    NotYesNo,
    /// None of the named choices.
    NotOneOf(&'static [&'static str]),
    /// A file or directory name that contains a directory separator.
    NotBaseName {
        /// The parameter.
        parameter: &'static str,
        /// `filename` or `dirname`.
        what: &'static str,
    },
    /// An empty name where one is needed.
    Empty(&'static str),
    /// Not pairs of seconds (1 or more) and changes.
    SavePoints,
    /// Not four words per client class.
    OutputLimitCount,
    /// A client class other than normal, replica (slave), pubsub.
    OutputLimitClass,
    /// A limit that is not a byte count or not seconds.
    OutputLimitValue,
    /// Both `save` and `nosave`.
    SaveAndNosave,
    /// A percentile that is not a number.
    Percentile,
    /// A percentile outside 0 to 100.
    PercentileRange,
    /// A value outside -2000 to 2000.
    OomScore,
    /// A letter that names no class of keyspace event.
    EventClass,
    /// More addresses than [`crate::BindAddresses::MAX`].
    TooManyAddresses,
    /// The port of `replicaof` is not 0 to 65535.
    PrimaryPort,
    /// A host name of 256 characters or more.
    HostnameLength,
    /// A character that no host name has.
    HostnameCharacter,
    /// A character that nodes.conf cannot hold.
    NodeNameCharacter,
    /// A title template with an unknown variable, an open brace or nothing to show.
    TitleTemplate,
    /// The operating system refused it: its own words.
    System(String),
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::ArgumentCount => f.write_str("wrong number of arguments"),
            Invalid::NotInteger => f.write_str("argument couldn't be parsed into an integer"),
            Invalid::NotOctal => f.write_str("argument couldn't be parsed as an octal number"),
            Invalid::NotBytes => f.write_str("argument must be a memory value"),
            Invalid::NotBytesOrPercent => f.write_str("argument must be a memory or percent value"),
            Invalid::OutOfRange { min, max } => {
                write!(f, "argument must be between {min} and {max} inclusive")
            }
            Invalid::OutOfOctalRange { min, max } => {
                write!(f, "argument must be between {min:o} and {max:o} inclusive")
            }
            Invalid::PercentTooLarge => {
                f.write_str("percentage argument must be less or equal to 100")
            }
            Invalid::NotYesNo => f.write_str("argument must be 'yes' or 'no'"),
            Invalid::NotOneOf(names) => {
                write!(f, "argument(s) must be one of the following: {}", names.join(", "))
            }
            Invalid::NotBaseName { parameter, what } => {
                write!(f, "{parameter} can't be a path, just a {what}")
            }
            Invalid::Empty(parameter) => write!(f, "{parameter} can't be empty"),
            Invalid::SavePoints => f.write_str("Invalid save parameters"),
            Invalid::OutputLimitCount => {
                f.write_str("Wrong number of arguments in buffer limit configuration.")
            }
            Invalid::OutputLimitClass => {
                f.write_str("Invalid client class specified in buffer limit configuration.")
            }
            Invalid::OutputLimitValue => f.write_str(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ),
            Invalid::SaveAndNosave => {
                f.write_str("shutdown options SAVE and NOSAVE can't be used simultaneously")
            }
            Invalid::Percentile => {
                f.write_str("Invalid latency-tracking-info-percentiles parameters")
            }
            Invalid::PercentileRange => f.write_str(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
            ),
            Invalid::OomScore => f.write_str(
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
            ),
            Invalid::EventClass => {
                f.write_str("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
            }
            Invalid::TooManyAddresses => f.write_str("Too many bind addresses specified."),
            Invalid::PrimaryPort => f.write_str("Invalid master port"),
            Invalid::HostnameLength => f.write_str("Hostnames must be less than 256 characters"),
            Invalid::HostnameCharacter => {
                f.write_str("Hostnames may only contain alphanumeric characters, hyphens or dots")
            }
            Invalid::NodeNameCharacter => {
                f.write_str("Announced human node name contained invalid character")
            }
            Invalid::TitleTemplate => {
                f.write_str("template format is invalid or contains unknown variables")
            }
            Invalid::System(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Invalid {}
