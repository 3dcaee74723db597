//! TLS: ours beside the real client on a real server.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use dunlin_testkit::certificates::Certificates;
use dunlin_testkit::port::free_port;
use dunlin_testkit::{DEADLINE, Server, wait_for};

use crate::peers::{Said, check_same, check_same_with, ours, run, run_ours, theirs};
use crate::terminal::Terminal;

/// A real server that listens with TLS.
struct Secured {
    server: Server,
    certificates: Certificates,
    port: u16,
}

impl Secured {
    fn start(config: &str) -> Self {
        let (certificates, port) = (Certificates::new(), free_port());
        let builder = Server::reference().expect("redis-server is needed: ./test installs it");
        let lines = certificates.server_config(port) + "\n" + config;
        Self { server: builder.config(&lines).start(), certificates, port }
    }

    /// One that asks clients for nothing.
    fn open() -> Self {
        Self::start("tls-auth-clients no\nrepl-diskless-sync-delay 0")
    }

    /// Words of a command line for this server: `{port}`, and names of files in braces.
    fn words(&self, line: &str) -> Vec<String> {
        let word = |word: &str| match word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))
        {
            Some(file) => self.certificates.path(file),
            None if word == "''" => String::new(),
            None => word.replace("PORT", &self.port.to_string()),
        };
        line.split(' ').map(word).collect()
    }

    #[track_caller]
    fn check_same(&self, line: &str, input: &[u8]) -> Said {
        let words = self.words(line);
        check_same(&words.iter().map(String::as_str).collect::<Vec<_>>(), input)
    }

    fn run_ours(&self, line: &str, input: &[u8]) -> Said {
        let words = self.words(line);
        run_ours(&words.iter().map(String::as_str).collect::<Vec<_>>(), input)
    }
}

const TRUSTED: &str = "-p PORT --tls --cacert {ca.crt}";

/// Replies, modes and what is asked before a command.
#[test]
fn commands_and_modes() {
    let secured = Secured::open();
    assert_eq!(secured.check_same(&format!("{TRUSTED} PING"), b"").text(), "PONG\n");
    for line in [
        "SET key value",
        "-n 3 SET other value",
        "-3 HGETALL nothing",
        "--csv CONFIG GET tls-port",
        "-x SET read",
        "-r 3 ECHO again",
        "NO SUCH COMMAND",
        "-e NO SUCH COMMAND",
        "--scan",
        "--scan --pattern k*",
        "-a wrong PING",
    ] {
        secured.check_same(&format!("{TRUSTED} {line}"), b"from standard input");
    }
    let said = secured.run_ours(&format!("{TRUSTED} --rdb -"), b"");
    assert!(said.stdout.starts_with(b"REDIS0010") && said.code == Some(0), "{said:?}");
    let session = b"SET a 1\nGET a\nPING\n";
    secured.check_same(TRUSTED, session);
    let uri = secured.check_same("-u rediss://127.0.0.1:PORT/3 --cacert {ca.crt} GET other", b"");
    assert_eq!(uri.text(), "value\n");
    // Without --tls the other options have no effect, and the server has no use for what it hears.
    let plain = secured.check_same("-p PORT --cacert {ca.crt} PING", b"");
    assert_eq!(plain.code, Some(1));
}

/// Who is trusted, and what is said of who is not.
#[test]
fn trust() {
    let secured = Secured::open();
    for line in [
        "--cacert {other.crt} PING",
        "--cacert {other.crt} --insecure PING",
        "--insecure PING",
        "--cacert {nothing} PING",
        "--cacert {nothing} --insecure PING",
        "--cacert {nothing} --scan",
        "--cacert {ca.key} PING",
        "--cacert {ca.crt} --cacertdir {nothing} PING",
        "--cacertdir {nothing} PING",
        "--cacert {ca.crt} --sni redis.example PING",
        "--cacert {ca.crt} --sni '' PING",
        "--cacert {server.crt} PING",
    ] {
        secured.check_same(&format!("-p PORT --tls {line}"), b"PING\n");
    }
    let wrong = secured.run_ours("-p PORT --tls --cacert {other.crt} PING", b"");
    let text = format!(
        "Could not connect to Redis at 127.0.0.1:{}: SSL_connect failed: certificate verify failed\n",
        secured.port
    );
    assert_eq!((wrong.errors(), wrong.code), (text, Some(1)));
}

/// What the system trusts, where nothing else is named.
#[test]
fn default_trust() {
    let secured = Secured::open();
    for (file, code) in [("ca.crt", 0), ("other.crt", 1)] {
        let path = secured.certificates.path(file);
        let port = secured.port.to_string();
        let environment = [("SSL_CERT_FILE", path.as_str()), ("SSL_CERT_DIR", "/nowhere")];
        let said = check_same_with(&["-p", &port, "--tls", "PING"], b"", &environment);
        assert_eq!(said.code, Some(code), "{file}");
    }
}

