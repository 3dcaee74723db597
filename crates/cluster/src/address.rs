//! Where a node is reached.

/// Where a node is reached. A port that it does not have is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Numeric IP address, or the name that it announces; empty if not known.
    pub ip: String,
    /// Port of clients without TLS.
    pub port: u16,
    /// Port of clients with TLS.
    pub tls_port: u16,
    /// Port of the bus.
    pub bus_port: u16,
}

/// The ports that a server listens on; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Clients without TLS.
    pub tcp: u16,
    /// Clients with TLS.
    pub tls: u16,
    /// The bus: other nodes.
    pub bus: u16,
}

/// What the bus adds to a port of clients when nothing else is said.
pub const BUS_PORT_OFFSET: u16 = 10_000;
