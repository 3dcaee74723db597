//! CONFIG SET: all or nothing.

use std::fmt;

use crate::parameter::{Class, Named, Parameter, find_name};
use crate::value::Words;
use crate::{Config, Invalid};

/// Circumstances of a CONFIG SET.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetContext {
    /// The data set is being loaded.
    pub loading: bool,
    /// `enable-protected-configs` lets this client change protected parameters.
    pub protected_allowed: bool,
}

/// A parameter that CONFIG SET changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which.
    pub parameter: &'static Parameter,
    /// Its value before, as CONFIG GET showed it.
    pub old: Vec<u8>,
    /// Its value now.
    pub new: Vec<u8>,
}

/// What a CONFIG SET changed. Whoever applies the effects (listens on another port, opens a file)
/// and fails gives this to [`Config::revert`].
#[derive(Clone, Debug)]
pub struct Changes {
    changes: Vec<Change>,
    previous: Box<Config>,
}

impl Changes {
    /// The changed parameters in the order of the command. One that was set to the value it had
    /// is left out, unless the value names a file to be read again.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    /// Whether the parameter with this primary name changed.
    pub fn includes(&self, name: &str) -> bool {
        self.changes.iter().any(|change| change.parameter.name == name)
    }

    /// The whole configuration before.
    pub fn previous(&self) -> &Config {
        &self.previous
    }
}

/// Why CONFIG SET changed nothing. [`fmt::Display`] gives the error reply without its `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// No such parameter.
    Unknown(Vec<u8>),
    /// Only the start of the process sets it.
    Immutable(Vec<u8>),
    /// Protected, and this client may not.
    Protected(Vec<u8>),
    /// Named twice.
    Duplicate(Vec<u8>),
    /// Refused while the data set loads.
    Loading,
    /// A value that it does not take.
    Invalid {
        /// The parameter, by the name that was used, in lower case.
        name: &'static str,
        /// Why.
        invalid: Invalid,
    },
    /// The value is fine but could not be put into effect. Made by whoever tried.
    NotApplied {
        /// The parameter.
        name: &'static str,
        /// Such as `Unable to listen on this port. Check server logs.`
        reason: String,
    },
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failed = |name: &str, reason: &dyn fmt::Display| {
            write!(f, "ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
        };
        let as_given = String::from_utf8_lossy;
        match self {
            SetError::Unknown(name) => write!(
                f,
                "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                as_given(name)
            ),
            SetError::Immutable(name) => failed(&as_given(name), &"can't set immutable config"),
            SetError::Protected(name) => failed(&as_given(name), &"can't set protected config"),
            SetError::Duplicate(name) => failed(&as_given(name), &"duplicate parameter"),
            SetError::Loading => f.write_str("LOADING Redis is loading the dataset in memory"),
            SetError::Invalid { name, invalid } => failed(name, invalid),
            SetError::NotApplied { name, reason } => failed(name, reason),
        }
    }
}

impl std::error::Error for SetError {}

impl Config {
    /// Sets all `pairs` of names and values, or none.
    ///
    /// # Errors
    /// The first problem in the order of the pairs; refused names come before refused values.
    pub fn set(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        context: &SetContext,
    ) -> Result<Changes, SetError> {
        let mut found: Vec<Named> = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let named = settable(name, context)?;
            if found.iter().any(|known| known.name == named.name) {
                return Err(SetError::Duplicate(name.to_vec()));
            }
            found.push(named);
        }
        let mut next = self.clone();
        for (named, (_, value)) in found.iter().zip(pairs) {
            next.assign(named.parameter, value)
                .map_err(|invalid| SetError::Invalid { name: named.name, invalid })?;
        }
        next.clamp();
        let changes = found.iter().filter_map(|named| {
            let parameter = named.parameter;
            let (old, new) =
                ((parameter.show)(self, parameter), (parameter.show)(&next, parameter));
            let takes_effect = old != new || parameter.class.contains(Class::VOLATILE);
            takes_effect.then_some(Change { parameter, old, new })
        });
        let changes = changes.collect();
        let previous = Box::new(std::mem::replace(self, next));
        Ok(Changes { changes, previous })
    }

    /// Undoes what [`Config::set`] did just before.
    pub fn revert(&mut self, changes: Changes) {
        *self = *changes.previous;
    }

    /// One value of a command; blanks separate the words of a parameter that takes several.
    fn assign(&mut self, parameter: &Parameter, value: &[u8]) -> Result<(), Invalid> {
        let mut words: Vec<&[u8]> = vec![value];
        if parameter.class.contains(Class::MULTI) {
            words = if value.is_empty() { Vec::new() } else { split_at_blanks(value) };
        }
        (parameter.assign)(self, parameter, Words::new(&words))?;
        if parameter.name == "protected-mode" {
            self.protected_mode_chosen = true;
        }
        Ok(())
    }

    /// Moves values that are hints into their range.
    pub(crate) fn clamp(&mut self) {
        self.process.hz = self.process.hz.clamp(1, 500);
    }
}

