//! What CLUSTER NODES says, as far as it is needed here.

use std::fmt;

/// What a node does in its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// It serves these slots.
    Primary { slots: String },
    /// It follows the node with this id.
    Replica { of: String },
}

/// A line of CLUSTER NODES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) port: u16,
    pub(super) role: Role,
    /// The node that tells has met it and hears of it.
    pub(super) is_known: bool,
}

/// Reads CLUSTER NODES; lines that cannot be read are left out.
pub(super) fn read(text: &str) -> Vec<Line> {
    text.lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<Line> {
    let words: Vec<&str> = text.split(' ').collect();
    let [id, address, flags, primary, _, _, _, link, slots @ ..] = words.as_slice() else {
        return None;
    };
    let port = address.split('@').next()?.rsplit_once(':')?.1.parse().ok()?;
    let flags: Vec<&str> = flags.split(',').collect();
    let role = if flags.contains(&"slave") {
        Role::Replica { of: (*primary).to_owned() }
    } else {
        Role::Primary { slots: slots.join(" ") }
    };
    let is_lost = ["handshake", "noaddr", "fail", "fail?"].iter().any(|flag| flags.contains(flag));
    let is_known = !is_lost && *link == "connected";
    Some(Line { id: (*id).to_owned(), port, role, is_known })
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary { slots } if slots.is_empty() => f.write_str("primary without slots"),
            Self::Primary { slots } => write!(f, "primary of slots {slots}"),
            Self::Replica { of } => write!(f, "replica of {of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind() {
        let text = "a 127.0.0.1:7000@17000,host myself,master - 0 0 1 connected 0-5 7\n\
                    b 127.0.0.1:7001@17001 slave a 0 0 1 connected\n\
                    c 127.0.0.1:7002@17002 handshake - 0 0 0 disconnected\nnonsense";
        let lines = read(text);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].role, Role::Primary { slots: "0-5 7".into() });
        assert_eq!((lines[1].port, lines[1].is_known), (7001, true));
        assert_eq!(lines[1].role, Role::Replica { of: "a".into() });
        assert!(!lines[2].is_known);
        assert_eq!(lines[0].role.to_string(), "primary of slots 0-5 7");
    }
}