/// Files of a directory count when their names look like hashes.
#[test]
fn directories_of_authorities() {
    let secured = Secured::open();
    let directory = secured.certificates.path("authorities");
    fs::create_dir(&directory).expect("a new directory");
    let ca = secured.certificates.path("ca.crt");
    for (name, code) in [("ca.pem", 1), ("0a1b2c3d.0", 0)] {
        fs::copy(&ca, format!("{directory}/{name}")).expect("it is copied");
        let said = secured.run_ours("-p PORT --tls --cacertdir {authorities} PING", b"");
        assert_eq!(said.code, Some(code), "{name}: {said:?}");
    }
}

#[test]
fn ciphers() {
    let secured = Secured::open();
    for line in [
        "--tls-ciphers DEFAULT:!MEDIUM PING",
        "--tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256 --tls-ciphersuites TLS_AES_128_GCM_SHA256 PING",
        "--tls-ciphersuites nope:TLS_CHACHA20_POLY1305_SHA256 PING",
        "--tls-ciphersuites '' PING",
    ] {
        secured.check_same(&format!("{TRUSTED} {line}"), b"");
    }
    for (option, text) in [
        ("--tls-ciphers", "Error while configuring ciphers"),
        ("--tls-ciphersuites", "Error while setting cypher suites"),
    ] {
        let line = format!("{TRUSTED} {option} AES128-SHA PING");
        let words = secured.words(&line);
        let mut real = theirs();
        real.args(&words);
        // OpenSSL knows AES128-SHA, and the server refuses it: only what is said of it differs.
        assert_eq!(run(real, b"").code, Some(if option == "--tls-ciphers" { 0 } else { 1 }));
        let said = secured.run_ours(&line, b"");
        let start =
            format!("Could not negotiate a TLS connection: {text}: 'AES128-SHA' selects none of ");
        assert!(said.errors().starts_with(&start), "{said:?}");
        assert_eq!(said.code, Some(1));
    }
}

/// What answers a client's first words with `answer` and hangs up, until the test ends.
fn peer(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            // All of them: what is left unread would reset the connection.
            let mut head = [0; 5];
            stream.read_exact(&mut head).expect("a record");
            let len = u16::from_be_bytes([head[3], head[4]]);
            stream.read_exact(&mut vec![0; len.into()]).expect("the rest of it");
            stream.write_all(answer).expect("it reads");
        }
    });
    port.to_string()
}

