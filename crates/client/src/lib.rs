//! A client of a Redis server, without I/O.
//!
//! A [`Session`] is one connection without the connection: what is asked becomes bytes to send, what
//! arrives becomes replies, each with the [`Ticket`] of the request that it answers. Requests may be
//! sent before the replies to earlier ones are there.
//!
//! ```
//! use dunlin_client::{Event, Session};
//!
//! let mut session = Session::new();
//! let set = session.ask(&[b"SET", b"k", b"v"]);
//! let get = session.ask(&[b"GET", b"k"]);
//! assert_eq!(session.output().len(), 47);
//! session.sent(47);
//!
//! session.receive(b"+OK\r\n$1\r\nv\r");
//! assert!(matches!(session.next_event(), Ok(Some(Event::Reply(ticket, _))) if ticket == set));
//! assert_eq!(session.next_event(), Ok(None));
//! session.receive(b"\n");
//! let Ok(Some(Event::Reply(ticket, value))) = session.next_event() else { panic!() };
//! assert_eq!((ticket, value.bytes()), (get, Some(&b"v"[..])));
//! ```
//!
//! Who has a stream that waits, of whatever kind, and one thing to ask at a time, asks with
//! [`Session::exchange`].
//!
//! A [`ServerUri`] is where a server is, in one word.
//!
//! It never knows sockets, clocks, or what a command means.

#![forbid(unsafe_code)]

mod session;
mod uri;

pub use session::{Event, Session, SessionError, Ticket};
pub use uri::ServerUri;
