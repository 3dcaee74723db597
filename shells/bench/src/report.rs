//! What is printed about a test.

use std::fmt::Write;

use crate::host::HostConfig;
use crate::latency::Share;
use crate::load::Outcome;
use crate::options::Load;

pub(crate) const CSV_HEADER: &str = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\
    \"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n";

/// What the servers say about how they keep data.
#[derive(Debug)]
pub(crate) enum Settings {
    /// `None` where the server does not tell.
    Server(Option<HostConfig>),
    /// The same for each node.
    Cluster(Vec<Option<HostConfig>>),
}

/// What there is to tell about a test.
pub(crate) struct Facts<'a> {
    pub(crate) title: &'a str,
    pub(crate) data_bytes: usize,
    pub(crate) load: &'a Load,
    pub(crate) settings: &'a Settings,
    pub(crate) outcome: &'a Outcome,
}

/// The one line of `-q`.
pub(crate) fn line(facts: &Facts<'_>) -> String {
    let (rps, p50) = (facts.outcome.requests_per_second(), facts.outcome.latencies.summary().p50);
    format!("{}: {rps:.2} requests per second, p50={p50:.3} msec\n", facts.title)
}

/// The row of `--csv`.
pub(crate) fn csv(facts: &Facts<'_>) -> String {
    let (rps, figures) = (facts.outcome.requests_per_second(), facts.outcome.latencies.summary());
    let mut text = format!("\"{}\",\"{rps:.2}\"", facts.title);
    for millis in [figures.mean, figures.min, figures.p50, figures.p95, figures.p99, figures.max] {
        write!(text, ",\"{millis:.3}\"").expect("a string takes all");
    }
    text + "\n"
}

/// The whole report.
pub(crate) fn full(facts: &Facts<'_>) -> String {
    let mut text = head(facts);
    text += "\nLatency by percentile distribution:\n";
    text += &shares(&facts.outcome.latencies.by_percentile());
    text += "\nCumulative distribution of latencies:\n";
    text += &shares(&facts.outcome.latencies.cumulative());
    let (rps, figures) = (facts.outcome.requests_per_second(), facts.outcome.latencies.summary());
    text += &format!("\nSummary:\n  throughput summary: {rps:.2} requests per second\n");
    text += "  latency summary (msec):\n";
    text += &cells(&["avg", "min", "p50", "p95", "p99", "max"].map(str::to_owned));
    let millis = [figures.mean, figures.min, figures.p50, figures.p95, figures.p99, figures.max];
    text + &cells(&millis.map(|millis| format!("{millis:.3}")))
}

fn cells(cells: &[String; 6]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {cell:>9}")).collect();
    format!("   {cells}\n")
}

fn head(facts: &Facts<'_>) -> String {
    let Facts { title, data_bytes, load, settings, outcome } = facts;
    let (requests, seconds) = (outcome.requests, outcome.elapsed.as_secs_f64());
    let mut text = format!(
        "====== {title} ======\n  {requests} requests completed in {seconds:.2} seconds\n  \
         {} parallel clients\n  {data_bytes} bytes payload\n  keep alive: {}\n",
        load.clients,
        u8::from(load.keeps_alive),
    );
    match settings {
        Settings::Server(None) => {}
        Settings::Server(Some(config)) => {
            text += &format!("  host configuration \"save\": {}\n", config.save);
            text += &format!("  host configuration \"appendonly\": {}\n", config.appendonly);
        }
        Settings::Cluster(nodes) => {
            text += &format!("  cluster mode: yes ({} masters)\n", nodes.len());
            for (index, config) in nodes.iter().enumerate() {
                let Some(config) = config else { continue };
                let save = if config.save.is_empty() { "NONE" } else { &config.save };
                text += &format!("  node [{index}] configuration:\n    save: {save}\n");
                text += &format!("    appendonly: {}\n", config.appendonly);
            }
        }
    }
    match load.threads {
        0 => text + "  multi-thread: no\n",
        threads => text + &format!("  multi-thread: yes\n  threads: {threads}\n"),
    }
}

fn shares(shares: &[Share]) -> String {
    let line = |share: &Share| {
        let Share { percent, millis, count } = share;
        format!("{percent:.3}% <= {millis:.3} milliseconds (cumulative count {count})\n")
    };
    shares.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::latency::Latencies;

    fn outcome() -> Outcome {
        let mut latencies = Latencies::new(3);
        for (micros, count) in [(9, 1), (17, 4), (25, 4), (33, 1)] {
            latencies.record(micros, count);
        }
        Outcome { requests: 10, elapsed: Duration::from_millis(4), latencies }
    }

    fn load() -> Load {
        let crate::options::Parsed::Run(options) =
            crate::options::parse(&["-c".into(), "3".into()]).expect("options")
        else {
            panic!("options")
        };
        options.load
    }

    fn check(settings: &Settings, load: &Load, make: fn(&Facts<'_>) -> String, expected: &str) {
        let outcome = outcome();
        let facts = Facts { title: "SET", data_bytes: 3, load, settings, outcome: &outcome };
        assert_eq!(make(&facts), expected);
    }

    /// The numbers of a run of redis-benchmark 7.2.6 (-n 10 -c 3 -t set), but for the time.
    #[test]
    fn a_full_report() {
        let config = HostConfig { save: "3600 1".to_owned(), appendonly: "no".to_owned() };
        check(
            &Settings::Server(Some(config)),
            &load(),
            full,
            "\
====== SET ======
  10 requests completed in 0.00 seconds
  3 parallel clients
  3 bytes payload
  keep alive: 1
  host configuration \"save\": 3600 1
  host configuration \"appendonly\": no
  multi-thread: no

Latency by percentile distribution:
0.000% <= 0.015 milliseconds (cumulative count 1)
50.000% <= 0.023 milliseconds (cumulative count 5)
75.000% <= 0.031 milliseconds (cumulative count 9)
93.750% <= 0.039 milliseconds (cumulative count 10)
100.000% <= 0.039 milliseconds (cumulative count 10)

Cumulative distribution of latencies:
100.000% <= 0.103 milliseconds (cumulative count 10)

Summary:
  throughput summary: 2500.00 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.024     0.008     0.023     0.039     0.039     0.039
",
        );
    }

    #[test]
    fn the_head_in_a_cluster() {
        let nodes = vec![
            Some(HostConfig { save: String::new(), appendonly: "yes".to_owned() }),
            None,
            Some(HostConfig { save: "60 1".to_owned(), appendonly: "no".to_owned() }),
        ];
        let load = Load { threads: 3, keeps_alive: false, ..load() };
        check(
            &Settings::Cluster(nodes),
            &load,
            head,
            "\
====== SET ======
  10 requests completed in 0.00 seconds
  3 parallel clients
  3 bytes payload
  keep alive: 0
  cluster mode: yes (3 masters)
  node [0] configuration:
    save: NONE
    appendonly: yes
  node [2] configuration:
    save: 60 1
    appendonly: no
  multi-thread: yes
  threads: 3
",
        );
    }

    #[test]
    fn short_forms() {
        let settings = Settings::Server(None);
        let expected = "SET: 2500.00 requests per second, p50=0.023 msec\n";
        check(&settings, &load(), line, expected);
        let row =
            "\"SET\",\"2500.00\",\"0.024\",\"0.008\",\"0.023\",\"0.039\",\"0.039\",\"0.039\"\n";
        check(&settings, &load(), csv, row);
        assert_eq!(CSV_HEADER.split(',').count(), row.split(',').count());
    }
}
