//! The list of programs: the only place that knows their names.

/// What starts when a program is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Server,
    Client,
    Trib,
    Link,
    Cluster,
    Bench,
    CheckAof,
    CheckRdb,
    Doctor,
    InstallService,
    /// Guides call it, and this build does not have it.
    Absent,
}

/// One program.
pub(crate) struct Program {
    /// `dunlin <subcommand>`.
    pub(crate) subcommand: &'static str,
    /// Names of a link or copy of the executable that start it.
    pub(crate) file_names: &'static [&'static str],
    /// One line for the help.
    summary: &'static str,
    pub(crate) run: Run,
}

const fn absent(subcommand: &'static str, file_names: &'static [&'static str]) -> Program {
    Program { subcommand, file_names, summary: "", run: Run::Absent }
}

pub(crate) static PROGRAMS: [Program; 12] = [
    Program {
        subcommand: "server",
        file_names: &["redis-server"],
        summary: "a server; takes the arguments of redis-server",
        run: Run::Server,
    },
    Program {
        subcommand: "link",
        file_names: &[],
        summary: "make the names redis-server, ... for this executable in a directory, and scripts",
        run: Run::Link,
    },
    absent("sentinel", &["redis-sentinel"]),
    Program {
        subcommand: "cli",
        file_names: &["redis-cli"],
        summary: "a client for the command line; takes the arguments of redis-cli",
        run: Run::Client,
    },
    Program {
        subcommand: "trib",
        file_names: &["redis-trib.rb"],
        summary: "the manager of clusters; takes the arguments of redis-trib.rb",
        run: Run::Trib,
    },
    Program {
        subcommand: "cluster",
        file_names: &[],
        summary: "start a cluster on this machine, and stop it",
        run: Run::Cluster,
    },
    absent("proxy", &["nutcracker", "predixy"]),
    Program {
        subcommand: "bench",
        file_names: &["redis-benchmark"],
        summary: "put load on a server or a cluster and measure it; takes the arguments of \
                  redis-benchmark",
        run: Run::Bench,
    },
    Program {
        subcommand: "check-rdb",
        file_names: &["redis-check-rdb"],
        summary: "check a snapshot and tell what is in it",
        run: Run::CheckRdb,
    },
    Program {
        subcommand: "check-aof",
        file_names: &["redis-check-aof"],
        summary: "say whether an append-only file is whole, and cut it where it is not",
        run: Run::CheckAof,
    },
    Program {
        subcommand: "doctor",
        file_names: &[],
        summary: "say what of this machine is in a server's way",
        run: Run::Doctor,
    },
    Program {
        subcommand: "install-service",
        file_names: &[],
        summary: "make a server a service of this machine",
        run: Run::InstallService,
    },
];

/// The program that an executable of this name is. A name may have an affix, as in
/// `redis-server-7.2`.
pub(crate) fn by_file_name(base: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.file_names.iter().any(|name| base.contains(name)))
}

/// The names that `link` makes: of programs that exist.
pub(crate) fn file_names() -> Vec<&'static str> {
    let existing = PROGRAMS.iter().filter(|program| program.run != Run::Absent);
    existing.flat_map(|program| program.file_names).copied().collect()
}

/// What `--help` prints.
pub(crate) fn help() -> String {
    let mut text = String::from("Usage: dunlin <program> [arguments]\n\n");
    for program in PROGRAMS.iter().filter(|program| program.run != Run::Absent) {
        text += &format!("  {:<15} {}\n", program.subcommand, program.summary);
    }
    text += "  --version       print the version\n  --help          print this\n\n";
    text += "Started under one of these names, it is that program: ";
    text += &file_names().join(", ");
    text + "\n"
}

/// What a word that is no program gets.
pub(crate) fn unknown(word: &str) -> String {
    format!("no program '{word}', see dunlin --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_program() {
        for (base, subcommand) in [
            ("redis-server", Some("server")),
            ("redis-server-7.2", Some("server")),
            ("redis-sentinel", Some("sentinel")),
            ("redis-trib.rb", Some("trib")),
            ("redis-check-rdb", Some("check-rdb")),
            ("nutcracker", Some("proxy")),
            ("dunlin", None),
        ] {
            assert_eq!(by_file_name(base).map(|program| program.subcommand), subcommand, "{base}");
        }
    }

    #[test]
    fn help_lists_what_exists() {
        let help = help();
        assert!(help.contains("  server "));
        assert!(!help.contains("sentinel"));
        assert_eq!(
            file_names(),
            [
                "redis-server",
                "redis-cli",
                "redis-trib.rb",
                "redis-benchmark",
                "redis-check-rdb",
                "redis-check-aof"
            ]
        );
    }
}
