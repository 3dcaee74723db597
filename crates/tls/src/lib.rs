//! TLS of the client programs: what their options mean, whom to trust, and a stream over any socket.
//!
//! [`TlsOptions`] takes the words of a command line and becomes a [`Tls`], which makes a [`Stream`] of
//! a connected socket ([`Tls::connect`] where the socket waits, [`Tls::start`] where it does not).
//! Files are read for the first stream: a server that cannot be reached is told before a certificate
//! that cannot be read, as by redis-cli.
//!
//! - `trust` holds the certificates that are trusted, `verify` says whether a server is.
//! - `identity` reads the client's own certificate and key.
//! - `ciphers` reads cipher lists in OpenSSL's words.
//! - `reason` says in OpenSSL's words what went wrong.
//!
//! The protocol is rustls's, with ring's cryptography: TLS 1.2 and 1.3, forward secret ciphers only.
//! What a name, an option or an error text means is what OpenSSL, and redis-cli with it, makes of it:
//!
//! - The chain of the server's certificate is verified, its name is not compared with the host.
//! - A certificate of version 1, as `openssl x509 -req` made them for long, will do for a server, if a
//!   trusted authority has signed it itself; so will one that is trusted itself (`verify`).
//! - Of the files of `--cacert` those that sign themselves are trusted; the others link a server's
//!   certificate to them.
//!
//! Like `reactor` it does I/O, so that the shells need not: it reads files of certificates, and the
//! clock, without which none is valid.
//!
//! It never knows what the bytes mean.

#![forbid(unsafe_code)]

mod certificate;
mod ciphers;
mod client;
mod error;
mod identity;
mod options;
mod reason;
mod stream;
mod trust;
mod verify;

pub use client::Tls;
pub use error::TlsError;
pub use options::TlsOptions;
pub use stream::Stream;
