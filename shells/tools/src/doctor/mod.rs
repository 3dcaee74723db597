//! `dunlin doctor`: what of this machine would keep a server from running well, and the command that
//! mends it.
//!
//! [`read`] gathers facts, [`findings`] judges them without touching anything.

mod facts;
mod findings;
mod read;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use findings::{Finding, Level};

use crate::command_line::options_or_end;
use crate::json;

/// What `--help` prints.
const HELP: &str = "\
Usage: dunlin doctor [--port P]... [--dir DIR] [--json]

Checks this machine for a server: limits of the kernel and of files, ports and their bus ports,
clock, disk. Says what to run where something is in the way. Exit code 1 if something is.

  --port P   a port that a server is to have (default 6379); may be given several times
  --dir DIR  where its data is to be (default .)
  --json     print the findings as JSON
";

const PORT: u16 = 6379;

/// The command line.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    ports: Vec<u16>,
    dir: PathBuf,
    is_json: bool,
}

/// Runs `dunlin doctor ...`.
pub fn doctor(arguments: &[OsString]) -> ExitCode {
    let options = match options_or_end("doctor", HELP, parse(arguments)) {
        Ok(options) => options,
        Err(end) => return end,
    };
    let findings = findings::judge(&read::facts(&options.ports, &options.dir));
    let text = if options.is_json { as_json(&findings) } else { as_text(&findings) };
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    let is_well = findings.iter().all(|finding| finding.level != Level::Problem);
    if is_well && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads the options; `None` asks for help.
fn parse(words: &[OsString]) -> Result<Option<Options>, String> {
    let mut options = Options { ports: Vec::new(), dir: ".".into(), is_json: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{} needs a value", word.display()));
        match word.to_str() {
            Some("--port" | "-p") => {
                let value = value()?;
                let port =
                    value.to_str().and_then(|text| text.parse().ok()).filter(|&port| port > 0);
                let why = || format!("--port must be 1 to 65535, not '{}'", value.display());
                options.ports.push(port.ok_or_else(why)?);
            }
            Some("--dir") => options.dir = value()?.into(),
            Some("--json") => options.is_json = true,
            Some("--help" | "-h") => return Ok(None),
            _ => return Err(format!("there is no option '{}'", word.display())),
        }
    }
    if options.ports.is_empty() {
        options.ports.push(PORT);
    }
    Ok(Some(options))
}

fn as_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, level, text: what, fix } in findings {
        text += &format!("{:<8} {check:<13} {what}\n", level.name());
        if let Some(fix) = fix {
            text += &format!("{:22} run: {fix}\n", "");
        }
    }
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
    text + &match problems {
        0 => "\nNothing is in the way of a server.\n".to_owned(),
        1 => "\n1 problem.\n".to_owned(),
        problems => format!("\n{problems} problems.\n"),
    }
}

fn as_json(findings: &[Finding]) -> String {
    let object = |finding: &Finding| {
        let fix = finding.fix.as_deref().map_or_else(|| "null".to_owned(), json::string);
        format!(
            "{{\"check\":{},\"level\":{},\"text\":{},\"fix\":{fix}}}",
            json::string(finding.check),
            json::string(finding.level.name()),
            json::string(&finding.text),
        )
    };
    let is_well = findings.iter().all(|finding| finding.level != Level::Problem);
    let findings: Vec<String> = findings.iter().map(object).collect();
    format!("{{\"ok\":{is_well},\"findings\":[{}]}}\n", findings.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Options>, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        let options = Options { ports: vec![6379], dir: ".".into(), is_json: false };
        assert_eq!(parsed(""), Ok(Some(options)));
        let options = Options { ports: vec![1, 2], dir: "/d".into(), is_json: true };
        assert_eq!(parsed("--port 1 -p 2 --dir /d --json"), Ok(Some(options)));
        assert_eq!(parsed("-h"), Ok(None));
        for (line, why) in [
            ("--port", "--port needs a value"),
            ("--port 0", "--port must be 1 to 65535, not '0'"),
            ("x", "there is no option 'x'"),
        ] {
            assert_eq!(parsed(line), Err(why.to_owned()));
        }
    }

    #[test]
    fn both_forms() {
        let finding = |level, fix: Option<&str>| Finding {
            check: "files",
            level,
            text: "few \"files\"".to_owned(),
            fix: fix.map(str::to_owned),
        };
        let findings = [finding(Level::Ok, None), finding(Level::Problem, Some("ulimit -n 9"))];
        assert_eq!(
            as_text(&findings),
            "ok       files         few \"files\"\nproblem  files         few \"files\"\n\
             \x20                      run: ulimit -n 9\n\n1 problem.\n"
        );
        assert_eq!(
            as_json(&findings),
            "{\"ok\":false,\"findings\":[\
             {\"check\":\"files\",\"level\":\"ok\",\"text\":\"few \\\"files\\\"\",\"fix\":null},\
             {\"check\":\"files\",\"level\":\"problem\",\"text\":\"few \\\"files\\\"\",\
             \"fix\":\"ulimit -n 9\"}]}\n"
        );
    }
}
