//! The limit of open files, which bounds the clients.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::log::Log;

/// Descriptors beyond those of clients: listeners, log, files being written, poller.
const RESERVED: u64 = 32;

/// How far the limit is lowered between attempts.
const STEP: u64 = 16;

/// The limit is too low for a server: the message to log before giving up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooFewFiles(pub(crate) String);

/// Raises the limit so that `maxclients` fit, and returns how many clients do.
///
/// # Errors
/// Not even one client fits.
pub(crate) fn raise_open_files(maxclients: u32, log: &Log) -> Result<u32, TooFewFiles> {
    let needed = u64::from(maxclients) + RESERVED;
    let (soft, hard) = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok(limits) => limits,
        Err(errno) => {
            log.warning(format_args!(
                "Unable to obtain the current NOFILE limit ({}), assuming 1024 and setting the \
                 max clients configuration accordingly.",
                errno.desc()
            ));
            return Ok(maxclients.min(1024 - RESERVED as u32));
        }
    };
    if soft >= needed {
        return Ok(maxclients);
    }
    let (reached, refused) =
        raise(soft, needed, |limit| setrlimit(Resource::RLIMIT_NOFILE, limit, hard.max(limit)));
    if reached >= needed {
        log.notice(format_args!(
            "Increased maximum number of open files to {needed} (it was originally set to {soft})."
        ));
        return Ok(maxclients);
    }
    let clients = reached.saturating_sub(RESERVED);
    if clients == 0 {
        return Err(TooFewFiles(format!(
            "Your current 'ulimit -n' of {soft} is not enough for the server to start. Please \
             increase your open file limit to at least {needed}. Exiting."
        )));
    }
    log.warning(format_args!(
        "You requested maxclients of {maxclients} requiring at least {needed} max file \
         descriptors."
    ));
    log.warning(format_args!(
        "Server can't set maximum open files to {needed} because of OS error: {}.",
        refused.unwrap_or(Errno::EPERM).desc()
    ));
    log.warning(format_args!(
        "Current maximum open files is {reached}. maxclients has been reduced to {clients} to \
         compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
    ));
    Ok(u32::try_from(clients).unwrap_or(maxclients))
}

/// The highest limit that `set` takes, from `needed` down to `soft`, and the first refusal.
fn raise(soft: u64, needed: u64, set: impl Fn(u64) -> Result<(), Errno>) -> (u64, Option<Errno>) {
    let mut refused = None;
    let mut limit = needed;
    while limit > soft {
        match set(limit) {
            Ok(()) => return (limit, refused),
            Err(errno) => refused = refused.or(Some(errno)),
        }
        limit = limit.saturating_sub(STEP);
    }
    (soft, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_possible_limit_is_found() {
        let up_to = |max: u64| move |limit| if limit <= max { Ok(()) } else { Err(Errno::EPERM) };
        assert_eq!(raise(1024, 10_032, up_to(20_000)), (10_032, None));
        assert_eq!(raise(1024, 10_032, up_to(4096)), (4096, Some(Errno::EPERM)));
        assert_eq!(raise(1024, 10_032, up_to(1030)), (1024, Some(Errno::EPERM)));
        assert_eq!(raise(256, 1000, up_to(300)), (296, Some(Errno::EPERM)));
    }
}
