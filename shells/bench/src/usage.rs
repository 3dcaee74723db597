//! What `--help` prints.

pub(crate) const USAGE: &str = "\
Usage: redis-benchmark [OPTIONS] [COMMAND ARGS...]

Options:
 -h <hostname>      Host of the server (default 127.0.0.1)
 -p <port>          Port of the server (default 6379)
 -s <socket>        Unix socket of the server, instead of host and port
 -a <password>      Password to authenticate with
 --user <username>  User to authenticate as; needs -a
 -u <uri>           Server, user, password and database as redis://user:password@host:port/db;
                    with rediss:// as with --tls
 -c <clients>       Connections that are busy at the same time (default 50); at least as
                    many as there are nodes with --cluster
 -n <requests>      Requests of a test (default 100000)
 -d <size>          Bytes of the values that are written (default 3)
 --dbnum <db>       Database to use (default 0)
 -3                 Speak RESP3
 --threads <num>    Spread the connections over so many threads
 --cluster          Load all primaries of a cluster. Keys of a command that is given here
                    must hold \"{tag}\", which becomes a hash tag of the node's slots
 --enable-tracking  Send CLIENT TRACKING on first
 -k <boolean>       1 keeps connections, 0 makes a new one for each request (default 1)
 -r <keyspacelen>   Replace every __rand_int__ by 12 digits, a random number from 0 to
                    keyspacelen-1, anew in each request. The tests use it for keys, members
                    and scores; without it they use a single key
 -P <numreq>        Send so many requests at once (default 1)
 -q                 Print one line per test
 --precision <num>  Significant digits of latencies, 0 to 4 (default 3)
 --csv              Print comma separated values
 -l                 Repeat the tests forever
 -t <tests>         Run these tests only, by name, separated by commas; without effect where
                    a command is given
 -I                 Open the connections, send nothing, wait forever
 -x                 Read the last argument of the command from standard input
 -e                 Without effect: an error always ends the run
 --seed <num>       Seed of the random numbers (default: another one each time)
 --tls              Use TLS; without it the other options have no effect
 --sni <host>       The name of the host that is told to the server (default: none is)
 --cacert <file>    Trust the authorities of this file
 --cacertdir <dir>  Trust those of a directory whose files are named by hashes. With neither of
                    the two those are trusted that the system trusts
 --insecure         Do not verify who the server is
 --cert <file>      A certificate to show to the server, with --key
 --key <file>       The key of that certificate
 --tls-ciphers <list>
                    Ciphers of TLS 1.2, the best first, as in ciphers(1ssl)
 --tls-ciphersuites <list>
                    The same for TLS 1.3
 --help             Print this and exit
 --version          Print the version and exit

Tests: ping_inline, ping_mbulk (ping is both), set, get, incr, lpush, rpush, lpop, rpop, sadd,
hset, spop, zadd, zpopmin, lrange (or lrange_100, lrange_300, lrange_500, lrange_600), mset, xadd.

Examples:

 All tests on this machine:
   $ redis-benchmark

 A million random keys, many requests at once:
   $ redis-benchmark -t set,get -n 1000000 -r 1000000 -P 16

 A command of your own:
   $ redis-benchmark -r 10000 -n 10000 lpush mylist __rand_int__

 All primaries of a cluster:
   $ redis-benchmark --cluster -p 7000 -t set,get -q
";

pub(crate) const KEEPALIVE_WARNING: &str = "\
WARNING: Keepalive disabled. You probably need \
'echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse' for Linux and \
'sudo sysctl -w net.inet.tcp.msl=1000' for Mac OS X in order \
to use a lot of clients/requests";

pub(crate) const ERROR_OPTION_WARNING: &str = "\
WARNING: -e option has no effect. We now immediately exit on error to avoid false results.";
