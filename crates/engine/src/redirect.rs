//! Whether this node of a cluster serves a request, or who does: MOVED, ASK, TRYAGAIN, CROSSSLOT,
//! CLUSTERDOWN.
//!
//! A request is served where all its keys are. They must be in one slot, which this node must own;
//! while the slot moves, its keys are on both sides, and which side serves a request depends on
//! which of its keys are here. EXEC is looked at as if it were one request with the keys of all
//! that it runs.
//!
//! Source: redis.io, "Redis cluster specification", sections "MOVED redirection", "ASK redirection"
//! and "Multi-key operations"; texts and order checked against a 7.2.6 server.

use dunlin_cluster::{Cluster, Node};
use dunlin_commands::cluster::preferred_endpoint;
use dunlin_commands::table::Registered;
use dunlin_commands::{Args, CommandError};
use dunlin_config::EndpointType;
use dunlin_session::{Session, SessionFlags};
use dunlin_slots::key_slot;
use dunlin_spec::{Flags, Keys};

use crate::check;
use crate::engine::Engine;

const CROSS_SLOT: CommandError =
    CommandError::misplaced("CROSSSLOT Keys in request don't hash to the same slot");
const UNSTABLE: CommandError =
    CommandError::misplaced("TRYAGAIN Multiple keys request during rehashing of slot");
const DOWN: CommandError = CommandError::misplaced("CLUSTERDOWN The cluster is down");
const DOWN_FOR_WRITES: CommandError =
    CommandError::misplaced("CLUSTERDOWN The cluster is down and only accepts read commands");
const NOT_SERVED: CommandError = CommandError::misplaced("CLUSTERDOWN Hash slot not served");

/// A request of a client, to be placed.
#[derive(Clone, Copy)]
struct Request<'a> {
    session: &'a Session,
    registered: Registered,
    args: Args<'a>,
}

impl Request<'_> {
    fn flags(self) -> Flags {
        self.registered.command.spec.all_flags()
    }

    fn is_exec(self) -> bool {
        self.registered.command.spec.name() == "exec"
    }

    /// Whether it is EXEC of a transaction.
    fn runs_queued(self) -> bool {
        self.is_exec() && self.session.transaction.is_some()
    }

    /// Whether it is about channels that are routed like keys.
    fn is_of_shard_channels(self) -> bool {
        matches!(self.registered.command.spec.name(), "ssubscribe" | "sunsubscribe" | "spublish")
    }

    fn writes(self) -> bool {
        let queued = self.session.transaction.as_ref();
        self.flags().contains(Flags::WRITE)
            || self.is_exec() && queued.is_some_and(|queued| queued.has_any(Flags::WRITE))
    }
}

impl Engine {
    /// An error if another node serves the request, or none.
    #[inline(never)]
    pub(crate) fn place(
        &self,
        cluster: &Cluster,
        session: &Session,
        registered: Registered,
        args: Args<'_>,
    ) -> Result<(), CommandError> {
        let request = Request { session, registered, args };
        check::state_before_placement(request.registered, request.session)?;
        if !request.registered.command.spec.has_routed_words() && !request.runs_queued() {
            return Ok(());
        }
        // Nearly always all is in order, and the slot is known.
        if let Some(slot) = request.args.slot()
            && cluster.is_ok()
            && cluster.owns(slot)
            && !cluster.has_open_slots()
        {
            return Ok(());
        }
        let mut survey = Survey::new(self, cluster, request.is_of_shard_channels());
        survey.look_at(request)?;
        let Some(found) = survey.found else { return Ok(()) };
        self.decide(cluster, request, &survey, found)
    }

    /// Whether this node serves a request whose keys have been looked at.
    fn decide(
        &self,
        cluster: &Cluster,
        request: Request<'_>,
        survey: &Survey<'_>,
        Found { slot, state }: Found,
    ) -> Result<(), CommandError> {
        self.check_health(cluster, request)?;
        let is_open = state != SlotState::Closed;
        if is_open && request.registered.command.spec.name() == "migrate" {
            return Ok(());
        }
        if state == SlotState::Migrating && survey.missing > 0 {
            let target = cluster.migrating_to(slot).filter(|_| survey.present == 0);
            return Err(target.map_or(UNSTABLE, |node| self.redirection("ASK", slot, node)));
        }
        let asks = request.session.flags.contains(SessionFlags::ASKING)
            || request.flags().contains(Flags::ASKING);
        if state == SlotState::Importing && asks {
            let is_split = survey.has_several_keys && survey.missing > 0;
            return if is_split { Err(UNSTABLE) } else { Ok(()) };
        }
        let owner = cluster.owner(slot).ok_or(NOT_SERVED)?;
        if owner.is_myself() || self.may_read_here(cluster, request, owner) {
            return Ok(());
        }
        Err(self.redirection("MOVED", slot, owner))
    }

    /// What is served while the cluster is down.
    fn check_health(&self, cluster: &Cluster, request: Request<'_>) -> Result<(), CommandError> {
        let config = &self.config.cluster;
        if cluster.is_ok() {
            Ok(())
        } else if request.is_of_shard_channels() {
            if config.cluster_allow_pubsubshard_when_down { Ok(()) } else { Err(DOWN) }
        } else if !config.cluster_allow_reads_when_down {
            Err(DOWN)
        } else if request.flags().contains(Flags::WRITE) {
            Err(DOWN_FOR_WRITES)
        } else {
            Ok(())
        }
    }

