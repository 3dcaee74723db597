//! A terminal with a program on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use dunlin_testkit::{DEADLINE, wait_for};
use nix::pty::{Winsize, openpty};

/// What a person sees and types.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
    /// Ends when all was shown that the program has written.
    reader: JoinHandle<()>,
    /// What was waited for already lies before.
    seen: usize,
}

impl Terminal {
    /// Starts a program on a terminal of its own, so that Ctrl-C reaches it.
    pub(crate) fn start(program: &Command) -> Terminal {
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        let side = |fd: &OwnedFd| fd.try_clone().expect("a descriptor");
        // What makes the terminal that of the program is not safe to do here.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", "bash", "-c", "exec -a \"$0\" \"$@\"", "redis-cli"]);
        command.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command
            .stdin(side(&pty.slave))
            .stdout(side(&pty.slave))
            .stderr(pty.slave)
            .spawn()
            .expect("setsid and bash");
        let mut screen = File::from(side(&pty.master));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&shown);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of the program is an error of its terminal.
            while let Ok(len) = screen.read(&mut bytes)
                && len > 0
            {
                kept.lock().expect("nobody panics").extend_from_slice(&bytes[..len]);
            }
        });
        Terminal { child, keys: File::from(pty.master), shown, reader, seen: 0 }
    }

    /// Types keys.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal is there");
    }

    /// Types a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.type_keys(line);
        self.type_keys("\r");
    }

    /// Waits until `text` is shown behind what was waited for before. How the terminal is told to
    /// move and to colour does not count, nor do carriage returns.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let seen = self.seen;
        let find = || plain(&self.shown.lock().expect("nobody panics"))[seen..].find(text);
        let what = format!("'{}' on the screen", text.escape_debug());
        let deadline = std::time::Instant::now() + DEADLINE;
        while find().is_none() && std::time::Instant::now() < deadline {
            thread::yield_now();
        }
        let Some(at) = find() else { panic!("{what}:\n{}", &self.screen()[seen..]) };
        self.seen = seen + at + text.len();
    }

    /// All that was shown.
    pub(crate) fn screen(&self) -> String {
        plain(&self.shown.lock().expect("nobody panics"))
    }

    /// The bytes that were shown.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shown.lock().expect("nobody panics").clone()
    }

    /// Waits for the end of the program and of what it shows, and gives its exit code.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        wait_for("the end of the program", DEADLINE, || {
            self.child.try_wait().expect("a child").is_some() && self.reader.is_finished()
        });
        self.child.wait().expect("a child").code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The end of its terminal ends the program; both fail only if it has ended.
        let _ = self.keys.write_all(b"\x03\x04");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Without escape sequences and carriage returns.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(symbol) = rest.next() {
        match symbol {
            '\x1b' => {
                if rest.next() == Some('[') {
                    for next in rest.by_ref() {
                        if next.is_ascii_alphabetic() {
                            break;
                        }
                    }
                }
            }
            '\r' => {}
            symbol => plain.push(symbol),
        }
    }
    plain
}
