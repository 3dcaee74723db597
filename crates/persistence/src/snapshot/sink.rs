//! One target while the snapshot is written.

use std::sync::Arc;

use bytes::Bytes;

use super::detour::{Detour, DetourPlace};
use super::form::{Form, Sum};
use super::outlet::Outlet;
use super::target::{Pace, TargetLink};
use super::writer::TargetEnd;
use crate::job::Signal;

/// A target while it is written.
pub(super) struct Sink {
    outlet: Box<dyn Outlet>,
    header: Vec<u8>,
    /// What goes out before the block, or instead of it: header and footer.
    own: Vec<u8>,
    own_taken: usize,
    block_taken: usize,
    sum: Sum,
    len_bytes: u64,
    link: Arc<TargetLink>,
    /// Where everything goes first, if the target is too slow for the others.
    detour: Option<Detour>,
    state: SinkState,
}

enum SinkState {
    Open,
    Complete,
    Failed(String),
    Cancelled,
}

/// What a sink did with what there is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Poured {
    /// Some of it was not taken: the others wait.
    pub(super) is_behind: bool,
    /// More can be taken from a detour at once.
    pub(super) has_more: bool,
}

impl Sink {
    pub(super) fn new(
        mut outlet: Box<dyn Outlet>,
        header: Vec<u8>,
        (form, signal): (&Form, Arc<Signal>),
        link: Arc<TargetLink>,
    ) -> Self {
        outlet.attach(signal);
        Self {
            outlet,
            header,
            own: Vec::new(),
            own_taken: 0,
            block_taken: 0,
            sum: form.sum(),
            len_bytes: 0,
            link,
            detour: None,
            state: SinkState::Open,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, SinkState::Open)
    }

    /// Whether it gets the rest from a file of its own.
    pub(super) const fn is_detoured(&self) -> bool {
        self.is_open() && self.detour.is_some()
    }

    /// Whether it has everything, or still may.
    pub(super) const fn has_hope(&self) -> bool {
        matches!(self.state, SinkState::Open | SinkState::Complete)
    }

    /// Whether it is open and can be taken back.
    pub(super) fn is_revocable(&self) -> bool {
        self.is_open() && !self.outlet.is_published()
    }

    pub(super) const fn failure(&self) -> Option<&String> {
        match &self.state {
            SinkState::Failed(why) => Some(why),
            _ => None,
        }
    }

    pub(super) fn end(&self) -> TargetEnd {
        match &self.state {
            SinkState::Complete => TargetEnd::Complete(self.len_bytes),
            SinkState::Open => TargetEnd::Lagging,
            SinkState::Failed(why) => TargetEnd::Failed(why.clone()),
            SinkState::Cancelled => TargetEnd::Cancelled,
        }
    }

    /// The header goes out next.
    pub(super) fn begin(&mut self) {
        let header = std::mem::take(&mut self.header);
        self.sum.update(&header);
        self.begin_own(header);
    }

    /// A block of records goes out next; the one before has been taken.
    pub(super) fn begin_block(&mut self, block: &[u8]) {
        self.sum.update(block);
        self.block_taken = 0;
        self.len_bytes += block.len() as u64;
        self.link.set_pace(Pace::Behind);
    }

    /// The footer goes out next; there are no blocks any more.
    pub(super) fn begin_footer(&mut self, form: &Form) {
        let footer = form.footer(&mut self.sum);
        self.begin_own(footer);
        self.block_taken = 0;
    }

    /// Bytes of its own are to go out next; the block has been taken.
    fn begin_own(&mut self, bytes: Vec<u8>) {
        self.len_bytes += bytes.len() as u64;
        (self.own, self.own_taken) = (bytes, 0);
        self.link.set_pace(Pace::Behind);
    }

    /// Hands over what the target takes.
    pub(super) fn pour(&mut self, block: &Bytes, place: &DetourPlace) -> Poured {
        if self.link.is_cancelled() {
            self.cancel();
            return Poured::default();
        }
        let poured = self.try_pour(block, place);
        poured.unwrap_or_else(|why| {
            self.fail(why);
            Poured::default()
        })
    }

    fn try_pour(&mut self, block: &Bytes, place: &DetourPlace) -> Result<Poured, String> {
        self.outlet.check()?;
        if self.detour.is_none() && self.link.wants_detour() {
            self.detour = Some(Detour::open(place)?);
        }
        let Some(detour) = &mut self.detour else {
            let all_taken = self.pour_directly(block)?;
            self.link.set_pace(if all_taken { Pace::CaughtUp } else { Pace::Behind });
            return Ok(Poured { is_behind: !all_taken, has_more: false });
        };
        detour.append(&self.own[self.own_taken..], place)?;
        detour.append(&block[self.block_taken..], place)?;
        (self.own_taken, self.block_taken) = (self.own.len(), block.len());
        self.link.set_pace(Pace::Detoured);
        Ok(Poured { is_behind: false, has_more: self.serve_detour(place)? })
    }

    /// Whether the target took everything.
    fn pour_directly(&mut self, block: &Bytes) -> Result<bool, String> {
        while self.own_taken < self.own.len() {
            let taken = self.outlet.write(&self.own[self.own_taken..])?;
            if taken == 0 {
                return Ok(false);
            }
            self.own_taken += taken;
        }
        while self.block_taken < block.len() {
            let taken = self.outlet.write_shared(block, self.block_taken)?;
            if taken == 0 {
                return Ok(false);
            }
            self.block_taken += taken;
            self.link.count_taken(taken);
        }
        Ok(true)
    }

    /// Hands over some of the detour; whether more can be handed over at once.
    fn serve_detour(&mut self, place: &DetourPlace) -> Result<bool, String> {
        let Some(detour) = &mut self.detour else { return Ok(false) };
        let taken = detour.serve(&mut *self.outlet, place)?;
        self.link.count_taken(taken);
        Ok(taken > 0 && !detour.is_empty())
    }

    /// The others are complete: goes on with the detour alone, and completes the target behind it.
    pub(super) fn trail(&mut self, place: &DetourPlace) -> Poured {
        let trailed = self.outlet.check().and_then(|()| self.serve_detour(place));
        match trailed {
            Err(why) => self.fail(why),
            Ok(has_more) if self.detour.as_ref().is_some_and(|detour| !detour.is_empty()) => {
                return Poured { is_behind: true, has_more };
            }
            Ok(_) => return Poured { is_behind: true, has_more: !self.finish() },
        }
        Poured::default()
    }

    /// One step of completing the target; whether it was the last one.
    pub(super) fn finish(&mut self) -> bool {
        if self.link.is_cancelled() {
            self.cancel();
            return true;
        }
        let publishes = self.outlet.publishes_next();
        if publishes && !self.link.begin_publication() {
            self.cancel();
            return true;
        }
        let finished = self.outlet.finish();
        if publishes {
            self.link.end_publication();
        }
        match finished {
            Ok(true) => self.set_ended(SinkState::Complete),
            Ok(false) => return false,
            Err(why) => self.fail(why),
        }
        true
    }

    pub(super) fn fail(&mut self, why: String) {
        self.outlet.abandon(&why);
        self.set_ended(SinkState::Failed(why));
    }

    pub(super) fn cancel(&mut self) {
        self.outlet.abandon("the snapshot was given up");
        self.set_ended(SinkState::Cancelled);
    }

    fn set_ended(&mut self, state: SinkState) {
        self.state = state;
        self.detour = None;
        self.link.set_pace(Pace::Ended);
    }
}
