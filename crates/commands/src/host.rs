//! What a command may ask of the server beyond keyspace, clients and parameters.

/// The server around the commands. Each method is one narrow question or wish; the engine answers.
pub trait Host {
    /// Writes a line to the server's log at level notice.
    fn log_notice(&mut self, line: &str);
}
