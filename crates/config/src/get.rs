//! CONFIG GET.

use dunlin_stdx::glob::{self, Case};

use crate::Config;
use crate::parameter::{Class, Named, find_name, names};

impl Config {
    /// The value of the parameter with this name or alias, as CONFIG GET shows it.
    pub fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        find_name(name).map(|named| self.shown(named))
    }

    fn shown(&self, named: Named) -> Vec<u8> {
        (named.parameter.show)(self, named.parameter)
    }

    /// Names and values for CONFIG GET with `patterns`.
    ///
    /// A pattern without `*`, `?` and `[` is a name: it answers as it was written, in whatever
    /// letter case. Other patterns match names and aliases but no hidden parameters. No name is
    /// answered twice. The order is that of the patterns, and alphabetical within one (in Redis
    /// it changes with every start).
    pub fn matching(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut taken = vec![false; names().len()];
        let mut found = Vec::new();
        for pattern in patterns {
            let is_name = !pattern.iter().any(|byte| b"*?[".contains(byte));
            for (named, taken) in names().iter().zip(&mut taken) {
                let hidden = named.parameter.class.contains(Class::HIDDEN);
                let matches = if is_name {
                    pattern.eq_ignore_ascii_case(named.name.as_bytes())
                } else {
                    !hidden && glob::matches(pattern, named.name.as_bytes(), Case::Insensitive)
                };
                if matches && !std::mem::replace(taken, true) {
                    let name = if is_name { pattern.to_vec() } else { named.name.into() };
                    found.push((name, self.shown(*named)));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_for(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let found = Config::default().matching(&patterns);
        found.into_iter().map(|(name, _)| String::from_utf8_lossy(&name).into_owned()).collect()
    }

    #[test]
    fn names_answer_as_asked_and_once() {
        assert_eq!(names_for(&["Port", "PORT", "por?", "nosuch"]), ["Port"]);
        assert_eq!(names_for(&["slave-priority"]), ["slave-priority"]);
        assert_eq!(names_for(&["*-PRIORITY", "hz"]), ["replica-priority", "slave-priority", "hz"]);
        assert_eq!(names_for(&["h[xyz]"]), ["hz"]);
    }

    #[test]
    fn hidden_parameters_answer_to_their_name_alone() {
        assert_eq!(names_for(&["watchdog-period"]), ["watchdog-period"]);
        assert!(names_for(&["watchdog*"]).is_empty());
    }

    #[test]
    fn every_name_is_found_in_any_case() {
        let config = Config::default();
        for named in names() {
            assert!(config.get(named.name.to_uppercase().as_bytes()).is_some(), "{}", named.name);
        }
        assert_eq!(config.get(b"nosuch"), None);
        assert_eq!(config.get(b""), None);
    }
}
