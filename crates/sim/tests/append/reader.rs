//! Reads the files of a log with the loader of a server, and finds the records in them.

use std::ops::ControlFlow;
use std::sync::Arc;

use dunlin_aof::Commands;
use dunlin_keyspace::Placer;
use dunlin_persistence::load::{LoadBatch, LoadError, LoadPlan, LoadRules, load_blocking};
use dunlin_rdb::LoadLimits;
use dunlin_sim::SimDisk;
use dunlin_stdx::time::UnixMs;

/// A file that cannot be read, and the records found before it.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) records: u64,
    pub(crate) error: LoadError,
}

/// Reads the files and returns the number of the last record.
///
/// # Errors
/// A file is damaged.
///
/// # Panics
/// When records are missing in the middle, or a transaction is there in part.
pub(crate) fn read(disk: &SimDisk, plan: LoadPlan) -> Result<u64, Damage> {
    let rules = LoadRules {
        placer: Placer::default(),
        databases: 1,
        limits: LoadLimits::default(),
        checksum: true,
        load_truncated: true,
        drop_expired: true,
        now: UnixMs(0),
    };
    let mut records = Records::default();
    let loaded = load_blocking(plan, rules, Arc::new(disk.clone()), |batch| {
        match batch {
            LoadBatch::Commands(bytes) => records.take(&bytes),
            // What MULTI began and nothing ended is not run.
            LoadBatch::FileDone(_) => records.open = None,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    match loaded {
        Ok(()) => Ok(records.last),
        Err(error) => Err(Damage { records: records.last, error }),
    }
}

/// Records as they are found.
#[derive(Default)]
struct Records {
    last: u64,
    /// What the open transaction has brought.
    open: Option<u64>,
}

impl Records {
    fn take(&mut self, bytes: &[u8]) {
        for command in Commands::new(bytes) {
            let words: Vec<&[u8]> = command.arguments().collect();
            let number = |at: usize| -> u64 {
                std::str::from_utf8(words[at]).expect("digits").parse().expect("a number")
            };
            match words[0] {
                b"MULTI" => self.open = Some(self.last),
                b"EXEC" => self.last = self.open.take().expect("MULTI comes first"),
                b"BASE" => self.last = number(1),
                b"RECORD" => {
                    let last = self.open.as_mut().unwrap_or(&mut self.last);
                    assert_eq!(number(1), *last + 1, "records in order, without a gap");
                    *last += 1;
                }
                other => panic!("nobody wrote {}", String::from_utf8_lossy(other)),
            }
        }
    }
}
