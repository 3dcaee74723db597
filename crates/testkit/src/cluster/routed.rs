//! A client that goes where the cluster sends it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::client::{Client, request};
use crate::value::Value;

/// How often a request may be sent elsewhere or asked to come again.
const REDIRECTS_MAX: usize = 16;
/// How long a node may take for a reply: one that is stopped or cut off does not answer.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);

/// A client of a cluster on this machine: follows MOVED and ASK, and remembers for each key where it
/// was answered. It shares no code with the server, nor with the clients that others wrote.
pub struct RoutedClient {
    seeds: Vec<u16>,
    password: Option<String>,
    links: HashMap<u16, Client>,
    places: HashMap<Vec<u8>, u16>,
}

/// What the cluster asks for in place of an answer.
enum Redirect {
    Moved(u16),
    Ask(u16),
    TryAgain,
}

impl RoutedClient {
    /// A client that knows the ports of some nodes.
    pub fn new(seeds: &[u16], password: Option<&str>) -> RoutedClient {
        RoutedClient {
            seeds: seeds.to_vec(),
            password: password.map(str::to_owned),
            links: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// Runs a command whose second word is its key.
    ///
    /// # Errors
    /// When the node that should answer cannot be reached or sends too many redirections; the next
    /// attempt asks the seeds again.
    pub fn try_call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> io::Result<Value> {
        let key = words.get(1).map(|key| key.as_ref().to_vec()).unwrap_or_default();
        let mut port = match self.places.get(&key) {
            Some(&port) => port,
            None => self.any_seed()?,
        };
        let mut asking = false;
        for _ in 0..REDIRECTS_MAX {
            let reply = match self.ask(port, asking, words) {
                Ok(reply) => reply,
                Err(error) => {
                    self.links.remove(&port);
                    self.places.retain(|_, place| *place != port);
                    return Err(error);
                }
            };
            asking = false;
            match redirect(&reply) {
                None => {
                    self.places.entry(key).or_insert(port);
                    return Ok(reply);
                }
                Some(Redirect::Moved(to)) => {
                    self.places.insert(key.clone(), to);
                    port = to;
                }
                Some(Redirect::Ask(to)) => (port, asking) = (to, true),
                Some(Redirect::TryAgain) => {}
            }
        }
        Err(io::Error::other("too many redirections"))
    }

    /// Runs a command written as in redis-cli whose second word is its key.
    ///
    /// # Panics
    /// When the line is malformed or nobody answers.
    #[track_caller]
    pub fn cmd(&mut self, line: &str) -> Value {
        let words = crate::words::split(line).expect("balanced quotes");
        self.try_call(&words).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// [`RoutedClient::cmd`] in short form.
    ///
    /// # Panics
    /// As [`RoutedClient::cmd`].
    #[track_caller]
    pub fn show(&mut self, line: &str) -> String {
        self.cmd(line).to_string()
    }

    /// The first node that accepts; which one does not matter, it will send us on.
    fn any_seed(&mut self) -> io::Result<u16> {
        let seeds = self.seeds.clone();
        let found = seeds.into_iter().find(|&port| self.link(port).is_ok());
        found.ok_or_else(|| io::Error::other("no node of the cluster can be reached"))
    }

    fn ask<W: AsRef<[u8]>>(&mut self, port: u16, asking: bool, words: &[W]) -> io::Result<Value> {
        let link = self.link(port)?;
        if asking {
            link.send(&request(&["ASKING"]))?;
            link.read_reply()?;
        }
        link.send(&request(words))?;
        Ok(link.read_reply()?.value)
    }

    fn link(&mut self, port: u16) -> io::Result<&mut Client> {
        match self.links.entry(port) {
            Entry::Occupied(link) => Ok(link.into_mut()),
            Entry::Vacant(place) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let mut client = Client::try_connect(address)?;
                client.set_timeout(REPLY_TIMEOUT)?;
                if let Some(password) = &self.password {
                    client.try_cmd(&format!("AUTH {password}"))?;
                }
                Ok(place.insert(client))
            }
        }
    }
}

/// Where an error sends us, if it does.
fn redirect(reply: &Value) -> Option<Redirect> {
    let Value::Error(text) = reply else { return None };
    let text = String::from_utf8_lossy(text);
    let port = || text.rsplit_once(':')?.1.parse().ok();
    match text.split(' ').next()? {
        "MOVED" => port().map(Redirect::Moved),
        "ASK" => port().map(Redirect::Ask),
        "TRYAGAIN" => Some(Redirect::TryAgain),
        _ => None,
    }
}
