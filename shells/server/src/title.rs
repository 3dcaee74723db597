//! The process title: what `ps` and `netstat -p` show.

use dunlin_config::{Config, TitleVariable, expand_title};
use dunlin_reactor::CommandLineArea;

/// Shows and changes the title.
pub(crate) struct Title {
    program: String,
    config_file: Option<String>,
    area: CommandLineArea,
}

impl Title {
    /// Takes the command line's memory over; `None` where the system does not allow it.
    ///
    /// To be called before the first thread starts.
    pub(crate) fn claim(program: &str, config_file: Option<String>) -> Option<Self> {
        let area = CommandLineArea::claim().ok()?;
        Some(Self { program: program.to_owned(), config_file, area })
    }

    /// Shows what the template says now.
    pub(crate) fn show(&self, config: &Config) {
        let title = expand_title(&config.process.proc_title_template, |variable| {
            value_of(variable, &self.program, self.config_file.as_deref(), config)
        });
        if let Some(title) = title {
            // A title that cannot be shown harms nobody.
            let _ = self.area.show(title.as_bytes());
        }
    }
}

fn value_of(
    variable: TitleVariable,
    program: &str,
    config_file: Option<&str>,
    config: &Config,
) -> String {
    let network = &config.network;
    match variable {
        TitleVariable::Title => program.to_owned(),
        TitleVariable::ListenAddr => listen_address(config),
        TitleVariable::ServerMode if config.cluster.cluster_enabled => "[cluster]".to_owned(),
        TitleVariable::ServerMode => String::new(),
        TitleVariable::ConfigFile => config_file.unwrap_or("-").to_owned(),
        TitleVariable::Port => network.port.to_string(),
        TitleVariable::TlsPort => config.tls.tls_port.to_string(),
        TitleVariable::UnixSocket => network.unixsocket.to_string(),
    }
}

/// First address and port, or the Unix socket when there is no port.
fn listen_address(config: &Config) -> String {
    let network = &config.network;
    let port = if network.port != 0 { network.port } else { config.tls.tls_port };
    if port == 0 {
        return network.unixsocket.to_string();
    }
    let first = network.bind.0.first().map_or("*", String::as_str);
    format!("{first}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut Config), expected: &str) {
        let mut config = Config::default();
        change(&mut config);
        let title = expand_title(&config.process.proc_title_template, |variable| {
            value_of(variable, "/usr/bin/redis-server", Some("/etc/r.conf"), &config)
        });
        assert_eq!(title.as_deref(), Some(expected));
    }

    #[test]
    fn titles() {
        let bind = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let program = "/usr/bin/redis-server";
        check(|c| c.network.bind.0.clear(), &format!("{program} *:6379"));
        check(
            |c| {
                c.network.bind.0 = bind(&["127.0.0.1", "-::1"]);
                c.cluster.cluster_enabled = true;
            },
            &format!("{program} 127.0.0.1:6379 [cluster]"),
        );
        check(
            |c| {
                c.network.port = 0;
                c.network.unixsocket = "/tmp/s".into();
            },
            &format!("{program} /tmp/s"),
        );
        check(
            |c| {
                c.process.proc_title_template =
                    "{config-file} {port} {tls-port} {unixsocket}".into();
            },
            "/etc/r.conf 6379 0",
        );
    }
}
