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
    /// Time in turns of the event loop, waiting not included, in microseconds
    /// (`eventloop_duration_sum`).
    pub loop_us: u64,
    /// The longest of these turns, in microseconds (`eventloop_duration_max`).
    pub loop_us_max: u64,
    /// Time in periodic work, in nanoseconds (`eventloop_duration_cron_sum`).
    pub cron_ns: u64,
    /// Most commands in one turn (`eventloop_cmd_per_cycle_max`).
    pub turn_commands_max: u64,
    /// Time spent on removing keys whose deadline has passed, in microseconds
    /// (`expire_cycle_cpu_milliseconds`).
    pub expire_cycle_us: u64,
    /// How often the time for that was up before all were found
    /// (`expired_time_cap_reached_count`).
    pub expire_cycles_cut: u64,
    /// Commands run before this turn began.
    commands_before_turn: u64,
    /// Changes since the last snapshot (`rdb_changes_since_last_save`); not reset.
    pub changes_since_save: u64,
}

impl Counters {
    /// Counts a turn of the event loop that took `turn_us` microseconds.
    #[inline]
    pub fn turn_ended(&mut self, turn_us: u64) {
        self.loop_turns += 1;
        self.loop_us += turn_us;
        self.loop_us_max = self.loop_us_max.max(turn_us);
        // A reset within the turn makes the difference negative.
        let commands = self.commands_processed.saturating_sub(self.commands_before_turn);
        self.turn_commands_max = self.turn_commands_max.max(commands);
        self.commands_before_turn = self.commands_processed;
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&mut self) {
        *self = Self { changes_since_save: self.changes_since_save, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_turn_is_remembered() {
        let mut counters = Counters::default();
        for (commands, turn_us) in [(2, 10), (5, 30), (1, 20)] {
            counters.commands_processed += commands;
            counters.turn_ended(turn_us);
        }
        assert_eq!((counters.loop_turns, counters.loop_us), (3, 60));
        assert_eq!((counters.loop_us_max, counters.turn_commands_max), (30, 5));
        counters.reset();
        counters.turn_ended(1);
        assert_eq!(counters.turn_commands_max, 0);
    }
}