fn split_at_blanks(value: &[u8]) -> Vec<&[u8]> {
    value.split(|&byte| byte == b' ').collect()
}

/// The parameter of this name, if this client may set it now.
fn settable(name: &[u8], context: &SetContext) -> Result<Named, SetError> {
    let named = find_name(name).ok_or_else(|| SetError::Unknown(name.to_vec()))?;
    let class = named.parameter.class;
    if class.contains(Class::IMMUTABLE) {
        return Err(SetError::Immutable(name.to_vec()));
    }
    if class.contains(Class::PROTECTED) && !context.protected_allowed {
        return Err(SetError::Protected(name.to_vec()));
    }
    if class.contains(Class::NOT_LOADING) && context.loading {
        return Err(SetError::Loading);
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(config: &mut Config, words: &[&str], context: SetContext) -> Result<Changes, SetError> {
        let pairs: Vec<(&[u8], &[u8])> =
            words.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes())).collect();
        config.set(&pairs, &context)
    }

    fn error(words: &[&str]) -> String {
        let mut config = Config::default();
        let error = set(&mut config, words, SetContext::default()).expect_err("is refused");
        assert_eq!(config, Config::default(), "nothing changed: {words:?}");
        error.to_string()
    }

    fn failed(name: &str, reason: &str) -> String {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    }

    #[test]
    fn refusals_have_the_texts_of_redis() {
        let not_integer = "argument couldn't be parsed into an integer";
        assert_eq!(error(&["PORT", "abc"]), failed("port", not_integer));
        assert_eq!(error(&["SLAVE-priority", "abc"]), failed("slave-priority", not_integer));
        assert_eq!(error(&["port", "1", "PORT", "2"]), failed("PORT", "duplicate parameter"));
        assert_eq!(error(&["dAemonize", "yes"]), failed("dAemonize", "can't set immutable config"));
        assert_eq!(error(&["dir", "/"]), failed("dir", "can't set protected config"));
        assert_eq!(
            error(&["maxmemory", "1", "nosuch", "1"]),
            "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"
        );
        assert_eq!(error(&["hz", "20", "timeout", "x"]), failed("timeout", not_integer));
        let choices = "argument(s) must be one of the following: default, save, nosave, now, force";
        assert_eq!(error(&["shutdown-on-sigint", ""]), failed("shutdown-on-sigint", choices));
        assert_eq!(error(&["save", "900 1 "]), failed("save", "Invalid save parameters"));
    }

    #[test]
    fn some_parameters_wait_for_loading_to_end() {
        let context = SetContext { loading: true, ..SetContext::default() };
        let mut config = Config::default();
        let error = set(&mut config, &["appendonly", "yes"], context).expect_err("refused");
        assert_eq!(error.to_string(), "LOADING Redis is loading the dataset in memory");
        assert!(set(&mut config, &["maxmemory", "1"], context).is_ok());
    }

    #[test]
    fn changes_can_be_reverted() {
        let mut config = Config::default();
        let words = ["port", "7000", "maxmemory", "100mb", "timeout", "0", "save", "1 2"];
        let changes = set(&mut config, &words, SetContext::default()).expect("is set");
        assert_eq!(config.network.port, 7000);
        assert_eq!(config.memory.maxmemory, 100 << 20);
        let names: Vec<&str> = changes.iter().map(|change| change.parameter.name).collect();
        assert_eq!(names, ["port", "maxmemory", "save"], "timeout kept its value");
        assert!(changes.includes("port") && !changes.includes("timeout"));
        assert_eq!(changes.iter().next().map(|change| change.old.as_slice()), Some(&b"6379"[..]));
        config.revert(changes);
        assert_eq!(config, Config::default());
    }

    #[test]
    fn values_of_several_words_come_in_one() {
        let mut config = Config::default();
        let words = [
            "save",
            "",
            "bind",
            "a b",
            "client-output-buffer-limit",
            "slave 1gb 1m 3",
            "latency-tracking-info-percentiles",
            "",
            "slave-priority",
            "1",
            "replica-priority",
            "2",
        ];
        let changes = set(&mut config, &words, SetContext::default()).expect("is set");
        assert!(config.persistence.save.0.is_empty());
        assert_eq!(config.network.bind.0, ["a", "b"]);
        assert_eq!(config.network.client_output_buffer_limit.replica.hard_bytes, 1 << 30);
        assert_eq!(config.replication.replica_priority, 2);
        assert!(changes.includes("bind"));
    }

    #[test]
    fn protected_parameters_can_be_allowed() {
        let mut config = Config::default();
        let context = SetContext { protected_allowed: true, ..SetContext::default() };
        assert!(set(&mut config, &["dbfilename", "x.rdb"], context).is_ok());
        assert_eq!(config.persistence.dbfilename, "x.rdb");
    }

    #[test]
    fn files_are_read_again_when_set_again() {
        let mut config = Config::default();
        let words = ["tls-cert-file", "", "tls-port", "0"];
        let changes = set(&mut config, &words, SetContext::default()).expect("is set");
        assert!(changes.includes("tls-cert-file") && !changes.includes("tls-port"));
    }
}
