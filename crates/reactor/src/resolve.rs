//! Names become addresses on threads of their own: `getaddrinfo` may take half a minute, and the
//! loop must not stand still for it.
//!
//! A few threads serve one queue, each started when a lookup finds all others busy. So lookups that
//! hang and are asked for again and again cost no more than these threads; the others wait.
//!
//! What crosses the threads is allocated by the loop's thread and comes back to it: a resolver keeps
//! nothing of what it allocates, so that memory can be counted per thread.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::Waker;

/// Threads that resolve. A name server that does not answer holds one for up to half a minute.
const RESOLVERS_MAX: usize = 4;

/// Addresses taken of one name, the first ones.
const ADDRESSES_MAX: usize = 16;

/// Room for the text of a failure.
const FAILURE_BYTES: usize = 256;

/// How a name becomes addresses; tests put their own in place.
pub(crate) type Resolve = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// One name to look up, then its addresses.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// Names the lookup, never used twice.
    pub(crate) serial: u64,
    host: String,
    port: u16,
    source: String,
    addresses: Vec<SocketAddr>,
    sources: Vec<IpAddr>,
    failure: String,
}

/// What a lookup found.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// Where to connect to, in the order in which to try.
    pub(crate) targets: VecDeque<SocketAddr>,
    /// Where to connect from, if that was asked for and can be told.
    pub(crate) sources: Vec<IpAddr>,
}

impl Lookup {
    /// `source` is empty if the system is to choose.
    pub(crate) fn new(serial: u64, host: String, port: u16, source: String) -> Self {
        Self {
            serial,
            host,
            port,
            source,
            addresses: Vec::with_capacity(ADDRESSES_MAX),
            sources: Vec::with_capacity(ADDRESSES_MAX),
            failure: String::with_capacity(FAILURE_BYTES),
        }
    }

    /// The answer, if it takes no looking up: all that is named is numeric.
    pub(crate) fn numeric(&self) -> Option<Addresses> {
        let target = SocketAddr::new(self.host.parse().ok()?, self.port);
        let sources = match self.source.as_str() {
            "" => Vec::new(),
            source => vec![source.parse().ok()?],
        };
        Some(Addresses { targets: VecDeque::from([target]), sources })
    }

    /// The answer, once it has been looked up.
    ///
    /// # Errors
    /// What the system says of the name, or that it has no address.
    pub(crate) fn into_addresses(self) -> io::Result<Addresses> {
        if self.addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, self.failure));
        }
        Ok(Addresses { targets: self.addresses.into(), sources: self.sources })
    }

    /// Looks up. A source that cannot be told is left out, as one that cannot be bound to is.
    fn run(&mut self, resolve: &Resolve) {
        match resolve(&self.host, self.port) {
            Ok(found) => self.addresses.extend(found.iter().take(ADDRESSES_MAX)),
            Err(error) => {
                // Behind the last colon are the words of the system, before it those of std.
                let text = error.to_string();
                self.failure.push_str(text.rsplit(": ").next().unwrap_or(&text));
            }
        }
        if self.addresses.is_empty() && self.failure.is_empty() {
            self.failure.push_str("No address associated with hostname");
        }
        if !self.source.is_empty() && !self.addresses.is_empty() {
            let found = resolve(&self.source, 0).unwrap_or_default();
            self.sources.extend(found.iter().map(SocketAddr::ip).take(ADDRESSES_MAX));
        }
    }
}

/// The queue and its threads, which end when it is dropped and they are done.
pub(crate) struct Resolvers {
    shared: Arc<Shared>,
    resolve: Arc<Resolve>,
    waker: Waker,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    /// Something was put into the queue, or the desk closes.
    news: Condvar,
}

