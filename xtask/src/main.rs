//! Chores of the repository. `cargo xtask` lists them.

#![forbid(unsafe_code)]

mod dist;
mod docs;
mod layers;
mod oracle;
mod sums;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask CHORE

  layers  check that arrows between crates only point downward
  dist [--binary PATH] [--out DIR]
          write the release tree, its archive and the plain executable to DIR (target/dist);
          builds the executable unless PATH names one
  tidy    check what rustfmt and clippy do not look at
  docs [--check]
          write docs/commands.md and docs/config.md from the tables of the code,
          or check that they are up to date
  oracle [--only CAPABILITY[/NAME]] [--binary PATH]
          play the scripts of tests/oracle and compare with the recorded replies;
          builds nothing: PATH defaults to $DUNLIN_BIN or the newest target/*/dunlin
  record --server PATH [--only CAPABILITY[/NAME]]
          play them against a real Redis 7.2 and write its replies down
  vectors --server PATH
          write the random INCRBYFLOAT sums (same inputs every time)
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let chore = words.next().unwrap_or_default();
    let options = match Options::read(words) {
        Ok(options) => options,
        Err(why) => return fail(&format!("{why}\n\n{USAGE}")),
    };
    let result = match chore.as_str() {
        "dist" => dist::run(&options),
        "docs" => docs::run(&options),
        "layers" => layers::check(),
        "tidy" => tidy::check(),
        "oracle" => oracle::check(&options),
        "record" => oracle::record(&options),
        "vectors" => sums::record(&options),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("{}", why.trim_end());
    ExitCode::FAILURE
}

/// The options that chores take.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// `--only`: the scripts to play.
    only: Option<String>,
    /// `--check`: write nothing.
    check: bool,
    /// `--binary`: the program under test.
    binary: Option<std::path::PathBuf>,
    /// `--out`: where to write.
    out: Option<std::path::PathBuf>,
    /// `--server`: a real Redis.
    server: Option<std::path::PathBuf>,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--only" => options.only = Some(value()?),
                "--check" => options.check = true,
                "--binary" => options.binary = Some(value()?.into()),
                "--out" => options.out = Some(value()?.into()),
                "--server" => options.server = Some(value()?.into()),
                _ => return Err(format!("unknown option {word}")),
            }
        }
        Ok(options)
    }

    fn server(&self) -> Result<&std::path::Path, String> {
        self.server.as_deref().ok_or_else(|| "--server PATH of a real Redis is needed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_options() {
        let read = |line: &str| Options::read(line.split_whitespace().map(str::to_owned));
        let options = read("--only string/set --server /r").expect("valid options");
        assert_eq!(options.only.as_deref(), Some("string/set"));
        assert!(options.server().is_ok());
        assert_eq!(read("--only"), Err("--only needs a value".to_owned()));
        assert_eq!(read("-x"), Err("unknown option -x".to_owned()));
    }
}
