//! What is printed in the end, for people and for programs.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::arguments::{BUS_PORT_OFFSET, Down, Up};
use super::failure::Failure;
use super::node::Node;
use super::table::{Line, Role};
use crate::json;

/// The cluster serves.
pub(super) fn up(
    wish: &Up,
    dir: &Path,
    nodes: &[Node],
    lines: &[Line],
    took: Duration,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let text = if wish.is_json {
        up_json(dir, nodes, lines, took)
    } else {
        up_text(wish, nodes, lines, took)
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// The cluster is stopped.
pub(super) fn down(
    wish: &Down,
    dir: &Path,
    ports: &[u16],
    took: Duration,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let text = if wish.is_json {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let (dir, seconds) = (json::string(&dir.display().to_string()), took.as_secs_f64());
        format!("{{\"dir\":{dir},\"seconds\":{seconds:.3},\"stopped\":[{}]}}\n", ports.join(","))
    } else {
        format!("Stopped {} nodes in {:.1} s.\n", ports.len(), took.as_secs_f64())
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// The line about a node, and the port of its primary if it has one.
fn about<'a>(node: &Node, lines: &'a [Line]) -> Option<(&'a Line, Option<u16>)> {
    let line = lines.iter().find(|line| line.port == node.port)?;
    let primary = match &line.role {
        Role::Replica { of } => lines.iter().find(|line| line.id == *of).map(|line| line.port),
        Role::Primary { .. } => None,
    };
    Some((line, primary))
}

fn up_text(wish: &Up, nodes: &[Node], lines: &[Line], took: Duration) -> String {
    let mut text = format!("{} nodes serve after {:.1} s.\n\n", nodes.len(), took.as_secs_f64());
    for node in nodes {
        let role = match about(node, lines) {
            Some((_, Some(primary))) => format!("replica of {primary}"),
            Some((line, None)) => line.role.to_string(),
            None => "unknown".to_owned(),
        };
        text += &format!("  127.0.0.1:{}  {role}\n", node.port);
    }
    let port = nodes.first().map_or(0, |node| node.port);
    let dir = wish.dir.display();
    text += &format!(
        "\nConnect:  redis-cli -c -p {port}\nLogs:     {dir}/*/redis.log\n\
         Stop:     dunlin cluster down --dir {dir}\n"
    );
    text
}

fn up_json(dir: &Path, nodes: &[Node], lines: &[Line], took: Duration) -> String {
    let nodes: Vec<String> = nodes.iter().map(|node| node_json(node, about(node, lines))).collect();
    let (dir, seconds) = (json::string(&dir.display().to_string()), took.as_secs_f64());
    format!("{{\"dir\":{dir},\"seconds\":{seconds:.3},\"nodes\":[{}]}}\n", nodes.join(","))
}

fn node_json(node: &Node, about: Option<(&Line, Option<u16>)>) -> String {
    let (port, bus_port) = (node.port, node.port.saturating_add(BUS_PORT_OFFSET));
    let pid = node.pid().map_or_else(|| "null".to_owned(), |pid| pid.to_string());
    let mut text = format!(
        "{{\"host\":\"127.0.0.1\",\"port\":{port},\"bus_port\":{bus_port},\"pid\":{pid},\"dir\":{}",
        json::string(&node.dir.display().to_string())
    );
    if let Some((line, primary)) = about {
        text += &format!(",\"id\":{}", json::string(&line.id));
        text += &match (&line.role, primary) {
            (Role::Primary { slots }, _) => {
                format!(",\"role\":\"primary\",\"slots\":{}", json::string(slots))
            }
            (Role::Replica { .. }, Some(primary)) => {
                format!(",\"role\":\"replica\",\"primary\":{primary}")
            }
            (Role::Replica { .. }, None) => ",\"role\":\"replica\"".to_owned(),
        };
    }
    text + "}"
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    const NODES: &str = "a 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-16383\n\
                         b 127.0.0.1:7001@17001 slave a 0 0 1 connected";

    fn nodes() -> Vec<Node> {
        [7000, 7001].map(|port| Node::new(port, Path::new("/x \"y\""))).to_vec()
    }

    #[test]
    fn for_people() {
        let wish = Up { nodes: None, replicas: 1, port: None, dir: "there".into(), is_json: false };
        let text = up_text(&wish, &nodes(), &table::read(NODES), Duration::from_millis(2140));
        assert!(text.starts_with("2 nodes serve after 2.1 s.\n"), "{text}");
        assert!(text.contains("  127.0.0.1:7000  primary of slots 0-16383\n"), "{text}");
        assert!(text.contains("  127.0.0.1:7001  replica of 7000\n"), "{text}");
        assert!(text.contains("redis-cli -c -p 7000\n"), "{text}");
        assert!(text.ends_with("dunlin cluster down --dir there\n"), "{text}");
    }

    #[test]
    fn for_programs() {
        let text = up_json(Path::new("/x \"y\""), &nodes(), &table::read(NODES), Duration::ZERO);
        let expected = "{\"dir\":\"/x \\\"y\\\"\",\"seconds\":0.000,\"nodes\":[\
            {\"host\":\"127.0.0.1\",\"port\":7000,\"bus_port\":17000,\"pid\":null,\
            \"dir\":\"/x \\\"y\\\"/7000\",\"id\":\"a\",\"role\":\"primary\",\"slots\":\"0-16383\"},\
            {\"host\":\"127.0.0.1\",\"port\":7001,\"bus_port\":17001,\"pid\":null,\
            \"dir\":\"/x \\\"y\\\"/7001\",\"id\":\"b\",\"role\":\"replica\",\"primary\":7000}]}\n";
        assert_eq!(text, expected);
    }
}
