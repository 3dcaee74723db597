//! `cargo xtask dist`: the release tree, its archive and the plain executable.
//!
//! The tree is laid out as guides for Redis expect one, so that their steps work on it: programs in
//! `src/`, scripts in `utils/`, a Makefile that installs. Programs are real files, hard links of one,
//! and stay that in the archive: guides copy `src/redis-*` elsewhere. Which programs there are is
//! asked of the executable itself.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Options;

/// Files of the repository that go into the tree; those that do not exist yet are left out.
const FILES: &[&str] = &["CHANGELOG.md", "LICENSE", "README.md", "redis.conf", "sentinel.conf"];
/// What `dunlin link` makes beside the programs and the tree has elsewhere.
const SCRIPTS: &[&str] = &["create-cluster", "install_server.sh"];
const MAKEFILE: &str = include_str!("dist/Makefile");
const SRC_MAKEFILE: &str = include_str!("dist/src.Makefile");
const TOOLS_SCRIPTS: &str = "shells/tools/scripts";

/// Writes the tree, the archive and the executable to `--out`, by default `target/dist`.
///
/// # Errors
/// What went wrong, with the path or the command.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let binary = match &options.binary {
        Some(path) => path.clone(),
        None => build()?,
    };
    let out = options.out.clone().unwrap_or_else(|| root().join("target/dist"));
    let made = make(&binary, &out)?;
    made.iter().for_each(|path| println!("{}", path.display()));
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn build() -> Result<PathBuf, String> {
    let mut command = Command::new(env!("CARGO"));
    succeed(command.args(["build", "--release", "-p", "dunlin"]).current_dir(root()))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    Ok(target.join("release/dunlin"))
}

