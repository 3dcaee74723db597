//! Replicas and hosts: a host that dies should not take a primary and its replica along.

use std::collections::BTreeMap;

/// How well replicas and hosts fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// Nothing had to be changed.
    Untouched,
    /// After changes, no host holds two nodes of one primary.
    Perfect,
    /// A replica shares the host of its primary.
    WithPrimary,
    /// Replicas of one primary share a host.
    WithEachOther,
}

/// What a replica beside its primary counts; as much as all that can be wrong otherwise.
const WITH_PRIMARY: usize = 10_000;
/// Tries per node.
const TRIES: usize = 500;

/// Exchanges primaries between replicas at random for as long as hosts hold several nodes of one
/// primary, keeping what is not worse.
pub(crate) fn optimize(
    hosts: &[&str],
    follows: &mut [Option<usize>],
    rng: &mut fastrand::Rng,
) -> Affinity {
    let (mut score, mut offenders) = judge(hosts, follows);
    if score == 0 {
        return Affinity::Untouched;
    }
    let replicas: Vec<usize> = (0..hosts.len()).filter(|node| follows[*node].is_some()).collect();
    for _ in 0..TRIES * hosts.len() {
        if score == 0 || offenders.is_empty() || replicas.len() < 2 {
            break;
        }
        let first = offenders[rng.usize(..offenders.len())];
        let second = replicas[rng.usize(..replicas.len())];
        if first == second {
            continue;
        }
        follows.swap(first, second);
        let (new_score, new_offenders) = judge(hosts, follows);
        // An equal one is kept: the best may be several exchanges away.
        if new_score > score {
            follows.swap(first, second);
        } else {
            (score, offenders) = (new_score, new_offenders);
        }
    }
    match score {
        0 => Affinity::Perfect,
        WITH_PRIMARY.. => Affinity::WithPrimary,
        _ => Affinity::WithEachOther,
    }
}

/// How bad it is, and a replica of each group that is at fault.
fn judge(hosts: &[&str], follows: &[Option<usize>]) -> (usize, Vec<usize>) {
    // By host and primary: the nodes there.
    let mut groups: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
    for (node, host) in hosts.iter().enumerate() {
        groups.entry((host, follows[node].unwrap_or(node))).or_default().push(node);
    }
    let (mut score, mut offenders) = (0, Vec::new());
    for ((_, primary), nodes) in groups.iter().filter(|(_, nodes)| nodes.len() > 1) {
        let has_primary = nodes.contains(primary);
        score += if has_primary { WITH_PRIMARY * (nodes.len() - 1) } else { nodes.len() };
        offenders.extend(nodes.iter().find(|node| follows[**node].is_some()));
    }
    (score, offenders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores() {
        assert_eq!(judge(&["a", "b"], &[None, Some(0)]), (0, vec![]));
        assert_eq!(judge(&["a", "a", "a"], &[None, Some(0), Some(0)]), (20_000, vec![1]));
        assert_eq!(judge(&["a", "b", "b"], &[None, Some(0), Some(0)]), (2, vec![1]));
    }

    #[test]
    fn exchanges_help_where_they_can() {
        let mut rng = fastrand::Rng::with_seed(3);
        let hosts = ["a", "b", "c", "a", "b", "c"];
        let mut follows = [None, None, None, Some(0), Some(1), Some(2)];
        assert_eq!(optimize(&hosts, &mut follows, &mut rng), Affinity::Perfect);
        assert_eq!(judge(&hosts, &follows).0, 0);
        let mut follows = [None, None, None, Some(0), Some(1), Some(2)];
        assert_eq!(optimize(&["a"; 6], &mut follows, &mut rng), Affinity::WithPrimary);
        let hosts = ["a", "b", "c", "d", "d", "d"];
        let mut follows = [None, None, None, Some(0), Some(0), Some(1)];
        assert_eq!(optimize(&hosts, &mut follows, &mut rng), Affinity::WithEachOther);
    }
}
