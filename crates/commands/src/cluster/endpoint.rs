//! What clients are told to connect to.

use dunlin_cluster::Node;
use dunlin_config::EndpointType;

/// What clients are told to connect to, as `cluster-preferred-endpoint-type` says: `?` stands for a
/// hostname that is not known, nothing for the address that the client has used already.
#[must_use]
pub fn preferred_endpoint(node: &Node, preferred: EndpointType) -> &str {
    match preferred {
        EndpointType::Ip => &node.address().ip,
        EndpointType::Hostname if node.hostname().is_empty() => "?",
        EndpointType::Hostname => node.hostname(),
        EndpointType::UnknownEndpoint => "",
    }
}
