//! What a server shows when it starts.

use crate::version::{DUNLIN_VERSION, REDIS_VERSION};

/// A small wader, and the four facts that people and scripts look for at this place.
pub(crate) fn logo(mode: &str, port: u16, pid: u32) -> String {
    let bits = usize::BITS;
    format!(
        r"
             .--.
        ____/ o  \         Redis-compatible dunlin {DUNLIN_VERSION} (Redis {REDIS_VERSION}) {bits} bit
       '----.     \
             \     '-.__   Running in {mode} mode
              \         '-._
               '.   \       '--.   Port: {port}
                 '-. '--.._____/   PID: {pid}
                    '-,_  ___.-'
                       | |
  ~ ~ ~~ ~ ~~~ ~ ~ ~~ _|_|_ ~ ~~ ~ ~ ~~~ ~ ~

"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logo_tells_mode_port_and_pid() {
        let logo = logo("standalone", 6379, 4711);
        assert!(logo.contains(" PID: 4711\n"));
        assert!(logo.contains("Port: 6379\n"));
        assert!(logo.contains("Running in standalone mode\n"));
        assert!(logo.contains("Redis-compatible dunlin 0."));
    }
}
