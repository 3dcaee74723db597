//! What test suites do to the bus: DEBUG CLUSTERLINK, DEBUG DROP-CLUSTER-PACKET-FILTER.

use dunlin_stdx::time::Now;

use crate::bus::MessageKind;
use crate::cluster::Cluster;
use crate::describe::LinkDirection;
use crate::error::ClusterError;

impl Cluster {
    /// Closes the links of one direction to a node, or all of them. They are opened again as if the
    /// network had failed.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`].
    pub fn kill_links(
        &mut self,
        now: Now,
        id: &[u8],
        direction: Option<LinkDirection>,
    ) -> Result<(), ClusterError> {
        self.turn.now = now;
        let contact = self.nodes.get(self.named(id)?).contact;
        let ends = [(LinkDirection::To, contact.outbound), (LinkDirection::From, contact.inbound)];
        for (of, link) in ends {
            if let Some(link) = link.filter(|_| direction.is_none_or(|direction| direction == of)) {
                self.close(link);
            }
        }
        Ok(())
    }

    /// From now on messages of this kind are passed over when they arrive; `None` for none.
    pub const fn drop_messages(&mut self, kind: Option<MessageKind>) {
        self.dropped = kind;
    }
}
