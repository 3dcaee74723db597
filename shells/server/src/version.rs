//! Which version this is, in the forms that people and programs look for.

/// The Redis version whose behaviour clients may expect.
pub const REDIS_VERSION: &str = "7.2.4";

/// The version of dunlin itself.
pub(crate) const DUNLIN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A number that tells builds apart: FNV-1a over version and target.
const BUILD: u64 = {
    let text = concat!("dunlin ", env!("CARGO_PKG_VERSION")).as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < text.len() {
        hash = (hash ^ text[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
};

/// What `redis-server --version` prints.
pub(crate) fn server_line(allocator: &str) -> String {
    let bits = usize::BITS;
    format!(
        "Redis server v={REDIS_VERSION} sha=00000000:0 malloc={allocator} bits={bits} build={BUILD:x}"
    )
}

/// What `dunlin --version` prints.
#[must_use]
pub fn dunlin_version() -> String {
    format!("dunlin {DUNLIN_VERSION} (compatible with Redis {REDIS_VERSION})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_line_has_the_usual_form() {
        let line = server_line("jemalloc-5.3.0");
        let start = "Redis server v=7.2.4 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=";
        let build = line.strip_prefix(start).expect("form");
        assert!(u64::from_str_radix(build, 16).is_ok(), "{line}");
    }
}
