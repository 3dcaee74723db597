//! The questions, and what answers them.

use std::ffi::OsStr;
use std::io::{self, BufRead, Write};

use super::Stop;

const PORT: &str = "6379";

/// What there is to know about the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) port: u16,
    pub(super) config_file: String,
    pub(super) log_file: String,
    pub(super) data_dir: String,
    pub(super) executable: String,
    /// The client that stops it.
    pub(super) client: String,
}

/// Where answers come from and where questions go.
pub(super) struct Dialogue<'a> {
    pub(super) input: &'a mut dyn BufRead,
    pub(super) out: &'a mut dyn Write,
    pub(super) prompts: &'a mut dyn Write,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The file of a program on the path.
    pub(super) find: &'a dyn Fn(&str) -> Option<String>,
    pub(super) is_executable: &'a dyn Fn(&OsStr) -> bool,
}

impl Dialogue<'_> {
    /// Asks for everything that the environment does not say, and shows what was chosen.
    ///
    /// # Errors
    /// There is no server program, or the port is none.
    pub(super) fn ask(&mut self) -> Result<Answers, Stop> {
        let mut was_asked = false;
        let port = self.port(&mut was_asked)?;
        let config_default = format!("/etc/redis/{port}.conf");
        let config_file = self.file(
            "REDIS_CONFIG_FILE",
            "Please select the redis config file name",
            &config_default,
            &mut was_asked,
        )?;
        let log_default = format!("/var/log/redis_{port}.log");
        let log_file = self.file(
            "REDIS_LOG_FILE",
            "Please select the redis log file name",
            &log_default,
            &mut was_asked,
        )?;
        let data_default = format!("/var/lib/redis/{port}");
        let data_dir = self.file(
            "REDIS_DATA_DIR",
            "Please select the data directory for this instance",
            &data_default,
            &mut was_asked,
        )?;
        let executable = self.executable(&mut was_asked)?;
        let client = (self.find)("redis-cli").unwrap_or_else(|| beside(&executable, "redis-cli"));
        let answers = Answers { port, config_file, log_file, data_dir, executable, client };
        self.show(&answers)?;
        if was_asked {
            self.question("Is this ok? Then press ENTER to go on or Ctrl-C to abort.")?;
        }
        Ok(answers)
    }

    fn show(&mut self, answers: &Answers) -> io::Result<()> {
        let Answers { port, config_file, log_file, data_dir, executable, client } = answers;
        writeln!(
            self.out,
            "Selected config:\nPort           : {port}\nConfig file    : {config_file}\n\
             Log file       : {log_file}\nData dir       : {data_dir}\n\
             Executable     : {executable}\nCli Executable : {client}"
        )
    }

    fn port(&mut self, was_asked: &mut bool) -> Result<u16, Stop> {
        let is_number =
            |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = match (self.environment)("REDIS_PORT").filter(is_number) {
            Some(text) => text,
            None => {
                *was_asked = true;
                let prompt = format!("Please select the redis port for this instance: [{PORT}] ");
                let answer = Some(self.question(&prompt)?).filter(is_number);
                match answer {
                    Some(answer) => answer,
                    None => {
                        writeln!(self.out, "Selecting default: {PORT}")?;
                        PORT.to_owned()
                    }
                }
            }
        };
        let port = text.parse().ok().filter(|&port: &u16| port > 0);
        port.ok_or_else(|| Stop::Failed(format!("{text} is not a port, which is 1 to 65535")))
    }

    fn file(
        &mut self,
        variable: &str,
        prompt: &str,
        default: &str,
        was_asked: &mut bool,
    ) -> Result<String, Stop> {
        if let Some(value) = (self.environment)(variable).filter(|value| !value.is_empty()) {
            return Ok(value);
        }
        *was_asked = true;
        let answer = self.question(&format!("{prompt} [{default}] "))?;
        if !answer.is_empty() {
            return Ok(answer);
        }
        writeln!(self.out, "Selected default - {default}")?;
        Ok(default.to_owned())
    }

    fn executable(&mut self, was_asked: &mut bool) -> Result<String, Stop> {
        let is_executable = self.is_executable;
        let runs = |path: &String| is_executable(OsStr::new(path));
        if let Some(path) = (self.environment)("REDIS_EXECUTABLE").filter(runs) {
            return Ok(path);
        }
        *was_asked = true;
        let default = (self.find)("redis-server").unwrap_or_default();
        let prompt = format!("Please select the redis executable path [{default}] ");
        let answer = self.question(&prompt)?;
        let chosen = [answer, default].into_iter().find(runs);
        chosen.ok_or(Stop::NoExecutable)
    }

    /// Asks, and reads a line without the blanks around it; nothing at the end of the input.
    fn question(&mut self, prompt: &str) -> io::Result<String> {
        self.out.flush()?;
        write!(self.prompts, "{prompt}").and_then(|()| self.prompts.flush())?;
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

/// The path of a program in the same directory.
fn beside(executable: &str, name: &str) -> String {
    match executable.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/{name}"),
        None => format!("./{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the dialogue; returns the answers, what was printed and what was asked.
    fn dialogue(
        input: &str,
        environment: &[(&str, &str)],
        path: &[&str],
    ) -> (Result<Answers, String>, String, String) {
        let (mut out, mut prompts) = (Vec::new(), Vec::new());
        let mut input = input.as_bytes();
        let answers = Dialogue {
            input: &mut input,
            out: &mut out,
            prompts: &mut prompts,
            environment: &|name| {
                let found = environment.iter().find(|variable| variable.0 == name);
                found.map(|variable| variable.1.to_owned())
            },
            find: &|name| path.contains(&name).then(|| format!("/usr/bin/{name}")),
            is_executable: &|path| path.to_string_lossy().ends_with("redis-server"),
        }
        .ask();
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (answers.map_err(|stop| stop.to_string()), text(out), text(prompts))
    }

    #[test]
    fn defaults() {
        let (answers, out, prompts) = dialogue("6380\n\n\n\n/x/redis-server\n\n", &[], &[]);
        let expected = Answers {
            port: 6380,
            config_file: "/etc/redis/6380.conf".to_owned(),
            log_file: "/var/log/redis_6380.log".to_owned(),
            data_dir: "/var/lib/redis/6380".to_owned(),
            executable: "/x/redis-server".to_owned(),
            client: "/x/redis-cli".to_owned(),
        };
        assert_eq!(answers, Ok(expected));
        assert_eq!(
            out,
            "Selected default - /etc/redis/6380.conf\nSelected default - /var/log/redis_6380.log\n\
             Selected default - /var/lib/redis/6380\nSelected config:\nPort           : 6380\n\
             Config file    : /etc/redis/6380.conf\nLog file       : /var/log/redis_6380.log\n\
             Data dir       : /var/lib/redis/6380\nExecutable     : /x/redis-server\n\
             Cli Executable : /x/redis-cli\n"
        );
        assert_eq!(
            prompts,
            "Please select the redis port for this instance: [6379] \
             Please select the redis config file name [/etc/redis/6380.conf] \
             Please select the redis log file name [/var/log/redis_6380.log] \
             Please select the data directory for this instance [/var/lib/redis/6380] \
             Please select the redis executable path [] \
             Is this ok? Then press ENTER to go on or Ctrl-C to abort."
        );
    }

    #[test]
    fn the_end_of_the_input_takes_the_defaults() {
        let (answers, out, _) = dialogue("abc\n", &[], &["redis-server", "redis-cli"]);
        let answers = answers.expect("answers");
        assert_eq!((answers.port, answers.executable.as_str()), (6379, "/usr/bin/redis-server"));
        assert_eq!(answers.client, "/usr/bin/redis-cli");
        assert!(out.starts_with("Selecting default: 6379\nSelected default - "), "{out}");
    }

    #[test]
    fn nothing_is_asked_when_all_is_said() {
        let environment = [
            ("REDIS_PORT", "7"),
            ("REDIS_CONFIG_FILE", "/c"),
            ("REDIS_LOG_FILE", "/l"),
            ("REDIS_DATA_DIR", "/d"),
            ("REDIS_EXECUTABLE", "/redis-server"),
        ];
        let (answers, out, prompts) = dialogue("", &environment, &[]);
        assert_eq!(answers.expect("answers").client, "/redis-cli");
        assert!(out.starts_with("Selected config:\nPort           : 7\nConfig file    : /c\n"));
        assert_eq!(prompts, "");
        let (_, _, prompts) = dialogue("", &environment[..4], &["redis-server"]);
        assert!(prompts.starts_with("Please select the redis executable path"), "{prompts}");
    }

    #[test]
    fn what_is_refused() {
        let (answers, _, _) = dialogue("\n\n\n\n/bin/false\n", &[], &[]);
        let text = "Mmmmm...  it seems like you don't have a redis executable. Did you run make \
                    install yet?";
        assert_eq!(answers, Err(text.to_owned()));
        for port in ["0", "65536", "99999999999"] {
            let (answers, _, _) = dialogue(&format!("{port}\n"), &[], &[]);
            let text = format!("ERROR: {port} is not a port, which is 1 to 65535. Aborting!");
            assert_eq!(answers, Err(text));
        }
    }
}