#[test]
fn peers_that_speak_something_else() {
    for (answer, reason) in [
        (&b""[..], "unexpected eof while reading"),
        (b"\x15", "unexpected eof while reading"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "tlsv1 alert protocol version"),
        (b"-ERR unknown command\r\n", "wrong version number"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"),
        (&[0; 100], "wrong version number"),
    ] {
        let port = peer(answer);
        let said = check_same(&["-p", &port, "--tls", "--insecure", "PING"], b"");
        assert_eq!(
            said.errors(),
            format!(
                "Could not connect to Redis at 127.0.0.1:{port}: SSL_connect failed: {reason}\n"
            )
        );
    }
}

/// A server that wants to know its clients, in both versions of the protocol.
#[test]
fn certificates_of_clients() {
    for versions in ["TLSv1.3", "TLSv1.2"] {
        let secured = Secured::start(&format!("tls-protocols {versions}\ntls-auth-clients yes"));
        let both = "--cert {client.crt} --key {client.key}";
        let said = secured.check_same(&format!("{TRUSTED} {both} PING"), b"");
        assert_eq!((said.text().as_str(), said.code), ("PONG\n", Some(0)));
        for line in [
            "--cert {nothing} PING",
            "--cert {client.key} PING",
            "--cert {client.crt} --key {nothing} PING",
            "--cert {client.crt} --key {server.key} PING",
        ] {
            secured.check_same(&format!("{TRUSTED} {line}"), b"");
        }
        for line in ["PING", "--cert {client.crt} PING", "--key {client.key} PING"] {
            let line = format!("{TRUSTED} {line}");
            if versions == "TLSv1.2" {
                let said = secured.check_same(&line, b"");
                assert!(said.errors().ends_with(": sslv3 alert handshake failure\n"), "{said:?}");
            } else {
                // The client has done its part by then; what the real one says depends on luck.
                let said = secured.run_ours(&line, b"");
                assert_eq!(said.errors(), "Error: tlsv13 alert certificate required\n");
                assert_eq!(said.code, Some(1));
            }
        }
    }
}

/// More than all buffers hold, in both directions at once.
#[test]
fn much_data() {
    let secured = Secured::open();
    let mut requests = String::new();
    for number in 0..100_000 {
        writeln!(requests, "SET key:{number} {number:0100}").expect("memory");
    }
    let said = secured.run_ours(&format!("{TRUSTED} --pipe"), requests.as_bytes());
    let text = "All data transferred. Waiting for the last reply...\n\
                Last reply received from server.\nerrors: 0, replies: 100000\n";
    assert_eq!((said.text().as_str(), said.code), (text, Some(0)), "{said:?}");
    assert_eq!(secured.server.client().show("DBSIZE"), "100000");
    // Replies that are longer than the requests.
    let reads: String = (0..100_000).map(|number| format!("GET key:{number}\n")).collect();
    let said = secured.run_ours(&format!("{TRUSTED} --pipe"), reads.as_bytes());
    assert!(said.text().ends_with("errors: 0, replies: 100000\n"), "{said:?}");
    let said = secured.run_ours(&format!("{TRUSTED} --scan"), b"");
    assert_eq!(said.text().lines().count(), 100_000);

    let value: Vec<u8> = (0..5_000_000_u32).map(|index| b'a' + (index % 23) as u8).collect();
    assert_eq!(secured.run_ours(&format!("{TRUSTED} -x SET large"), &value).text(), "OK\n");
    let said = secured.run_ours(&format!("{TRUSTED} GET large"), b"");
    assert!(said.stdout.strip_suffix(b"\n") == Some(&value[..]), "{} bytes", said.stdout.len());
}

/// The manager asks nodes with TLS, makes a cluster of them, moves slots, and clients follow
/// redirections.
#[test]
fn clusters() {
    let certificates = Certificates::new();
    let nodes: Vec<(Server, u16)> = (0..3)
        .map(|_| {
            let port = free_port();
            let config = certificates.server_config(port)
                + "\ntls-auth-clients no\ntls-cluster yes\ncluster-enabled yes";
            let builder = Server::reference().expect("redis-server is needed");
            (builder.config(&config).start(), port)
        })
        .collect();
    let hosts: Vec<String> = nodes.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
    let (ca, other) = (certificates.path("ca.crt"), certificates.path("other.crt"));
    let tls = ["--tls", "--cacert", &ca];
    let manage = |words: &[&str]| {
        let mut command = ours();
        command.arg("--cluster").args(words).args(tls);
        run(command, b"")
    };

    let said = manage(&["create", &hosts[0], &hosts[1], &hosts[2], "--cluster-yes"]);
    assert!(said.text().contains("[OK] All 16384 slots covered."), "{said:?}");
    for command in ["check", "info"] {
        let said = check_same(&["--cluster", command, &hosts[0], "--tls", "--cacert", &ca], b"");
        assert_eq!(said.code, Some(0), "{said:?}");
        for wrong in [other.as_str(), "/nowhere/ca.crt"] {
            let words = ["--cluster", command, &hosts[0], "--tls", "--cacert", wrong];
            assert_eq!(check_same(&words, b"").code, Some(1));
        }
    }

    for (node, _) in &nodes {
        let mut client = node.client();
        wait_for("the cluster serves", DEADLINE, || {
            client.cmd("CLUSTER INFO").text().contains("cluster_state:ok")
        });
    }
    let port = nodes[0].1.to_string();
    for number in 0..20 {
        let key = format!("key:{number}");
        let words = ["-c", "-p", &port, "--tls", "--cacert", &ca, "SET", &key, "x"];
        assert_eq!(check_same(&words, b"").text(), "OK\n");
    }
    let ids: Vec<String> =
        nodes.iter().map(|(node, _)| node.client().cmd("CLUSTER MYID").text()).collect();
    let said = manage(&[
        "reshard",
        &hosts[0],
        "--cluster-from",
        &ids[0],
        "--cluster-to",
        &ids[1],
        "--cluster-slots",
        "5461",
        "--cluster-yes",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(nodes[0].0.client().show("DBSIZE"), "0");
    wait_for("the nodes agree", DEADLINE, || manage(&["check", &hosts[0]]).code == Some(0));
    let said = manage(&["call", &hosts[0], "PING"]);
    assert_eq!(said.text().matches("PONG").count(), 3, "{said:?}");
}

/// Messages and keys are waited for at once; Ctrl-C ends what streams, and a session goes on.
#[test]
fn sessions_on_a_terminal() {
    let secured = Secured::open();
    let mut command = ours();
    command.args(secured.words(TRUSTED));
    let mut terminal = Terminal::start(&command);
    let prompt = format!("127.0.0.1:{}> ", secured.port);
    terminal.expect(&prompt);
    let mut client = secured.server.client();
    let waiting = "Reading messages... (press Ctrl-C to quit or any key to type command)";
    terminal.line("SUBSCRIBE a");
    terminal.expect(waiting);
    // Two messages may come in one record, a long one takes many.
    for text in ["first", "second"] {
        assert_eq!(client.show(&format!("PUBLISH a {text}")), "1");
        terminal.expect(&format!("\"{text}\""));
    }
    let long = "x".repeat(60_000);
    client.cmd(&format!(
        "EVAL \"redis.call('PUBLISH','a','{long}') redis.call('PUBLISH','a','end')\" 0"
    ));
    terminal.expect("\"end\"");
    terminal.type_keys("\x03");
    terminal.expect(&prompt);
    terminal.line("MONITOR");
    terminal.expect("OK");
    client.cmd("SET monitored 1");
    terminal.expect("\"SET\" \"monitored\" \"1\"");
    terminal.type_keys("\x03");
    terminal.expect(&prompt);
    terminal.line("GET monitored");
    terminal.expect("\"1\"");
    terminal.line("QUIT");
    assert_eq!(terminal.wait(), Some(0));
}
