//! Scripts and programs around an installation: create-cluster, install-service, doctor.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dunlin_testkit::port::{free_port, free_ports};
use dunlin_testkit::server::{is_dunlin, program};
use dunlin_testkit::{DEADLINE, wait_for};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A directory with all names and scripts.
fn linked() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let done = Command::new(program()).arg("link").arg(dir.path()).output().expect("it runs");
    assert!(done.status.success(), "{done:?}");
    dir
}

fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A script whose servers are stopped when the test ends, however it ends.
struct CreateCluster {
    script: PathBuf,
    dir: tempfile::TempDir,
}

impl CreateCluster {
    fn run(&self, words: &[&str]) -> String {
        let done = Command::new(&self.script)
            .args(words)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        assert_eq!(done.status.code(), Some(0), "{words:?}: {done:?}");
        stdout(&done)
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("read");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
        let mut names: Vec<String> = names.map(|name| name.expect("text")).collect();
        names.sort();
        names
    }
}

impl Drop for CreateCluster {
    fn drop(&mut self) {
        self.run(&["stop"]);
    }
}

/// Guide 12.1: a script whose NODES somebody has changed, and settings in config.sh.
#[test]
fn create_cluster() {
    if !is_dunlin() {
        return;
    }
    let bin = linked();
    let first = free_ports(4);
    let script = bin.path().join("create-cluster");
    let text = fs::read_to_string(&script).expect("read");
    assert_eq!(text.matches("\nNODES=6\n").count(), 1);
    fs::write(&script, text.replace("\nNODES=6\n", "\nNODES=4\n")).expect("edited");
    let cluster = CreateCluster { script, dir: tempfile::tempdir().expect("a directory") };
    let settings =
        format!("PORT={}\nADDITIONAL_OPTIONS=\"--save '' --loglevel verbose\"\n", first - 1);
    fs::write(cluster.dir.path().join("config.sh"), settings).expect("written");
    let lines =
        |word: &str| (first..first + 4).map(|port| format!("{word} {port}\n")).collect::<String>();
    assert_eq!(cluster.run(&["start"]), lines("Starting"));
    for port in first..first + 4 {
        wait_for("a server", DEADLINE, || is_open(port));
    }
    assert_eq!(cluster.run(&["call", "ping"]), "PONG\n".repeat(4));
    assert_eq!(cluster.run(&["call", "echo", "two  words"]), "two  words\n".repeat(4));
    assert_eq!(
        cluster.run(&["call", "config", "get", "loglevel"]),
        "loglevel\nverbose\n".repeat(4)
    );

    // Two primaries are too few for a cluster, so there are to be none with a replica.
    let config = cluster.dir.path().join("config.sh");
    let mut file = fs::OpenOptions::new().append(true).open(config).expect("opened");
    file.write_all(b"REPLICAS=0\n").expect("written");
    let said = cluster.run(&["create", "-f"]);
    assert!(said.contains("[OK] All 16384 slots covered."), "{said}");
    wait_for("the cluster", DEADLINE, || {
        cluster.run(&["call", "cluster", "info"]).matches("cluster_state:ok").count() == 4
    });
    assert_eq!(cluster.run(&["stop"]), lines("Stopping"));
    wait_for("the end", DEADLINE, || (first..first + 4).all(|port| !is_open(port)));

    // What was kept is there again.
    assert_eq!(cluster.run(&["restart"]).lines().last(), Some(&*format!("Starting {}", first + 3)));
    wait_for("the cluster", DEADLINE, || {
        cluster.run(&["call", "cluster", "info"]).matches("cluster_state:ok").count() == 4
    });
    cluster.run(&["stop"]);
    wait_for("the end", DEADLINE, || (first..first + 4).all(|port| !is_open(port)));
    assert!(cluster.files().contains(&format!("{first}.log")), "{:?}", cluster.files());
    assert_eq!(cluster.run(&["clean-logs"]), "Cleaning *.log\n");
    assert!(cluster.files().contains(&format!("nodes-{first}.conf")), "{:?}", cluster.files());
    assert_eq!(
        cluster.run(&["clean"]),
        "Cleaning *.log\nCleaning appendonlydir-*\nCleaning dump-*.rdb\nCleaning nodes-*.conf\n"
    );
    assert_eq!(cluster.files(), ["config.sh"]);
    let usage = cluster.run(&["nonsense"]);
    let start = format!(
        "Usage: {} [start|create|stop|restart|watch|tail|tailall|clean|clean-logs|call]\n",
        cluster.script.display()
    );
    assert!(usage.starts_with(&start), "{usage}");
    assert_eq!(cluster.run(&[]), usage);
}

