//! The names of files and directories: as programs see them, and as a power loss may leave them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use fastrand::Rng;

/// The number of a file, whatever its names.
pub(super) type FileNumber = usize;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(FileNumber),
    Directory,
}

type Tree = BTreeMap<PathBuf, Node>;

/// What one call did to names: each path and what it stands for since. A rename is one change of two
/// paths, kept or lost as a whole.
#[derive(Clone, Debug)]
struct Change(Vec<(PathBuf, Option<Node>)>);

impl Change {
    fn apply(&self, to: &mut Tree) {
        for (path, node) in &self.0 {
            match node {
                Some(node) => to.insert(path.clone(), *node),
                None => to.remove(path),
            };
        }
    }
}

/// A tree of names. The working directory is the empty path and needs no name.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    current: Tree,
    durable: Tree,
    pending: Vec<Change>,
}

/// A path without `.` in it, so that each file has one name.
pub(super) fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<Node> {
        if path.as_os_str().is_empty() || path == Path::new("/") {
            return Some(Node::Directory);
        }
        self.current.get(path).copied()
    }

    /// Whether a name can be made in the directory of `path`.
    pub(super) fn has_parent(&self, path: &Path) -> bool {
        self.get(parent(path)) == Some(Node::Directory)
    }

    pub(super) fn set(&mut self, path: PathBuf, node: Node) {
        self.change(Change(vec![(path, Some(node))]));
    }

    pub(super) fn remove(&mut self, path: PathBuf) {
        self.change(Change(vec![(path, None)]));
    }

    pub(super) fn rename(&mut self, from: PathBuf, to: PathBuf, node: Node) {
        self.change(Change(vec![(from, None), (to, Some(node))]));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    /// Makes the names in a directory last: only those, and not the name of the directory itself.
    pub(super) fn sync(&mut self, directory: &Path) {
        for Change(parts) in &mut self.pending {
            let (here, elsewhere) =
                parts.drain(..).partition(|(path, _)| parent(path) == directory);
            Change(here).apply(&mut self.durable);
            *parts = elsewhere;
        }
        self.pending.retain(|Change(parts)| !parts.is_empty());
    }

    /// The names in a directory.
    pub(super) fn list(&self, directory: &Path) -> Vec<PathBuf> {
        let inside = |path: &&PathBuf| parent(path) == directory;
        self.current.keys().filter(inside).cloned().collect()
    }

    /// Files that have a name.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, FileNumber)> {
        self.current.iter().filter_map(|(path, node)| match node {
            Node::File(number) => Some((path.as_path(), *number)),
            Node::Directory => None,
        })
    }

    /// What is found after a power loss. `kept` of a thousand changes that were not synced survive:
    /// mostly the first ones, as file systems with a journal do it, sometimes any.
    pub(super) fn after_power_loss(mut self, kept: Kept, random: &mut Rng) -> Names {
        let pending = std::mem::take(&mut self.pending);
        let count = match kept {
            Kept::None => 0,
            Kept::All => pending.len(),
            Kept::First | Kept::Any => random.usize(..=pending.len()),
        };
        for (index, change) in pending.iter().enumerate() {
            if if kept == Kept::Any { random.bool() } else { index < count } {
                change.apply(&mut self.durable);
            }
        }
        let mut found = Tree::new();
        // Parents come before what they hold: a lost directory takes its content with it.
        for (path, node) in self.durable {
            let above = parent(&path);
            let reachable = above.as_os_str().is_empty()
                || above == Path::new("/")
                || found.get(above) == Some(&Node::Directory);
            if reachable {
                found.insert(path, node);
            }
        }
        Names { current: found.clone(), durable: found, pending: Vec::new() }
    }
}

/// Which changes of names that were not synced a power loss leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    None,
    All,
    First,
    Any,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathBuf {
        PathBuf::from(text)
    }

    fn after(names: &Names, kept: Kept, seed: u64) -> Vec<String> {
        let found = names.clone().after_power_loss(kept, &mut Rng::with_seed(seed));
        found.current.keys().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn names_last_once_their_directory_is_synced() {
        let mut names = Names::default();
        names.set(path("a"), Node::File(1));
        assert!(after(&names, Kept::None, 0).is_empty());
        assert_eq!(after(&names, Kept::All, 0), ["a"]);
        names.sync(Path::new(""));
        assert_eq!(after(&names, Kept::None, 0), ["a"]);
    }

    #[test]
    fn a_rename_is_kept_or_lost_as_a_whole() {
        let mut names = Names::default();
        names.set(path("old"), Node::File(1));
        names.sync(Path::new(""));
        names.rename(path("old"), path("new"), Node::File(1));
        for seed in 0..50 {
            let found = after(&names, Kept::Any, seed);
            assert!(found == ["old"] || found == ["new"], "{found:?}");
        }
    }

    #[test]
    fn a_directory_whose_own_name_was_not_synced_takes_its_files_with_it() {
        let mut names = Names::default();
        names.set(path("d"), Node::Directory);
        names.set(path("d/a"), Node::File(1));
        names.sync(Path::new("d"));
        assert!(after(&names, Kept::None, 0).is_empty());
        names.sync(Path::new(""));
        assert_eq!(after(&names, Kept::None, 0), ["d", "d/a"]);
    }

    #[test]
    fn changes_of_other_directories_stay_pending() {
        let mut names = Names::default();
        names.set(path("d"), Node::Directory);
        names.set(path("a"), Node::File(1));
        names.sync(Path::new(""));
        names.rename(path("a"), path("d/b"), Node::File(1));
        names.sync(Path::new("d"));
        assert_eq!(after(&names, Kept::None, 0), ["a", "d", "d/b"]);
        names.sync(Path::new(""));
        assert_eq!(after(&names, Kept::None, 0), ["d", "d/b"]);
    }

    #[test]
    fn the_working_directory_has_one_name() {
        assert_eq!(normal(Path::new("./d/./a")), path("d/a"));
        assert_eq!(normal(Path::new(".")), path(""));
    }
}
