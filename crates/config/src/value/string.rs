//! Strings: passwords, paths, names.

use super::{Line, Value, Words, line, quoted};
use crate::parameter::{Kind, Parameter};
use crate::title;
use crate::{Invalid, Text};

/// Host names are shorter than this.
const HOSTNAME_LEN_MAX: usize = 256;

impl Value for Text {
    fn parse(words: Words<'_>, parameter: &Parameter, _: &Text) -> Result<Text, Invalid> {
        let word = words.one()?;
        check(word, parameter)?;
        Ok(Text::from(word))
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        self.to_vec()
    }

    fn written(&self, _: &Kind) -> Vec<u8> {
        quoted(self)
    }

    fn lines(&self, default: &Text, parameter: &Parameter) -> Vec<Line> {
        let absent_when_empty =
            matches!(parameter.kind, Kind::Optional | Kind::Hostname | Kind::NodeName);
        if absent_when_empty && self.is_empty() {
            return Vec::new();
        }
        let forced = self != default || parameter.kind == Kind::Directory;
        vec![line(parameter, &self.written(&parameter.kind), forced)]
    }
}

fn check(word: &[u8], parameter: &Parameter) -> Result<(), Invalid> {
    match parameter.kind {
        Kind::BaseName { what, may_be_empty } => {
            if word.is_empty() && !may_be_empty {
                return Err(Invalid::Empty(parameter.name));
            }
            if word.contains(&b'/') || word.contains(&b'\\') {
                return Err(Invalid::NotBaseName { parameter: parameter.name, what });
            }
            Ok(())
        }
        Kind::Hostname => {
            if word.len() >= HOSTNAME_LEN_MAX {
                return Err(Invalid::HostnameLength);
            }
            let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
            word.iter().all(allowed).then_some(()).ok_or(Invalid::HostnameCharacter)
        }
        Kind::NodeName => {
            let refused = |byte: &u8| b"!#$%&()*+:;<>?@[]^{|}~\0".contains(byte);
            if word.iter().any(refused) { Err(Invalid::NodeNameCharacter) } else { Ok(()) }
        }
        Kind::TitleTemplate => title::is_valid(word).then_some(()).ok_or(Invalid::TitleTemplate),
        _ => Ok(()),
    }
}
