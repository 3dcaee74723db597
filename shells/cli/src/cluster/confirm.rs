//! Questions that must be answered with yes.

use super::{Failed, Manager, Outcome};

/// What a question may be answered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Force {
    /// `--cluster-yes` answers it.
    Allowed,
    /// Only somebody can answer it.
    Never,
}

/// Whether the answer is yes.
pub(super) fn is_confirmed(manager: &Manager<'_>, question: &str, force: Force) -> bool {
    if manager.command.yes && force == Force::Allowed {
        return true;
    }
    let answer = manager.console.ask(&format!("{question} (type 'yes' to accept): "));
    let answer = answer.unwrap_or_default();
    match manager.console.is_trib() {
        true => answer.eq_ignore_ascii_case("yes"),
        // redis-cli reads three letters.
        false => answer.starts_with("yes"),
    }
}

/// As [`is_confirmed`]; redis-trib ends when the answer is another.
pub(super) fn confirm(manager: &Manager<'_>, question: &str, force: Force) -> Result<bool, Failed> {
    let answer = is_confirmed(manager, question, force);
    if !answer && manager.console.is_trib() {
        manager.console.warn("*** Aborting...");
        return Err(Failed);
    }
    Ok(answer)
}

/// The question before slots move; every answer but yes ends the program.
pub(super) fn confirm_plan(manager: &Manager<'_>) -> Outcome {
    if manager.command.yes {
        return Ok(());
    }
    let question = "Do you want to proceed with the proposed reshard plan (yes/no)? ";
    let answer = manager.console.ask(question).unwrap_or_default();
    let is_yes = match manager.console.is_trib() {
        true => answer == "yes",
        false => answer.starts_with("yes"),
    };
    if is_yes { Ok(()) } else { Err(Failed) }
}
