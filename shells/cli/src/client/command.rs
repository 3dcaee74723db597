//! What a client has to know about commands.

/// Commands whose replies are not one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
    Monitor,
    /// SYNC and PSYNC
    Sync,
    Other,
}

impl Kind {
    pub(super) fn of(words: &[Vec<u8>]) -> Self {
        let one_of = |names: &[&str]| names.iter().any(|name| is(words, 0, name));
        if one_of(&["subscribe", "psubscribe", "ssubscribe"]) {
            Self::Subscribe
        } else if one_of(&["unsubscribe", "punsubscribe", "sunsubscribe"]) {
            Self::Unsubscribe
        } else if one_of(&["monitor"]) {
            Self::Monitor
        } else if one_of(&["sync", "psync"]) {
            Self::Sync
        } else {
            Self::Other
        }
    }
}

/// Whether a word is there and is `name`, in any case.
pub(crate) fn is(words: &[Vec<u8>], index: usize, name: &str) -> bool {
    words.get(index).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// Commands whose replies are text for people, to be printed as it is.
pub(super) fn is_text(words: &[Vec<u8>]) -> bool {
    let count = words.len();
    let first = |name: &str| is(words, 0, name);
    let second = |names: &[&str]| names.iter().any(|name| is(words, 1, name));
    first("info")
        || first("lolwut")
        || (first("debug") && second(&["htstats", "htstats-key", "client-eviction"]))
        || (first("memory") && second(&["malloc-stats", "doctor"]))
        || (first("cluster") && count == 2 && second(&["nodes", "info"]))
        || (first("client") && second(&["list", "info"]))
        || (first("latency") && count == 3 && second(&["graph"]))
        || (first("latency") && count == 2 && second(&["doctor"]))
        || (first("proxy") && second(&["info"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn text_for_people_is_printed_as_it_is() {
        for line in [
            "INFO",
            "info all",
            "lolwut",
            "CLUSTER nodes",
            "client list id 3",
            "latency graph get",
            "latency doctor",
            "debug htstats 0",
        ] {
            assert!(is_text(&words(line)), "{line}");
        }
        for line in ["get info", "cluster info x", "cluster slots", "latency graph", "client id"] {
            assert!(!is_text(&words(line)), "{line}");
        }
    }
}
