//! Commands within a run of whole ones.

use crate::log::header::{self, Header};

/// Reads the commands of a run that [`crate::LogReader`] found to be whole. Ends early on bytes
/// that are none.
#[derive(Clone, Debug)]
pub struct Commands<'a> {
    rest: &'a [u8],
}

impl<'a> Commands<'a> {
    /// The commands in `run`.
    #[must_use]
    pub const fn new(run: &'a [u8]) -> Self {
        Self { rest: run }
    }
}

impl<'a> Iterator for Commands<'a> {
    type Item = Command<'a>;

    fn next(&mut self) -> Option<Command<'a>> {
        let Ok(Header::Whole { number, len_bytes }) = header::read(self.rest, b'*') else {
            return None;
        };
        let start = Arguments { rest: &self.rest[len_bytes..], left: number };
        let mut arguments = start.clone();
        let name = arguments.next()?;
        for _ in 1..number {
            arguments.next()?;
        }
        let len_bytes = self.rest.len() - arguments.rest.len();
        let (bytes, rest) = self.rest.split_at(len_bytes);
        self.rest = rest;
        Some(Command { bytes, name, arguments: start })
    }
}

/// One command as it stands in the log.
#[derive(Clone, Debug)]
pub struct Command<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// Its first word, in the case in which it was written.
    pub name: &'a [u8],
    arguments: Arguments<'a>,
}

impl<'a> Command<'a> {
    /// Its words, the name first.
    #[must_use]
    pub fn arguments(&self) -> Arguments<'a> {
        self.arguments.clone()
    }
}

/// The words of a command.
#[derive(Clone, Debug)]
pub struct Arguments<'a> {
    rest: &'a [u8],
    left: i64,
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left <= 0 {
            return None;
        }
        let Ok(Header::Whole { number, len_bytes }) = header::read(self.rest, b'$') else {
            return None;
        };
        let len = usize::try_from(number).ok()?;
        let end = len_bytes.checked_add(len)?;
        let argument = self.rest.get(len_bytes..end)?;
        self.rest = self.rest.get(end + 2..)?;
        self.left -= 1;
        Some(argument)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_and_their_words() {
        let run = b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nset\r\n$1\r\nk\r\n$0\r\n\r\n";
        let commands: Vec<Vec<&[u8]>> =
            Commands::new(run).map(|command| command.arguments().collect()).collect();
        assert_eq!(commands, [vec![&b"SELECT"[..], b"3"], vec![b"set", b"k", b""]]);
        let names: Vec<&[u8]> = Commands::new(run).map(|command| command.name).collect();
        assert_eq!(names, [&b"SELECT"[..], b"set"]);
        let len: usize = Commands::new(run).map(|command| command.bytes.len()).sum();
        assert_eq!(len, run.len());
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(prop::sample::select(&b"*$0129-\r\nab"[..]), 0..60)) {
            for command in Commands::new(&bytes) {
                prop_assert!(command.arguments().count() > 0);
            }
        }
    }
}
