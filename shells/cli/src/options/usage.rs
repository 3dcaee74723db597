//! `--help`.

/// The text behind the version; the options are those of [`super::parse()`].
const TEXT: &str = "\
Usage: redis-cli [OPTIONS] [cmd [arg [arg ...]]]

Which server
  -h <hostname>      Its host (default: 127.0.0.1).
  -p <port>          Its port (default: 6379).
  -s <socket>        A Unix socket instead of host and port.
  -u <uri>           All of it as redis://[[user:]password@]host[:port][/db].
  -a <password>      Password; REDISCLI_AUTH in the environment is safer, since others can
                     see arguments. --pass is the same.
  --user <username>  The user whose password it is.
  --askpass          Read the password from the terminal.
  --no-auth-warning  No warning about passwords among the arguments.
  -n <db>            Database.
  -2                 Speak RESP2.
  -3                 Speak RESP3.
  -c                 Follow the redirections of a cluster (MOVED and ASK).

What is sent
  -x                 The last argument is read from standard input.
  -X <tag>           The argument that equals <tag> is read from standard input.
  --quoted-input     Arguments may be strings in quotes, with escapes.
  -r <repeat>        Run the command so many times (-1: for ever).
  -i <interval>      Seconds between two runs, 0.1 for example. Also between two cycles of
                     --scan and --stat, and every 100 cycles of --bigkeys, --memkeys and
                     --hotkeys.
  --eval <file>      Run the Lua script of a file; keys and arguments follow, with a comma of
                     its own between them.
  --ldb              With --eval: debug the script. What it changes is rolled back.
  --ldb-sync-mode    The same in the server itself, which serves nobody else meanwhile.

How replies are shown
  --raw              As they are (default when standard output is no terminal).
  --no-raw           For people, with types (default on a terminal).
  --csv              As comma-separated values.
  --json             As JSON, in RESP3 unless -2 is given.
  --quoted-json      The same in ASCII, with strings as --no-raw quotes them.
  -d <delimiter>     What stands between the elements of a raw reply (default: \\n).
  -D <delimiter>     What follows a raw reply (default: \\n).
  -e                 An error goes to standard error and ends the program with 1.
  --show-pushes <yn> Whether messages of RESP3 are printed (default: yes on a terminal).

Instead of a command
  --stat             A line about the server every second.
  --latency          How long PING takes: for ever on a terminal, else for a second (-i) and
                     as one line.
  --latency-history  The same as a line for every 15 seconds (-i).
  --latency-dist     How long PING takes as a spectrum, for terminals of 256 colours;
                     --mono draws it in grey.
  --lru-test <keys>  A cache in use: few keys are asked for often.
  --intrinsic-latency <sec>
                     How long this machine keeps a busy program waiting.
  --replica          Act as a replica and print the commands that a primary sends.
  --rdb <file>       Copy the server's data set to a file (-: standard output).
  --functions-rdb <file>
                     The same of the functions alone.
  --pipe             Send standard input, which is in the Redis protocol, to the server.
  --pipe-timeout <n> How many seconds --pipe waits for replies once all was sent (default: 30,
                     0: for ever).
  --bigkeys          Keys with many elements.
  --memkeys          Keys that take much memory.
  --memkeys-samples <n>
                     The same, with so many elements of a key measured.
  --hotkeys          Keys that are used often, under an LFU maxmemory-policy.
  --scan             All keys.
  --pattern <pat>    Only keys that match (--scan, --bigkeys, --memkeys, --hotkeys).
  --quoted-pattern <pat>
                     The same as a string in quotes.
  --count <count>    COUNT of SCAN (default: 10).

Clusters
  --cluster <command> [args...] [opts...]
                     Manage a cluster; --cluster help lists the commands.

  --verbose          Say more.
  --help             This text.
  --version          The version.

Examples:
  redis-cli -x set page < page.html
  redis-cli -r 100 -i 1 info memory
  redis-cli --quoted-input set '\"zero\\x00byte\"' value
  redis-cli --eval script.lua key1 key2 , arg1 arg2
  redis-cli --scan --pattern 'user:*'

Without a command redis-cli is interactive; \"help\" tells about commands then.

";

/// What `--help` prints.
pub(crate) fn usage(version: &str) -> String {
    format!("redis-cli {version}\n\n{TEXT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal_of_a_hundred_columns() {
        let text = usage("7.2.4");
        assert!(text.starts_with("redis-cli 7.2.4\n\nUsage: redis-cli [OPTIONS]"));
        assert!(text.lines().all(|line| line.chars().count() <= 100));
    }
}
