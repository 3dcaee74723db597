//! What is asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::report::Stop;

/// What may be done to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    Look,
    /// The last one is cut back to what is whole.
    Fix,
    /// The last one is cut where it goes beyond this time, in seconds since the Unix epoch.
    TruncateToTime(i64),
}

impl Mode {
    /// The time beyond which the log is to be cut.
    pub(super) const fn limit_s(self) -> Option<i64> {
        match self {
            Self::TruncateToTime(limit_s) => Some(limit_s),
            Self::Look | Self::Fix => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: PathBuf,
    pub(super) mode: Mode,
}

impl Request {
    pub(super) fn parse(title: &str, arguments: &[OsString]) -> Result<Self, Stop> {
        let usage = || {
            Stop::line(format!(
                "Usage: {title} [--fix|--truncate-to-timestamp $timestamp] \
                 <file.manifest|file.aof>"
            ))
        };
        let (mode, path) = match arguments {
            [path] => (Mode::Look, path),
            [option, path] if option == "--fix" => (Mode::Fix, path),
            [option, time, path] if option == "--truncate-to-timestamp" => {
                let time = time.to_str().and_then(|time| time.trim_ascii_start().parse().ok());
                match time {
                    // Redis takes zero for no time at all.
                    Some(0) => (Mode::Look, path),
                    Some(time_s) => (Mode::TruncateToTime(time_s), path),
                    None => return Err(Stop::line("Invalid timestamp, aborting...".to_owned())),
                }
            }
            _ => return Err(usage()),
        };
        Ok(Self { path: PathBuf::from(path), mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<(Mode, String), String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        match Request::parse("check", &words) {
            Ok(request) => Ok((request.mode, request.path.display().to_string())),
            Err(stop) => Err(stop.lines.join("\n")),
        }
    }

    #[test]
    fn arguments() {
        let path = || "file".to_owned();
        assert_eq!(parse(&["file"]), Ok((Mode::Look, path())));
        assert_eq!(parse(&["--fix", "file"]), Ok((Mode::Fix, path())));
        let time = |time| parse(&["--truncate-to-timestamp", time, "file"]);
        assert_eq!(time("12"), Ok((Mode::TruncateToTime(12), path())));
        assert_eq!(time("0"), Ok((Mode::Look, path())));
        assert_eq!(time("12x"), Err("Invalid timestamp, aborting...".to_owned()));
        for words in [&[][..], &["--what", "file"], &["--fix", "a", "b"], &["a", "b", "c", "d"]] {
            assert_eq!(
                parse(words),
                Err("Usage: check [--fix|--truncate-to-timestamp $timestamp] \
                     <file.manifest|file.aof>"
                    .to_owned())
            );
        }
    }
}