#[derive(Default)]
struct Desk {
    waiting: VecDeque<Lookup>,
    done: Vec<Lookup>,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that can panic runs while the desk is held.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next lookup, waiting for one; `None` when there will be no more.
    fn next(&self) -> Option<Lookup> {
        let mut desk = self.desk();
        desk.idle += 1;
        loop {
            if desk.is_closed {
                return None;
            }
            if let Some(lookup) = desk.waiting.pop_front() {
                desk.idle -= 1;
                return Some(lookup);
            }
            desk = self.news.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Resolvers {
    /// No thread is started before the first lookup.
    pub(crate) fn new(waker: Waker) -> Self {
        let resolve = |host: &str, port| (host, port).to_socket_addrs().map(Iterator::collect);
        Self { shared: Arc::default(), resolve: Arc::new(resolve), waker }
    }

    /// Puts another way of looking up in place, for lookups of threads that are not yet started.
    #[cfg(test)]
    pub(crate) fn set_resolve(&mut self, resolve: Arc<Resolve>) {
        self.resolve = resolve;
    }

    /// Begins a lookup; the waker is called when it is done.
    ///
    /// # Errors
    /// There is no thread that could do it.
    pub(crate) fn begin(&self, lookup: Lookup) -> io::Result<()> {
        let mut desk = self.shared.desk();
        if desk.waiting.len() >= desk.idle && desk.threads < RESOLVERS_MAX {
            match self.start_thread() {
                Ok(()) => desk.threads += 1,
                Err(error) if desk.threads == 0 => return Err(error),
                // The others will come to it.
                Err(_) => {}
            }
        }
        desk.waiting.push_back(lookup);
        let due = desk.waiting.len() + RESOLVERS_MAX;
        desk.done.reserve(due);
        drop(desk);
        self.shared.news.notify_one();
        Ok(())
    }

    fn start_thread(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let (resolve, waker) = (Arc::clone(&self.resolve), self.waker.clone());
        let work = move || {
            while let Some(mut lookup) = shared.next() {
                lookup.run(&*resolve);
                shared.desk().done.push(lookup);
                waker.wake();
            }
        };
        std::thread::Builder::new().name("resolver".to_owned()).spawn(work).map(drop)
    }

    /// Gives up a lookup that has not begun; one that has comes to its end.
    pub(crate) fn cancel(&self, serial: u64) {
        self.shared.desk().waiting.retain(|lookup| lookup.serial != serial);
    }

    /// The lookups that are done since the last call.
    pub(crate) fn take_done(&self) -> Vec<Lookup> {
        self.shared.desk().done.drain(..).collect()
    }
}

impl Drop for Resolvers {
    fn drop(&mut self) {
        self.shared.desk().is_closed = true;
        self.shared.news.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(host: &str, source: &str) -> Lookup {
        Lookup::new(1, host.to_owned(), 7000, source.to_owned())
    }

    #[test]
    fn numeric_hosts_and_sources_need_no_lookup() {
        let addresses = lookup("::1", "127.0.0.1").numeric().expect("numeric");
        assert_eq!(addresses.targets, ["[::1]:7000".parse().expect("address")]);
        assert_eq!(addresses.sources, ["127.0.0.1".parse::<IpAddr>().expect("address")]);
        assert!(lookup("127.0.0.1", "").numeric().expect("numeric").sources.is_empty());
        assert!(lookup("localhost", "").numeric().is_none());
        assert!(lookup("127.0.0.1", "localhost").numeric().is_none());
        assert!(lookup("", "").numeric().is_none());
    }

    #[test]
    fn addresses_keep_their_order_and_are_bounded() {
        let many = |_: &str, port| {
            Ok((0..40).map(|last| SocketAddr::from(([10, 0, 0, last], port))).collect())
        };
        let mut asked = lookup("many", "many");
        asked.run(&many);
        let found = asked.into_addresses().expect("found");
        assert_eq!(found.targets.len(), ADDRESSES_MAX);
        assert_eq!(found.targets[1], SocketAddr::from(([10, 0, 0, 1], 7000)));
        assert_eq!(found.sources.len(), ADDRESSES_MAX);
    }

    #[test]
    fn a_name_without_an_address_says_so() {
        let mut asked = lookup("none", "");
        asked.run(&|_: &str, _| Ok(Vec::new()));
        let error = asked.into_addresses().expect_err("no address").to_string();
        assert_eq!(error, "No address associated with hostname");
    }
}
