//! COMMAND LIST: names, of all commands or of those that fit.

use dunlin_spec::{Categories, CommandSpec};
use dunlin_stdx::glob::{self, Case};

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

/// Which commands are listed.
enum Filter<'a> {
    All,
    /// None: there are no modules, or no category of that name.
    Nothing,
    Category(Categories),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>) -> Result<Self, CommandError> {
        if args.len() == 2 {
            return Ok(Self::All);
        }
        if args.len() != 5 || !args.is(2, "filterby") {
            return Err(CommandError::Syntax);
        }
        match args.get(3) {
            word if word.eq_ignore_ascii_case(b"module") => Ok(Self::Nothing),
            word if word.eq_ignore_ascii_case(b"aclcat") => {
                Ok(Categories::from_word(args.get(4)).map_or(Self::Nothing, Self::Category))
            }
            word if word.eq_ignore_ascii_case(b"pattern") => Ok(Self::Pattern(args.get(4))),
            _ => Err(CommandError::Syntax),
        }
    }

    fn admits(&self, spec: &CommandSpec) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Category(category) => spec.acl_categories().contains(*category),
            Self::Pattern(pattern) => {
                glob::matches(pattern, spec.name().as_bytes(), Case::Insensitive)
            }
        }
    }
}

/// COMMAND LIST.
pub(super) fn list(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let filter = Filter::parse(args)?;
    let list = cx.reply.deferred_array();
    let mut listed = 0;
    for (_, container) in cx.table.named() {
        for registered in std::iter::once(&container).chain(cx.table.subcommands(container)) {
            let spec = &registered.command.spec;
            if registered.command.is_listed() && filter.admits(spec) {
                cx.reply.bulk(spec.name().as_bytes());
                listed += 1;
            }
        }
    }
    cx.reply.set_array(list, listed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter<'a>(words: &'a [&'a [u8]]) -> Result<Filter<'a>, CommandError> {
        Filter::parse(Args::new(words))
    }

    #[test]
    fn filters_are_read() {
        let filtered = |kind: &'static [u8], what: &'static [u8]| {
            let words: [&[u8]; 5] = [b"command", b"list", b"filterBY", kind, what];
            let spec = CommandSpec::new("config|get", dunlin_spec::Group::Server, 1);
            filter(&words).map(|filter| filter.admits(&spec))
        };
        assert_eq!(filtered(b"pattern", b"CONFIG|*"), Ok(true));
        assert_eq!(filtered(b"PATTERN", b"get"), Ok(false));
        assert_eq!(filtered(b"aclcat", b"Slow"), Ok(true));
        assert_eq!(filtered(b"aclcat", b"@slow"), Ok(false));
        assert_eq!(filtered(b"module", b"x"), Ok(false));
        assert_eq!(filtered(b"x", b"x"), Err(CommandError::Syntax));
        assert!(filter(&[b"command", b"list"]).is_ok());
        for words in [&[&b"c"[..], b"l", b"filterby"][..], &[b"c", b"l", b"x", b"aclcat", b"y"]] {
            assert!(matches!(filter(words), Err(CommandError::Syntax)));
        }
    }
}
