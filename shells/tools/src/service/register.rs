//! How a system learns of a service.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// The commands of a system.
pub(super) trait Commands {
    /// Whether there is such a program.
    fn has(&self, name: &str) -> bool;
    /// Runs it; whether it went well.
    fn run(&mut self, program: &str, arguments: &[&str]) -> bool;
    /// Whether systemd is what started this system.
    fn is_systemd_running(&self) -> bool;
}

/// The commands of this system.
pub(super) struct System;

impl Commands for System {
    fn has(&self, name: &str) -> bool {
        super::on_path(name).is_some()
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> bool {
        Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
    }

    fn is_systemd_running(&self) -> bool {
        is_systemd_running()
    }
}

/// As sd_booted(3) tells it.
pub(super) fn is_systemd_running() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Has the service started with the system.
pub(super) fn register(
    commands: &mut dyn Commands,
    port: u16,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = &format!("redis_{port}");
    writeln!(out, "Installing service...")?;
    if commands.is_systemd_running() {
        commands.run("systemctl", &["daemon-reload"]);
        if commands.run("systemctl", &["enable", name]) {
            writeln!(out, "Success!")?;
        }
    } else if commands.has("chkconfig") {
        if commands.run("chkconfig", &["--add", name]) {
            writeln!(out, "Successfully added to chkconfig!")?;
        }
        if commands.run("chkconfig", &["--level", "345", name, "on"]) {
            writeln!(out, "Successfully added to runlevels 345!")?;
        }
    } else if commands.has("update-rc.d") {
        if commands.run("update-rc.d", &[name, "defaults"]) {
            writeln!(out, "Success!")?;
        }
    } else {
        writeln!(out, "No supported init tool found.")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these programs, whose commands go well unless they are listed as failing.
    struct Fake {
        programs: &'static [&'static str],
        failing: &'static str,
        ran: Vec<String>,
    }

    impl Commands for Fake {
        fn has(&self, name: &str) -> bool {
            self.programs.contains(&name)
        }

        fn run(&mut self, program: &str, arguments: &[&str]) -> bool {
            let line = format!("{program} {}", arguments.join(" "));
            let is_well = self.failing.is_empty() || !line.contains(self.failing);
            self.ran.push(line);
            is_well
        }

        fn is_systemd_running(&self) -> bool {
            self.has("systemctl")
        }
    }

    #[track_caller]
    fn check(programs: &'static [&'static str], failing: &'static str, out: &str, ran: &[&str]) {
        let mut fake = Fake { programs, failing, ran: Vec::new() };
        let mut printed = Vec::new();
        register(&mut fake, 6380, &mut printed).expect("printed");
        let expected = format!("Installing service...\n{out}");
        assert_eq!(String::from_utf8(printed).expect("text"), expected);
        assert_eq!(fake.ran, ran);
    }

    #[test]
    fn every_system_has_its_way() {
        check(
            &["chkconfig", "update-rc.d"],
            "",
            "Successfully added to chkconfig!\nSuccessfully added to runlevels 345!\n",
            &["chkconfig --add redis_6380", "chkconfig --level 345 redis_6380 on"],
        );
        check(&["update-rc.d"], "", "Success!\n", &["update-rc.d redis_6380 defaults"]);
        check(
            &["systemctl", "update-rc.d"],
            "",
            "Success!\n",
            &["systemctl daemon-reload", "systemctl enable redis_6380"],
        );
        check(&[], "", "No supported init tool found.\n", &[]);
    }

    #[test]
    fn failure_is_not_told_as_success() {
        check(
            &["chkconfig"],
            "--add",
            "Successfully added to runlevels 345!\n",
            &["chkconfig --add redis_6380", "chkconfig --level 345 redis_6380 on"],
        );
        check(&["update-rc.d"], "update", "", &["update-rc.d redis_6380 defaults"]);
    }
}
