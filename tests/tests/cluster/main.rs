//! Clusters of real processes: what operators do with them, what clients see, what happens when
//! processes die, and dunlin and Redis in one cluster.
//!
//! With `DUNLIN_BIN=/usr/bin/redis-server` the same tests show what Redis does.

mod by_hand;
mod chaos;
mod cli;
mod clients;
mod consistency;
mod failover;
mod hostile;
mod interop;
mod joining;
mod password;
mod pubsub;
mod redirections;
mod restarts;
