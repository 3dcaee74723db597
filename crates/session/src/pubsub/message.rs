//! A message on its way to subscribers: encoded once for each channel or pattern, however many
//! subscribers it has.

use bytes::Bytes;
use dunlin_resp::{Reply, SHARED_BULK_BYTES_MIN};

/// A message that was published.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The channel.
    pub channel: &'a [u8],
    /// What is said there.
    pub content: &'a [u8],
    /// The same in shared memory, if it is there already.
    pub shared: Option<&'a Bytes>,
}

/// How messages are delivered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivery {
    /// Whether the channel is a shard channel.
    pub to_shard: bool,
    /// Bytes that may wait for one subscriber (`client-output-buffer-limit pubsub`, hard limit); 0
    /// is no limit.
    pub output_limit: usize,
}

/// A message as all subscribers of one channel or pattern receive it, but for its header, in which
/// the versions of the protocol differ.
#[derive(Debug)]
pub(crate) struct Encoded {
    elements: usize,
    /// All elements; without the last one, if that is shared.
    bytes: Vec<u8>,
    last: Option<Bytes>,
}

impl Encoded {
    /// A message as the subscribers of its channel receive it.
    pub(crate) fn of(message: &Message<'_>, kind: &str) -> Self {
        Self::new(&[kind.as_bytes(), message.channel], message)
    }

    /// A message as the subscribers of a pattern receive it.
    pub(crate) fn of_pattern(message: &Message<'_>, pattern: &[u8]) -> Self {
        Self::new(&[b"pmessage", pattern, message.channel], message)
    }

    fn new(before: &[&[u8]], message: &Message<'_>) -> Self {
        let shared = (message.content.len() >= SHARED_BULK_BYTES_MIN).then(|| {
            message.shared.cloned().unwrap_or_else(|| Bytes::copy_from_slice(message.content))
        });
        let own = before.iter().chain(shared.is_none().then_some(&message.content));
        let mut bytes = Vec::new();
        for element in own {
            encode_bulk(&mut bytes, element);
        }
        Self { elements: before.len() + 1, bytes, last: shared }
    }

    /// Appends the message to a subscriber's output.
    pub(crate) fn write_to(&self, reply: &mut Reply) {
        reply.push(self.elements);
        reply.raw(&self.bytes);
        if let Some(last) = &self.last {
            reply.bulk_shared(last);
        }
    }
}

fn encode_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    const FRAME_BYTES_MAX: usize = 25;
    out.reserve(bytes.len() + FRAME_BYTES_MAX);
    out.push(b'$');
    out.extend_from_slice(bytes.len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use dunlin_resp::Protocol;

    use super::*;

    fn received(encoded: &Encoded, protocol: Protocol) -> String {
        let mut reply = Reply::new(protocol);
        encoded.write_to(&mut reply);
        String::from_utf8_lossy(&reply.output.to_vec()).into_owned()
    }

    #[test]
    fn the_versions_differ_in_their_header_alone() {
        let message = Message { channel: b"news", content: b"x\r\n", shared: None };
        let encoded = Encoded::of(&message, "message");
        let body = "3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\nx\r\n\r\n";
        assert_eq!(received(&encoded, Protocol::Resp2), format!("*{body}"));
        assert_eq!(received(&encoded, Protocol::Resp3), format!(">{body}"));
        let matched = Encoded::of_pattern(&message, b"n*");
        let expected = ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$3\r\nx\r\n\r\n";
        assert_eq!(received(&matched, Protocol::Resp3), expected);
    }

    #[test]
    fn a_large_message_is_the_same_memory_for_all() {
        let content = Bytes::from(vec![b'x'; SHARED_BULK_BYTES_MIN]);
        let message = Message { channel: b"c", content: &content, shared: Some(&content) };
        let encoded = Encoded::of(&message, "smessage");
        assert!(encoded.bytes.len() < 100);
        let text = received(&encoded, Protocol::Resp2);
        assert!(text.starts_with("*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$65536\r\nxxx"));
        assert!(text.ends_with("xx\r\n"));
    }
}