/// Makes everything of an executable, and returns the paths of tree, archive and executable.
fn make(binary: &Path, out: &Path) -> Result<[PathBuf; 3], String> {
    let name = format!("dunlin-{}", env!("CARGO_PKG_VERSION"));
    let full_name = format!("{name}-{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let tree = out.join(&name);
    if tree.exists() {
        fs::remove_dir_all(&tree).map_err(at(&tree))?;
    }
    programs(binary, &tree.join("src"))?;
    for file in FILES.iter().filter(|file| root().join(file).exists()) {
        copy(&root().join(file), &tree.join(file), 0o644)?;
    }
    write(&tree.join("Makefile"), MAKEFILE, 0o644)?;
    write(&tree.join("src/Makefile"), SRC_MAKEFILE, 0o644)?;
    let utils = tree.join("utils");
    let scripts = root().join(TOOLS_SCRIPTS);
    let create_cluster = utils.join("create-cluster/create-cluster");
    copy(&scripts.join("create-cluster"), &create_cluster, 0o755)?;
    copy(&scripts.join("install_server.sh"), &utils.join("install_server.sh"), 0o755)?;
    let init = [scripts.join("redis_init_script"), scripts.join("init_actions")];
    let init: Result<Vec<String>, String> =
        init.iter().map(|path| fs::read_to_string(path).map_err(at(path))).collect();
    write(&utils.join("redis_init_script"), &init?.concat(), 0o755)?;
    let archive = out.join(format!("{full_name}.tar.gz"));
    succeed(Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(out).arg(&name))?;
    let plain = out.join(full_name);
    copy(&tree.join("src/dunlin"), &plain, 0o755)?;
    Ok([tree, archive, plain])
}

/// Puts the executable and all its names into a directory.
fn programs(binary: &Path, src: &Path) -> Result<(), String> {
    let dunlin = src.join("dunlin");
    copy(binary, &dunlin, 0o755)?;
    strip(&dunlin)?;
    succeed(Command::new(&dunlin).arg("link").arg(src).stdout(std::process::Stdio::null()))?;
    for script in SCRIPTS {
        let path = src.join(script);
        fs::remove_file(&path).map_err(at(&path))?;
    }
    Ok(())
}

/// Takes what debuggers want out of an executable: four fifths of it. Names of functions stay, for the
/// reports of crashes.
fn strip(executable: &Path) -> Result<(), String> {
    match Command::new("strip").arg("-S").arg(executable).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("strip {}: {status}", executable.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!(
                "There is no 'strip' here (binutils): {} is left large.",
                executable.display()
            );
            Ok(())
        }
        Err(error) => Err(format!("strip: {error}")),
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    create_parent(path)?;
    fs::write(path, text).map_err(at(path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at(path))
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<(), String> {
    create_parent(to)?;
    fs::copy(from, to).map_err(at(from))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(at(to))
}

fn create_parent(path: &Path) -> Result<(), String> {
    path.parent().map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(at(parent)))
}

fn at(path: &Path) -> impl Fn(io::Error) -> String {
    let path = path.to_owned();
    move |error| format!("{}: {error}", path.display())
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// What a program says about its version, or without arguments.
    fn says(program: &Path) -> String {
        let name = program.file_name().expect("a name").to_string_lossy();
        let has_version = !name.contains("check") && !name.contains("trib");
        let arguments: &[&str] = if has_version { &["--version"] } else { &[] };
        let output = Command::new(program).args(arguments).output().expect("it runs");
        let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
        String::from_utf8(text).expect("text")
    }

    /// What a server of that program logs when it is told to panic.
    fn says_why_it_died(program: &Path) -> String {
        let mut server =
            dunlin_testkit::ServerBuilder::new(program).config("enable-debug-command yes").start();
        let _ = server.client().try_cmd("DEBUG PANIC");
        server.wait_exit();
        server.log()
    }

    const PROGRAMS: &[(&str, &str)] = &[
        ("redis-server", "Redis server v="),
        ("redis-cli", "redis-cli 7."),
        ("redis-benchmark", "redis-benchmark 7."),
        ("redis-trib.rb", "Usage: redis-trib "),
        ("redis-check-rdb", "Usage: "),
        ("redis-check-aof", "Usage: "),
    ];

    fn check_programs(directory: &Path) {
        for (name, start) in PROGRAMS {
            let said = says(&directory.join(name));
            assert!(said.starts_with(start), "{name}: {said}");
        }
    }

    fn make_quietly(words: &[&str], directory: &Path) {
        let mut command = Command::new("make");
        command.args(words).current_dir(directory).stdout(std::process::Stdio::null());
        succeed(&mut command).expect("make");
    }

    /// One archive of the program under test serves for all that guides do with it.
    #[test]
    fn guides_find_what_they_expect() {
        let dir = tempfile::tempdir().expect("a directory");
        let binary = dunlin_testkit::server::program();
        let [tree, archive, plain] = make(&binary, dir.path()).expect("made");
        assert!(says(&plain).starts_with("dunlin "), "{}", says(&plain));
        let size = |path: &Path| fs::metadata(path).expect("there").len();
        assert!(size(&plain) < size(&binary) / 2, "nothing was stripped");
        assert!(says_why_it_died(&plain).contains("dunlin_engine::"), "no names are left");
        let place = dir.path().join("unpacked");
        fs::create_dir(&place).expect("made");
        let mut unpack = Command::new("tar");
        succeed(unpack.arg("-xzf").arg(archive).arg("-C").arg(&place)).expect("unpacked");
        let tree = place.join(tree.file_name().expect("a name"));
        check_tree(&tree);
        check_make(&tree, dir.path());

        let bin = dir.path().join("bin");
        fs::create_dir(&bin).expect("made");
        let line = format!("cp -a {}/src/redis-* {}", tree.display(), bin.display());
        succeed(Command::new("sh").args(["-c", &line])).expect("copied");
        fs::remove_dir_all(&tree).expect("removed");
        for copied in ["bin", "one/bin", "two/bin"] {
            check_programs(&dir.path().join(copied));
        }
    }

    fn check_tree(tree: &Path) {
        for file in [
            "Makefile",
            "redis.conf",
            "src/Makefile",
            "utils/create-cluster/create-cluster",
            "utils/install_server.sh",
            "utils/redis_init_script",
        ] {
            assert!(tree.join(file).is_file(), "{file}");
        }
        assert!(!tree.join("src/create-cluster").exists());
        check_programs(&tree.join("src"));
        // Real files, stored once.
        let inode =
            |name: &str| tree.join("src").join(name).symlink_metadata().expect("there").ino();
        assert!(PROGRAMS.iter().all(|(name, _)| inode(name) == inode("dunlin")));
        // The scripts find the programs.
        let script = tree.join("utils/install_server.sh");
        let shown = Command::new(script).arg("--help").output().expect("a shell");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("--template"), "{shown:?}");
        let mut script = Command::new(tree.join("utils/create-cluster/create-cluster"));
        let nowhere = script.env("PATH", "/usr/bin:/bin").args(["call", "--version"]).output();
        let said = String::from_utf8(nowhere.expect("a shell").stdout).expect("text");
        assert_eq!(said.matches("redis-cli 7.").count(), 6, "{said}");
    }

    fn check_make(tree: &Path, out: &Path) {
        let prefix = |name: &str| format!("PREFIX={}", out.join(name).display());
        make_quietly(&["distclean"], tree);
        make_quietly(&["MALLOC=libc"], tree);
        make_quietly(&["test"], tree);
        make_quietly(&["install", &prefix("one")], tree);
        // The usual other way, twice.
        make_quietly(&["install", &prefix("two")], &tree.join("src"));
        make_quietly(&["install", "PREFIX=../../../two"], &tree.join("src"));
    }
}
