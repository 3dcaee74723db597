//! What a server says about how it keeps data: it belongs to every result.

use dunlin_resp::Value;

use crate::connection::{Connection, Endpoint, Peer};
use crate::failure::Failure;
use crate::options::Target;

/// Two parameters of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostConfig {
    pub(crate) save: String,
    pub(crate) appendonly: String,
}

impl HostConfig {
    /// Asks a server, and says where it is. `None` where it does not answer CONFIG.
    ///
    /// # Errors
    /// It cannot be reached, or does not let us in.
    pub(crate) fn fetch(
        endpoint: &Endpoint,
        target: &Target,
    ) -> Result<(Option<Self>, Peer), Failure> {
        let mut connection = Connection::open(endpoint, target)?;
        let mut parameter = |name: &[u8]| match connection.ask(&[b"CONFIG", b"GET", name]) {
            Ok(Value::Error(text)) if text.starts_with(b"NOAUTH") => Err(connection.refused(&text)),
            Ok(reply) => Ok(value(&reply)),
            Err(_) => Ok(None),
        };
        let save = parameter(b"save")?;
        let appendonly = parameter(b"appendonly")?;
        let config = save.zip(appendonly).map(|(save, appendonly)| Self { save, appendonly });
        Ok((config, connection.peer().clone()))
    }
}

/// The value in a reply to CONFIG GET of one parameter.
fn value(reply: &Value) -> Option<String> {
    let value = match reply {
        Value::Map(pairs) => pairs.first().map(|pair| &pair.1),
        other => other.items().and_then(|items| items.get(1)),
    };
    value.and_then(Value::bytes).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let bulk = |text: &str| Value::Bulk(text.into());
        let reply = Value::Array(vec![bulk("save"), bulk("60 1")]);
        assert_eq!(value(&reply).as_deref(), Some("60 1"));
        let reply = Value::Map(vec![(bulk("save"), bulk(""))]);
        assert_eq!(value(&reply).as_deref(), Some(""));
        for reply in [Value::Array(Vec::new()), Value::Error(b"ERR".to_vec()), Value::Integer(1)] {
            assert_eq!(value(&reply), None);
        }
    }
}