    /// Whether this node is a replica of the owner, and the client content with that.
    fn may_read_here(&self, cluster: &Cluster, request: Request<'_>, owner: &Node) -> bool {
        let is_content = request.session.flags.contains(SessionFlags::READONLY)
            || request.is_of_shard_channels();
        is_content
            && !request.writes()
            && cluster.myself().is_replica()
            && cluster.myself().primary() == Some(owner.id())
    }

    /// `MOVED` or `ASK`, and where to.
    fn redirection(&self, code: &str, slot: u16, node: &Node) -> CommandError {
        let preferred = self.config.cluster.cluster_preferred_endpoint_type;
        redirection(code, slot, node, preferred)
    }

    /// Why a client that waits for a key waits in vain, if it does.
    pub(crate) fn misplaced_wait(
        &self,
        cluster: &Cluster,
        key: &[u8],
        reads_here: bool,
    ) -> Option<CommandError> {
        // Also where reads are served while the cluster is down: it is a write that would end the
        // wait.
        if !cluster.is_ok() {
            return Some(DOWN);
        }
        let slot = key_slot(key);
        if cluster.importing_from(slot).is_some() {
            return None;
        }
        let Some(owner) = cluster.owner(slot) else { return Some(NOT_SERVED) };
        let me = cluster.myself();
        let is_served =
            owner.is_myself() || reads_here && me.is_replica() && me.primary() == Some(owner.id());
        (!is_served).then(|| self.redirection("MOVED", slot, owner))
    }
}

fn redirection(code: &str, slot: u16, node: &Node, preferred: EndpointType) -> CommandError {
    let (endpoint, port) = (preferred_endpoint(node, preferred), node.address().port);
    CommandError::Misplaced(format!("{code} {slot} {endpoint}:{port}").into())
}

/// What is known of the slot of a request.
#[derive(Clone, Copy)]
struct Found {
    slot: u16,
    state: SlotState,
}

/// Whether the keys of a slot move.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SlotState {
    Closed,
    /// Away from here.
    Migrating,
    /// To here.
    Importing,
}

/// What the keys of a request say.
struct Survey<'a> {
    engine: &'a Engine,
    cluster: &'a Cluster,
    is_of_shard_channels: bool,
    /// The slot of the first key, once there is one.
    found: Option<Found>,
    first_key: Vec<u8>,
    has_several_keys: bool,
    present: usize,
    missing: usize,
}

impl<'a> Survey<'a> {
    const fn new(engine: &'a Engine, cluster: &'a Cluster, is_of_shard_channels: bool) -> Self {
        Self {
            engine,
            cluster,
            is_of_shard_channels,
            found: None,
            first_key: Vec::new(),
            has_several_keys: false,
            present: 0,
            missing: 0,
        }
    }

    /// Looks at the keys of a request, or of all that EXEC would run.
    fn look_at(&mut self, request: Request<'_>) -> Result<(), CommandError> {
        match &request.session.transaction {
            Some(queued) if request.is_exec() => {
                for i in 0..queued.len() {
                    let (number, words, _) = queued.request(i);
                    let registered = self.engine.table().all()[usize::from(number)];
                    self.look_at_words(registered, &words)?;
                }
                Ok(())
            }
            _ => self.look_at_words(request.registered, request.args.words()),
        }
    }

    fn look_at_words(
        &mut self,
        registered: Registered,
        words: &[&[u8]],
    ) -> Result<(), CommandError> {
        let mut keys = Keys::new();
        registered.command.spec.routing_keys_in(words, &mut keys);
        keys.iter().try_for_each(|key| self.look_at_key(words[key.index as usize]))
    }

    fn look_at_key(&mut self, key: &[u8]) -> Result<(), CommandError> {
        let slot = key_slot(key);
        let state = match self.found {
            None => {
                let state = self.state_of(slot)?;
                self.found = Some(Found { slot, state });
                if state == SlotState::Importing {
                    self.first_key = key.to_vec();
                }
                state
            }
            Some(found) if found.slot != slot => return Err(CROSS_SLOT),
            Some(found) => found.state,
        };
        if state == SlotState::Closed || self.is_of_shard_channels {
            return Ok(());
        }
        self.has_several_keys |= state == SlotState::Importing && self.first_key != key;
        match self.engine.keyspace.visible(0, key) {
            Some(_) => self.present += 1,
            None => self.missing += 1,
        }
        Ok(())
    }

    fn state_of(&self, slot: u16) -> Result<SlotState, CommandError> {
        let cluster = self.cluster;
        let owner = cluster.owner(slot).ok_or(NOT_SERVED)?;
        Ok(if !cluster.has_open_slots() {
            SlotState::Closed
        } else if owner.is_myself() && cluster.migrating_to(slot).is_some() {
            SlotState::Migrating
        } else if cluster.importing_from(slot).is_some() {
            SlotState::Importing
        } else {
            SlotState::Closed
        })
    }
}
