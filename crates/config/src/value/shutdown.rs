//! What a shutdown signal does.

use super::{Value, Words, join};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

bitflags::bitflags! {
    /// Options of a shutdown by signal; none is the default: save if there are save points.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ShutdownOptions: u8 {
        /// Take a snapshot even without save points.
        const SAVE = 1;
        /// Take no snapshot.
        const NOSAVE = 1 << 1;
        /// Do not wait for replicas.
        const NOW = 1 << 2;
        /// Exit even when saving fails.
        const FORCE = 1 << 3;
    }
}

impl ShutdownOptions {
    const NAMES: &'static [&'static str] = &["default", "save", "nosave", "now", "force"];
    const OPTIONS: [ShutdownOptions; 5] =
        [Self::empty(), Self::SAVE, Self::NOSAVE, Self::NOW, Self::FORCE];
}

impl Value for ShutdownOptions {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        let unknown = Invalid::NotOneOf(Self::NAMES);
        if words.words.is_empty() {
            return Err(unknown);
        }
        let mut options = ShutdownOptions::empty();
        for word in words.words {
            let place = Self::NAMES
                .iter()
                .position(|name| word.eq_ignore_ascii_case(name.as_bytes()))
                .ok_or(unknown.clone())?;
            options |= Self::OPTIONS[place];
        }
        if options.contains(Self::SAVE | Self::NOSAVE) {
            return Err(Invalid::SaveAndNosave);
        }
        Ok(options)
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        if self.is_empty() {
            return b"default".to_vec();
        }
        let chosen = Self::NAMES.iter().zip(Self::OPTIONS);
        let chosen = chosen.filter(|(_, option)| !option.is_empty() && self.contains(*option));
        join(chosen.map(|(name, _)| name))
    }
}
