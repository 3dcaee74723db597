//! Peers that send what they should not: garbage, messages of nodes that do not exist, what others
//! have sent long ago.

use bytes::Bytes;
use dunlin_cluster::bus::MessageKind;

use super::Bus;

/// So many messages that were sent are remembered.
const RECORDED_MAX: usize = 64;

/// A byte of which field of a message is changed: of lengths, counts, kinds, addresses, ids.
const FIELDS: [std::ops::Range<usize>; 9] =
    [0..4, 4..8, 8..10, 12..14, 14..16, 40..80, 2168..2214, 2214..2216, 2253..2254];

/// What somebody sends to a port of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Bytes that are no message.
    Garbage,
    /// A message that somebody has sent before, unless it is a vote: whoever can repeat votes decides
    /// elections.
    Replay,
    /// Such a message in the name of a node that does not exist.
    Stranger,
    /// Such a message with an epoch beyond all bounds.
    Epoch,
    /// Such a message with a part of it changed that says what it is and from whom.
    Mangled,
    /// A part of such a message, and then nothing.
    Cut,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Garbage, Self::Replay, Self::Stranger, Self::Epoch, Self::Mangled, Self::Cut];
}

/// Some of the messages that were sent, old ones among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    messages: Vec<Bytes>,
    is_on: bool,
}

impl Recorder {
    pub(super) fn record(&mut self, random: &mut fastrand::Rng, message: &Bytes) {
        let is_vote = message.get(12..14) == Some(&(MessageKind::AuthAck as u16).to_be_bytes());
        if !self.is_on || is_vote {
            return;
        }
        if self.messages.len() < RECORDED_MAX {
            self.messages.push(message.clone());
        } else if random.u8(..8) == 0 {
            self.messages[random.usize(..RECORDED_MAX)] = message.clone();
        }
    }
}

impl Bus {
    /// From now on some messages are recorded, for [`Self::attack`].
    pub fn record_messages(&mut self) {
        self.recorder.is_on = true;
    }

    /// Messages that were recorded.
    #[must_use]
    pub fn recorded(&self) -> &[Bytes] {
        &self.recorder.messages
    }

    /// Somebody connects to the bus port of a machine, sends bytes, and leaves. Whether the process
    /// ran and has refused something.
    pub fn attack(&mut self, index: usize, attack: Attack) -> bool {
        let bytes = self.forge(attack);
        let refused = |bus: &Self| bus.at(index).stats().refused.iter().sum::<u64>();
        if !self.machines[index].works() {
            return false;
        }
        let before = refused(self);
        let local_ip = self.machines[index].address.0.clone();
        let mut link = None;
        self.turn(index, |cluster, now, facts| {
            let accepted = cluster.accepted(now, "10.9.9.9", &local_ip);
            cluster.received(now, facts, accepted, &bytes);
            link = Some(accepted);
        });
        if let Some(link) = link {
            self.turn(index, |cluster, now, _| cluster.closed(now, link));
        }
        refused(self) > before
    }

    fn forge(&mut self, attack: Attack) -> Bytes {
        let random = &mut self.random;
        let recorded = &self.recorder.messages;
        if attack == Attack::Garbage || recorded.is_empty() {
            let len = random.usize(1..5000);
            return (0..len).map(|_| random.u8(..)).collect::<Vec<_>>().into();
        }
        let mut message = recorded[random.usize(..recorded.len())].to_vec();
        match attack {
            Attack::Garbage | Attack::Replay => {}
            Attack::Stranger => {
                message[40..80].fill_with(|| b"0123456789abcdef"[random.usize(..16)]);
            }
            Attack::Epoch => {
                let at = if random.bool() { 16 } else { 24 };
                message[at] = 0x80 | random.u8(..);
            }
            Attack::Mangled => {
                let field = FIELDS[random.usize(..FIELDS.len())].clone();
                message[random.usize(field)] = random.u8(..);
            }
            Attack::Cut => message.truncate(random.usize(1..message.len())),
        }
        message.into()
    }
}