/// Runs install_server.sh with these answers.
fn install_server(bin: &Path, root: &Path, input: &str) -> Output {
    let mut child = Command::new(bin.join("install_server.sh"))
        .arg("--root")
        .arg(root)
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("it ends")
}

/// Guide 2.1, into a directory as for a package; the files are then used as in 2.2 and 2.3.
#[test]
fn install_server_writes_a_service() {
    if !is_dunlin() {
        return;
    }
    let (bin, root) = (linked(), tempfile::tempdir().expect("a directory"));
    let (bin, root) = (bin.path(), root.path());
    let port = free_port();
    let server = bin.join("redis-server").display().to_string();
    let done = install_server(bin, root, &format!("{port}\n\n\n\n{server}\n\n"));
    let client = bin.join("redis-cli").display().to_string();
    let expected = format!(
        "Welcome to the redis service installer\n\
         This script will help you easily set up a running redis server\n\n\
         Selected default - /etc/redis/{port}.conf\n\
         Selected default - /var/log/redis_{port}.log\n\
         Selected default - /var/lib/redis/{port}\n\
         Selected config:\n\
         Port           : {port}\n\
         Config file    : /etc/redis/{port}.conf\n\
         Log file       : /var/log/redis_{port}.log\n\
         Data dir       : /var/lib/redis/{port}\n\
         Executable     : {server}\n\
         Cli Executable : {client}\n\
         Copied /tmp/{port}.conf => {0}/etc/init.d/redis_{port}\n\
         Created {0}/etc/systemd/system/redis_{port}.service\n\
         Installation successful!\n",
        root.display()
    );
    assert_eq!((stdout(&done), done.status.code()), (expected, Some(0)), "{done:?}");

    // Somebody moves the files to where they may be used.
    let below = |path: &str| root.join(path).display().to_string();
    for file in [format!("etc/redis/{port}.conf"), format!("etc/init.d/redis_{port}")] {
        let mut text = fs::read_to_string(below(&file)).expect("read");
        for directory in ["/etc/redis/", "/var/log/", "/var/lib/redis/", "/var/run/"] {
            text = text.replace(directory, &below(directory.trim_start_matches('/')));
        }
        fs::write(below(&file), text).expect("written");
    }
    fs::create_dir_all(below("var/run")).expect("made");
    let service = |action: &str| {
        let script = below(&format!("etc/init.d/redis_{port}"));
        stdout(&Command::new(script).arg(action).output().expect("a shell"))
    };
    assert_eq!(service("status"), "Redis is not running\n");
    assert_eq!(service("start"), "Starting Redis server...\n");
    let pid_file = below(&format!("var/run/redis_{port}.pid"));
    wait_for("the server", DEADLINE, || is_open(port) && Path::new(&pid_file).exists());
    let pid = fs::read_to_string(&pid_file).expect("read").trim().to_owned();
    assert_eq!(service("status"), format!("Redis is running ({pid})\n"));
    assert_eq!(
        service("start"),
        format!("{pid_file} exists, process is already running or crashed\n")
    );
    let said = service("stop");
    assert!(said.starts_with("Stopping ...\n") && said.ends_with("Redis stopped\n"), "{said}");
    assert!(!is_open(port));
    assert_eq!(service("stop"), format!("{pid_file} does not exist, process is not running\n"));
    let usage = "Please use start, stop, restart or status as first argument\n";
    assert_eq!(service(""), usage);
    assert!(Path::new(&below(&format!("var/lib/redis/{port}"))).is_dir());
    assert!(Path::new(&below(&format!("var/log/redis_{port}.log"))).is_file());
}

