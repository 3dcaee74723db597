//! Counters of INFO's `stats` section that do not belong to keys.

/// Counted since the start of the server, or since CONFIG RESETSTAT.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// Connections accepted (`total_connections_received`).
    pub connections_received: u64,
    /// Connections refused because of `maxclients` (`rejected_connections`).
    pub connections_rejected: u64,
    /// Commands run (`total_commands_processed`).
    pub commands_processed: u64,
    /// Bytes read from clients (`total_net_input_bytes`).
    pub net_input_bytes: u64,
    /// Bytes written to clients (`total_net_output_bytes`).
    pub net_output_bytes: u64,
    /// Readable connections served (`total_reads_processed`).
    pub reads_processed: u64,
    /// Connections written to (`total_writes_processed`).
    pub writes_processed: u64,
    /// Error replies sent (`total_error_replies`).
    pub error_replies: u64,
    /// Clients closed because of `maxmemory-clients` (`evicted_clients`).
    pub clients_evicted: u64,
    /// Clients closed because of `client-query-buffer-limit`
    /// (`client_query_buffer_limit_disconnections` of later versions).
    pub query_buffer_disconnections: u64,
    /// Clients closed because of `client-output-buffer-limit`
    /// (`client_output_buffer_limit_disconnections` of later versions).
    pub output_buffer_disconnections: u64,
    /// Turns of the event loop (`eventloop_cycles`).
    pub loop_turns: u64,
    /// From the begin of a turn to the end of its last command, summed over all turns, in
    /// nanoseconds (`eventloop_duration_sum`).
    pub loop_ns: u64,
    /// Changes since the last snapshot (`rdb_changes_since_last_save`); not reset.
    pub changes_since_save: u64,
}

impl Counters {
    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&mut self) {
        *self = Self { changes_since_save: self.changes_since_save, ..Self::default() };
    }
}
