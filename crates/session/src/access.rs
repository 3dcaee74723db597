//! Who may log in: the one place that compares passwords.
//!
//! Source: redis.io, AUTH; "Security", section "Authentication".

/// The user as which every connection begins.
pub const DEFAULT_USER: &str = "default";

/// What listings show for the link to our primary, whose commands no rule of access holds back.
pub(crate) const SUPERUSER: &str = "(superuser)";

/// The rules of who may log in, as the configuration has them.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// `requirepass`: the password of the default user; empty if it needs none.
    pub default_password: &'a [u8],
}

impl Access<'_> {
    /// Whether a connection that has not logged in may run commands.
    #[must_use]
    #[inline]
    pub const fn is_open(self) -> bool {
        self.default_password.is_empty()
    }

    /// Whether this user exists and this is a password of theirs. A user without a password takes
    /// any.
    #[must_use]
    pub fn admits(self, user: &[u8], password: &[u8]) -> bool {
        user == DEFAULT_USER.as_bytes()
            && (self.is_open() || equal_in_constant_time(self.default_password, password))
    }
}

/// Compares so that the time taken tells nothing about where the two differ; it does tell the
/// length of what was sent.
fn equal_in_constant_time(secret: &[u8], sent: &[u8]) -> bool {
    let mut difference = secret.len() ^ sent.len();
    for (index, byte) in sent.iter().enumerate() {
        let expected = secret.get(index).copied().unwrap_or(0);
        difference |= usize::from(byte ^ expected);
    }
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_user_needs_the_password_if_there_is_one() {
        let check = |required: &str, user: &str, password: &str, expected: bool| {
            let access = Access { default_password: required.as_bytes() };
            let admitted = access.admits(user.as_bytes(), password.as_bytes());
            assert_eq!(admitted, expected, "{required} {user} {password}");
        };
        check("", "default", "anything", true);
        check("", "Default", "", false);
        check("secret", "default", "secret", true);
        check("secret", "default", "secret\0", false);
        check("secret", "default", "secre", false);
        check("secret", "default", "Secret", false);
        check("secret", "default", "", false);
        check("secret", "me", "secret", false);
    }
}