/// Nothing is asked where the environment answers; what does not fit is refused.
#[test]
fn install_service_answers_and_refusals() {
    if !is_dunlin() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let run = |port: &str, server: &str| {
        let mut command = Command::new(program());
        command.args(["install-service", "--root"]).arg(dir.path()).stdin(Stdio::null());
        command.env("REDIS_PORT", port).env("REDIS_EXECUTABLE", server).env("PATH", "/nowhere");
        command.env("REDIS_CONFIG_FILE", "/c/c.conf").env("REDIS_LOG_FILE", "/l/l.log");
        command.env("REDIS_DATA_DIR", "/d").output().expect("it runs")
    };
    let port = free_port().to_string();
    let done = run(&port, &program().display().to_string());
    assert!(
        done.status.success() && stdout(&done).contains("Config file    : /c/c.conf\n"),
        "{done:?}"
    );
    let config = fs::read_to_string(dir.path().join("c/c.conf")).expect("read");
    let line = format!("\nport {port}\n");
    assert!(config.starts_with("## Generated by install_server.sh ##\n") && config.contains(&line));
    let done = run(&port, "/nowhere/redis-server");
    let missing = "Mmmmm...  it seems like you don't have a redis executable. Did you run make install yet?\n";
    assert!(stdout(&done).ends_with(missing) && done.status.code() == Some(1), "{done:?}");
    let done = run("70000", "");
    let wrong = "ERROR: 70000 is not a port, which is 1 to 65535. Aborting!\n";
    assert!(stdout(&done).ends_with(wrong) && done.status.code() == Some(1), "{done:?}");

    let done = Command::new(program()).args(["install-service", "--wrong"]).output();
    assert_eq!(done.expect("it runs").status.code(), Some(2));
}

/// Only root installs into the system.
#[test]
fn install_service_is_for_root() {
    if !is_dunlin() {
        return;
    }
    // Where everybody may run it, by somebody who is not root.
    let bin = linked();
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(bin.path(), readable).expect("permitted");
    let server = bin.path().join("dunlin");
    fs::copy(program(), &server).expect("copied");
    let mut command = Command::new(server);
    command.arg("install-service").stdin(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        use std::os::unix::process::CommandExt;
        command.uid(65_534).gid(65_534);
    }
    let done = command.output().expect("it runs");
    assert!(stdout(&done).ends_with("You must run this script as root. Sorry!\n"), "{done:?}");
    assert_eq!(done.status.code(), Some(1));
}

/// The doctor finds a port that is taken and a directory that is not there, and says so by its code.
#[test]
fn doctor() {
    if !is_dunlin() {
        return;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port().to_string();
    let run = |words: &[&str]| {
        Command::new(program()).arg("doctor").args(words).output().expect("it runs")
    };
    let done = run(&["--port", &port, "--dir", "/nowhere", "--json"]);
    assert_eq!(done.status.code(), Some(1));
    let said = stdout(&done);
    assert!(said.starts_with("{\"ok\":false,\"findings\":[{\"check\":"), "{said}");
    let taken = format!(
        "{{\"check\":\"port\",\"level\":\"problem\",\"text\":\"port {port} is taken by \
         {}, pid {1}\",\"fix\":\"kill {1}\"}}",
        fs::read_to_string("/proc/self/comm").expect("our name").trim(),
        std::process::id()
    );
    assert!(said.contains(&taken), "{taken}\n{said}");
    assert!(said.contains("no file can be made in /nowhere: No such file or directory"), "{said}");

    let free = free_port().to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let done = run(&["--port", &free, "--dir", &dir.path().display().to_string()]);
    let said = stdout(&done);
    assert!(said.contains(&format!("ok       port          port {free} is free\n")), "{said}");
    // Whatever else this machine lacks, code and text agree.
    let is_well = said.ends_with("\nNothing is in the way of a server.\n");
    assert_eq!(done.status.code(), Some(i32::from(!is_well)), "{said}");
    assert_eq!(run(&["--wrong"]).status.code(), Some(2));
}
