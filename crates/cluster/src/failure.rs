//! Who is alive: suspicion (PFAIL), the word of others, and the verdict of a majority (FAIL).
//!
//! ```text
//!             no answer for the node timeout            a majority of primaries says so
//!   (works) ---------------------------------> PFAIL ----------------------------------> FAIL
//!      ^                                         |                                         |
//!      +------------- a PONG --------------------+                                         |
//!      +--- a PONG, and: a replica, or no slots, or nobody else has got them in 2 timeouts +
//! ```
//!
//! A FAIL is told to everybody at once; whoever hears of it believes it.
//!
//! Source: redis.io, "Redis cluster specification", failure detection.
//! Differs: a node that begins to suspect another says so at once, so that a majority agrees within a
//! round trip instead of after the next regular PINGs, which in a cluster of a thousand is never: the
//! few that a node hears from in two timeouts are no majority; only primaries with slots are
//! counted, as they alone make up the majority; a node whose address is lost, because another one
//! answers there, fails as one that is silent does, where Redis waits for it forever.

use crate::cluster::Cluster;
use crate::config::Pace;
use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::node::FailureReport;
use crate::nodes::NodeKey;

/// Up to so many primaries, each one tells its suspicions to all.
const COLLECTED_BY_ALL_MAX: usize = 16;

/// With more of them, to so many.
const COLLECTORS: usize = 8;

impl Cluster {
    /// A node does not answer: PFAIL.
    pub(crate) fn suspect(&mut self, key: NodeKey) {
        if self.nodes.get(key).flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL) {
            return;
        }
        self.nodes.set_suspected(key, true);
        let text = format!("*** NODE {} possibly failing", self.nodes.get(key).label());
        self.outbox.log(crate::action::Severity::Debug, text);
        self.tell_why_unreachable(key);
        self.todo.state = true;
        self.mark_failed_if_agreed(key);
        let tells = self.config.pace == Pace::Dunlin && self.myself().is_voting();
        if tells && !self.nodes.get(key).is_failed() {
            for collector in self.collectors(key) {
                self.tell_suspicion(collector, key);
            }
        }
    }

    /// Who is told at once that a node does not answer: the voters, as far as there are few. Of many,
    /// those that follow the node in the order of ids, which are the same for all that suspect it, and
    /// its replicas. Any of them that suspects it, too, tells everybody when a majority does.
    fn collectors(&self, suspect: NodeKey) -> Vec<NodeKey> {
        let node = self.nodes.get(suspect);
        let works = |key: &NodeKey| {
            let node = self.nodes.get(*key);
            !node.flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL | NodeFlags::MYSELF)
        };
        let all = if self.size() <= COLLECTED_BY_ALL_MAX { usize::MAX } else { COLLECTORS };
        let voters = self.nodes.keys_from(&node.id);
        let voters = voters.filter(|key| self.nodes.get(*key).is_voting() && works(key)).take(all);
        let replicas = node.replicas.iter().filter_map(|id| self.nodes.find(id)).filter(works);
        match all {
            usize::MAX => voters.collect(),
            _ => voters.chain(replicas).collect(),
        }
    }

    /// Another primary says whether a node works.
    pub(crate) fn hear_report(&mut self, key: NodeKey, reporter: NodeKey, is_failing: bool) {
        let at = self.at();
        let reports = &mut self.nodes.get_mut(key).reports;
        let known = reports.binary_search_by_key(&reporter, |report| report.reporter);
        match (known, is_failing) {
            (Ok(place), true) => reports[place].at = at,
            (Err(place), true) => {
                reports.insert(place, FailureReport { reporter, at });
                self.log_report(key, reporter, "as not reachable");
            }
            (Ok(place), false) => {
                reports.remove(place);
                self.log_report(key, reporter, "is back online");
            }
            (Err(_), false) => return,
        }
        if is_failing {
            self.mark_failed_if_agreed(key);
        }
    }

    fn log_report(&mut self, key: NodeKey, reporter: NodeKey, what: &str) {
        let (reporter, node) = (self.nodes.get(reporter).label(), self.nodes.get(key).label());
        let text = format!("Node {reporter} reported node {node} {what}.");
        self.outbox.log(crate::action::Severity::Verbose, text);
    }

    /// How many others say that a node fails; forgets what they said too long ago.
    fn count_reports(&mut self, key: NodeKey) -> usize {
        let (at, kept_us) = (self.at(), self.timeout_us().saturating_mul(2));
        self.nodes.get_mut(key).reports.retain(|report| at.since_us(report.at) <= kept_us);
        let reports = self.nodes.get(key).reports.iter();
        reports.filter(|report| self.nodes.get(report.reporter).is_voting()).count()
    }

    /// FAIL, if this node and a majority of the primaries agree.
    pub(crate) fn mark_failed_if_agreed(&mut self, key: NodeKey) {
        let node = self.nodes.get(key);
        let needed = self.quorum() - usize::from(self.myself().is_voting());
        if !node.is_suspected() || node.is_failed() || node.reports.len() < needed {
            return;
        }
        if self.count_reports(key) < needed {
            return;
        }
        let node = self.nodes.get(key);
        let (id, label) = (node.id, node.label());
        self.outbox.notice(format!("Marking node {label} as failing (quorum reached)."));
        self.mark_failed(key);
        self.broadcast_failure(id);
    }

    /// A node has failed, as a majority knows.
    pub(crate) fn mark_failed(&mut self, key: NodeKey) {
        let at = self.at();
        self.nodes.set_suspected(key, false);
        let node = self.nodes.get_mut(key);
        node.flags.insert(NodeFlags::FAIL);
        node.failed_at = Some(at);
        self.tell_why_unreachable(key);
        self.save();
        self.todo.state = true;
        self.todo.failover = true;
    }

    /// FAIL has come from a known node.
    pub(crate) fn hear_failure(&mut self, sender: NodeKey, failed: &NodeId) {
        let Some(key) = self.nodes.find(failed) else { return };
        if self.nodes.get(key).flags.intersects(NodeFlags::MYSELF | NodeFlags::FAIL) {
            return;
        }
        let (from, about) = (self.nodes.get(sender).label(), self.nodes.get(key).label());
        self.outbox.notice(format!("FAIL message received from {from} about {about}"));
        self.mark_failed(key);
    }

    /// A node has answered.
    pub(crate) fn mark_reachable(&mut self, key: NodeKey) {
        let node = self.nodes.get(key);
        if node.is_suspected() {
            self.nodes.set_suspected(key, false);
            self.save();
            self.todo.state = true;
        } else if node.is_failed() {
            self.clear_failure_if_needed(key);
        }
    }

    fn clear_failure_if_needed(&mut self, key: NodeKey) {
        let node = self.nodes.get(key);
        let patience_us = self.timeout_us().saturating_mul(2);
        let is_old = node.failed_at.is_none_or(|failed| self.at().since_us(failed) > patience_us);
        let label = node.label();
        let text = if node.is_replica() {
            format!("Clear FAIL state for node {label}:replica is reachable again.")
        } else if node.slot_count == 0 {
            format!("Clear FAIL state for node {label}:master without slots is reachable again.")
        } else if is_old {
            format!(
                "Clear FAIL state for node {label}: is reachable again and nobody is serving its \
                 slots after some time."
            )
        } else {
            return;
        };
        self.outbox.notice(text);
        let node = self.nodes.get_mut(key);
        node.flags.remove(NodeFlags::FAIL);
        node.failed_at = None;
        self.save();
        self.todo.state = true;
    }
}
