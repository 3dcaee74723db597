//! The Redis serialization protocol, without I/O.
//!
//! [`RequestDecoder`] turns the bytes of a connection into a [`Batch`] of requests. Arguments are
//! places in the input buffer; nothing is copied or allocated per argument, except that a bulk of
//! 32 KB or more which has not wholly arrived is received into a buffer of its own and handed
//! over as [`bytes::Bytes`]. [`Reply`] writes RESP2 or RESP3 into an [`Output`], a queue of
//! chunks that the shell sends with one `writev`. At the other end of a connection, requests are
//! made by [`write_request`] and replies read by [`ReplyDecoder`], or counted by [`ReplySkipper`].
//!
//! ```
//! use dunlin_resp::{Batch, Limits, Protocol, Reply, RequestDecoder};
//!
//! let mut input = b"*1\r\n$4\r\nPING\r\nECHO hi\r\n".to_vec();
//! let (mut decoder, mut batch) = (RequestDecoder::new(), Batch::new());
//! let progress = decoder.decode(&mut input, 0, &Limits::default(), &mut batch).unwrap();
//! assert_eq!((batch.len(), progress.consumed), (2, input.len()));
//!
//! let mut arguments = dunlin_resp::Arguments::new();
//! batch.arguments(1, &input, &mut arguments);
//! assert_eq!(arguments[..], [b"ECHO", &b"hi"[..]]);
//!
//! let mut reply = Reply::new(Protocol::Resp2);
//! reply.bulk(arguments[1]);
//! assert_eq!(reply.output.to_vec(), b"$2\r\nhi\r\n");
//! ```
//!
//! # One turn of a connection
//!
//! 1. The shell reads into [`RequestDecoder::fill_target`].
//! 2. [`RequestDecoder::decode`] from the first byte that was not yet consumed. Run the requests
//!    of the batch; if [`Progress::more`], decode again from [`Progress::consumed`] (with the
//!    limits that hold now: AUTH may have been among the requests).
//! 3. [`RequestDecoder::compact`] drops what was consumed.
//!
//! An unfinished request stays in the input from its first byte, so its spans remain valid. A
//! request of a million arguments that arrives in pieces is parsed once, not once per piece.
//!
//! # Protocol errors
//!
//! The client receives `-ERR Protocol error: ` and this text, then the connection closes. The
//! requests before the error, which are in the batch, still run and are answered first.
//!
//! | text | when |
//! |---|---|
//! | `too big inline request` | 64 KB without a line feed, and the request does not begin with `*` |
//! | `unbalanced quotes in request` | a quote in an inline request stays open, or something sticks to its closing quote |
//! | `too big mbulk count string` | 64 KB behind `*` without a carriage return |
//! | `invalid multibulk length` | what follows `*` is not an integer, or is above 2^31 - 1 |
//! | `unauthenticated multibulk length` | more than 10 arguments before AUTH |
//! | `too big bulk count string` | 64 KB without a carriage return where an argument must begin |
//! | `expected '$', got 'x'` | an argument begins with something else |
//! | `invalid bulk length` | what follows `$` is not an integer, is negative, or is above `proto-max-bulk-len` |
//! | `unauthenticated bulk length` | an argument above 16 KB before AUTH |
//!
//! Two more close the connection without a reply: see [`ProtocolError::text`].
//!
//! A zero byte hides what follows it from the search for a line's end, as in Redis, where lines
//! are C strings: such a line is refused at 64 KB, not answered.
//!
//! Source: redis.io, "RESP protocol spec"; "Redis configuration file", `proto-max-bulk-len` and
//! `client-query-buffer-limit`. Texts and limits checked against a 7.2.6 server.

#![forbid(unsafe_code)]

mod batch;
mod decoder;
mod error;
mod header;
mod inline;
mod output;
mod reply;
mod reply_decoder;
mod reply_skipper;
mod request;
mod value;

pub use batch::{Arguments, Batch, Request, Span};
pub use decoder::{
    FIRST_RESERVE_BYTES_MAX, LARGE_ARGUMENT_BYTES_MIN, Limits, Progress, REQUESTS_PER_CALL_MAX,
    RequestDecoder,
};
pub use error::ProtocolError;
pub use output::{CHUNK_BYTES, IoSlices, Output};
pub use reply::{Mark, Protocol, Reply, SHARED_BULK_BYTES_MIN};
pub use reply_decoder::{ReplyDecoder, ReplyError};
pub use reply_skipper::{ReplySkipper, Skipped};
pub use request::{count_bytes, request_bytes, write_count, write_request, write_word};
pub use value::Value;
