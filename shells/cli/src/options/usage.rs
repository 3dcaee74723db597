//! `--help`.

/// The text behind the version; the options are those of [`super::parse()`].
const TEXT: &str = "\
Usage: redis-cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>      Server hostname (default: 127.0.0.1).
  -p <port>          Server port (default: 6379).
  -s <socket>        Server socket (overrides hostname and port).
  -a <password>      Password. REDISCLI_AUTH in the environment is safer, since others can see
                     arguments; this one counts if there are both.
  --user <username>  The ACL user whose password it is (AUTH user password). Needs -a.
  --pass <password>  Alias of -a.
  --askpass          Read the password from the terminal, with a mask; -a and REDISCLI_AUTH are
                     ignored then.
  -u <uri>           Server URI: redis://[[user:]password@]host[:port][/db]; rediss:// is the same
                     with --tls.
  -r <repeat>        Execute the command N times (-1: for ever).
  -i <interval>      With -r: seconds between two times, 0.1 for example. Also between two cycles
                     of --scan and --stat, and every 100 cycles of --bigkeys, --memkeys and
                     --hotkeys.
  -n <db>            Database number.
  -2                 Start session in RESP2 protocol mode.
  -3                 Start session in RESP3 protocol mode.
  -x                 Read the last argument from STDIN (see the examples).
  -X <tag>           Read the argument that equals <tag> from STDIN (see the examples).
  -d <delimiter>     Delimiter between the elements of a raw reply (default: \\n).
  -D <delimiter>     Delimiter between raw replies (default: \\n).
  -c                 Enable cluster mode (follow -ASK and -MOVED redirections).
  -e                 An error goes to STDERR, and the exit code is 1.
  --tls              Establish a secure TLS connection; without it the next ones have no effect.
  --sni <host>       Server name indication for TLS (default: none).
  --cacert <file>    File of CA certificates to verify the server with.
  --cacertdir <dir>  Directory of such files, named by hashes (openssl rehash). With neither of the
                     two the CA certificates that the system trusts are used.
  --insecure         Do not verify the server's certificate.
  --cert <file>      Client certificate to authenticate with. Needs --key.
  --key <file>       Private key of the client certificate, not encrypted.
  --tls-ciphers <list>
                     Ciphers of TLS 1.2 in order of preference, as in ciphers(1ssl).
  --tls-ciphersuites <list>
                     Cipher suites of TLS 1.3 in order of preference, separated by colons.
  --raw              Raw replies (default when STDOUT is not a tty).
  --no-raw           Formatted replies, even when STDOUT is not a tty.
  --quoted-input     Arguments may be quoted strings, with escapes.
  --csv              Output in CSV format.
  --json             Output in JSON format (of RESP3, unless -2 is given).
  --quoted-json      As --json, in ASCII: strings are quoted as --no-raw quotes them.
  --show-pushes <yn> Whether to print RESP3 PUSH messages (default: yes if STDOUT is a tty).
  --stat             Print rolling stats about the server: memory, clients, ...
  --latency          Sample how long PING takes: for ever on a terminal; for one second (-i) and
                     with one line as output with --raw, --csv or when STDOUT is not a tty.
  --latency-history  Like --latency, with a line for every 15 seconds (-i).
  --latency-dist     Latency as a spectrum, for terminals of 256 colors, every second (-i);
                     --mono draws it in grey.
  --lru-test <keys>  Simulate a cache workload with an 80-20 distribution.
  --replica          Simulate a replica: print the commands that the master sends.
  --rdb <filename>   Transfer an RDB dump from the server to a local file (-: STDOUT).
  --functions-rdb <filename>
                     Like --rdb, of the functions alone.
  --pipe             Transfer raw Redis protocol from STDIN to the server.
  --pipe-timeout <n> With --pipe: abort if no reply comes for <n> seconds when all data is sent
                     (default: 30, 0: wait for ever).
  --bigkeys          Sample keys looking for those with many elements.
  --memkeys          Sample keys looking for those that take much memory.
  --memkeys-samples <n>
                     Like --memkeys, with so many elements of each key measured.
  --hotkeys          Sample keys looking for hot ones; only with a maxmemory-policy of *lfu.
  --scan             List all keys using the SCAN command.
  --pattern <pat>    Keys pattern for --scan, --bigkeys, --memkeys and --hotkeys (default: *).
  --count <count>    Count option for --scan, --bigkeys, --memkeys and --hotkeys (default: 10).
  --quoted-pattern <pat>
                     Like --pattern, as a quoted string, for what is not binary-safe.
  --intrinsic-latency <sec>
                     Measure for so many seconds how long this machine keeps a busy program
                     waiting.
  --eval <file>      Send an EVAL command with the Lua script of <file>.
  --ldb              With --eval: debug the script. What it changes is rolled back.
  --ldb-sync-mode    Like --ldb, in the server itself: it serves nobody else meanwhile, and
                     changes stay.
  --cluster <command> [args...] [opts...]
                     Cluster Manager command and arguments (see below).
  --verbose          Verbose mode.
  --no-auth-warning  Don't warn about a password on the command line.
  --help             Output this help and exit.
  --version          Output version and exit.

Cluster Manager Commands:
  Use --cluster help to list all available cluster manager commands.

Examples:
  redis-cli -x set page < page.html
  redis-cli -D \"\" --raw dump key > key.dump
  redis-cli -X dump_tag restore copy 0 dump_tag replace < key.dump
  redis-cli -r 100 -i 1 info memory
  redis-cli --quoted-input set '\"zero\\x00byte\"' value
  redis-cli --eval script.lua key1 key2 , arg1 arg2
  redis-cli --scan --pattern 'user:*' --count 100

  (With --eval a lone comma separates KEYS[] from ARGV[].)

Without a command redis-cli starts in interactive mode; \"help\" tells about commands and
settings then.

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
