//! Decoding large payloads of RESTORE beside the command thread.
//!
//! A payload of a hundred megabytes takes a second to decode, in which nobody else would be served;
//! a cluster that moves such a key would stall its new owner. So the command hands its payload over
//! ([`Persistence::decode_payload`](crate::Persistence::decode_payload)), its client waits, and when
//! the value is there the command runs again and puts it into place ([`Payloads::take`]). Payloads are
//! decoded one after the other: whoever sends many gets no more than one processor for them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use dunlin_rdb::{LoadLimits, RestoreError, restore, restore_unverified};
use dunlin_stdx::time::UnixMs;
use dunlin_values::Entry;

use crate::backend::{Backend, JobRole};
use crate::events::Events;
use crate::job::{Job, Signal, Step};

/// Shorter payloads are decoded at once: that takes no longer than a millisecond, and handing them
/// over and waking the command thread again would cost a tenth of that.
pub const LARGE_PAYLOAD_BYTES: usize = 256 << 10;

/// A payload that is to become a key.
#[derive(Clone, Debug)]
pub struct PayloadRequest {
    /// What DUMP replied.
    pub payload: Bytes,
    /// The key's name.
    pub key: Box<[u8]>,
    /// When the key will expire.
    pub deadline: Option<UnixMs>,
    /// Forms of collections.
    pub limits: LoadLimits,
    /// Whether version and checksum are compared.
    pub verify: bool,
}

impl PayloadRequest {
    /// Makes the key.
    ///
    /// # Errors
    /// The payload is none, or damaged.
    pub fn decode(&self) -> Result<Entry, RestoreError> {
        let decode = if self.verify { restore } else { restore_unverified };
        decode(&self.payload, &self.key, self.deadline, self.limits)
    }
}

/// What became of a payload, by its number.
type Decoded = (u64, Result<Entry, RestoreError>);

/// The payloads that are being decoded, and what became of the last ones.
#[derive(Debug)]
pub struct Payloads {
    events: Events<Decoded>,
    last_number: u64,
    /// The one that its job has, if any.
    running: Option<u64>,
    waiting: VecDeque<(u64, PayloadRequest)>,
    decoded: BTreeMap<u64, Result<Entry, RestoreError>>,
}

impl Payloads {
    /// None; `wake` is called when one has been decoded.
    pub(crate) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            events: Events::new(wake),
            last_number: 0,
            running: None,
            waiting: VecDeque::new(),
            decoded: BTreeMap::new(),
        }
    }

    /// Begins to decode a payload and returns its number; `None` where nobody can do that but the
    /// caller.
    pub(crate) fn begin(
        &mut self,
        backend: &mut dyn Backend,
        request: &PayloadRequest,
    ) -> Option<u64> {
        let number = self.last_number + 1;
        if self.running.is_some() {
            self.waiting.push_back((number, request.clone()));
        } else {
            self.start(backend, number, request.clone()).ok()?;
        }
        self.last_number = number;
        Some(number)
    }

    fn start(
        &mut self,
        backend: &mut dyn Backend,
        number: u64,
        request: PayloadRequest,
    ) -> std::io::Result<()> {
        let job = DecodeJob { number, request, events: self.events.clone() };
        backend.spawn(JobRole::Decode, Box::new(job))?;
        self.running = Some(number);
        Ok(())
    }

    /// Takes note of what was decoded.
    pub(crate) fn handle_events(&mut self, backend: &mut dyn Backend) {
        while let Some((number, outcome)) = self.events.next() {
            self.decoded.insert(number, outcome);
            self.running = None;
            while let Some((number, request)) = self.waiting.pop_front() {
                match self.start(backend, number, request.clone()) {
                    Ok(()) => break,
                    // Rather late than never: its client waits.
                    Err(_) => self.decoded.insert(number, request.decode()),
                };
            }
        }
    }

    /// Whether a payload has been decoded, by its number.
    #[must_use]
    pub fn is_decoded(&self, number: u64) -> bool {
        self.decoded.contains_key(&number)
    }

    /// What became of a payload, once.
    pub fn take(&mut self, number: u64) -> Option<Result<Entry, RestoreError>> {
        self.decoded.remove(&number)
    }

    /// Keys that nobody waits for any more: their clients are gone.
    pub fn take_unclaimed(&mut self) -> impl Iterator<Item = Entry> + use<> {
        std::mem::take(&mut self.decoded).into_values().filter_map(Result::ok)
    }
}

/// Decodes one payload.
#[must_use = "a job does nothing unless it is run"]
struct DecodeJob {
    number: u64,
    request: PayloadRequest,
    events: Events<Decoded>,
}

impl Job for DecodeJob {
    fn step(&mut self) -> Step {
        self.events.tell((self.number, self.request.decode()));
        Step::Done
    }

    fn signal(&self) -> Arc<Signal> {
        // Never idle, so nobody waits for it.
        Arc::default()
    }
}

#[cfg(test)]
mod tests {
    use dunlin_rdb::{Version, dump};
    use dunlin_values::NewValue;

    use super::*;
    use crate::hand_backend::HandBackend;

    fn request(key: &str, value: &[u8]) -> PayloadRequest {
        let entry = Entry::new(b"", NewValue::string(value), None);
        PayloadRequest {
            payload: dump(&entry, Version::V10).into(),
            key: key.as_bytes().into(),
            deadline: None,
            limits: LoadLimits::default(),
            verify: true,
        }
    }

    #[test]
    fn payloads_are_decoded_one_after_the_other() {
        let mut backend = HandBackend::default();
        let mut payloads = Payloads::new(Arc::new(|| ()));
        let mut broken = request("b", b"value");
        broken.payload = Bytes::from_static(b"no payload at all");
        let numbers: Vec<u64> = [request("a", b"value"), broken, request("c", b"value")]
            .iter()
            .map(|request| payloads.begin(&mut backend, request).expect("a job"))
            .collect();
        payloads.handle_events(&mut backend);
        for (number, key) in numbers.iter().zip(["a", "", "c"]) {
            assert!(!payloads.is_decoded(*number));
            backend.run();
            payloads.handle_events(&mut backend);
            assert!(payloads.is_decoded(*number));
            match payloads.take(*number).expect("decoded") {
                Ok(entry) => assert_eq!(entry.key(), key.as_bytes()),
                Err(error) => {
                    assert!(matches!(error, RestoreError::VersionOrChecksum) && key.is_empty());
                }
            }
            assert!(payloads.take(*number).is_none(), "only once");
        }
    }

    #[test]
    fn where_no_job_runs_the_caller_decodes() {
        let mut payloads = Payloads::new(Arc::new(|| ()));
        assert_eq!(payloads.begin(&mut crate::NoBackend, &request("a", b"value")), None);
    }

    #[test]
    fn what_nobody_takes_can_be_dropped() {
        let mut backend = HandBackend::default();
        let mut payloads = Payloads::new(Arc::new(|| ()));
        let number = payloads.begin(&mut backend, &request("a", b"value")).expect("a job");
        backend.run();
        payloads.handle_events(&mut backend);
        assert_eq!(payloads.take_unclaimed().count(), 1);
        assert!(!payloads.is_decoded(number));
    }
}
