//! The tests that run when no command is given: their names, titles and requests.

use dunlin_resp::write_request;

/// One test.
pub(crate) struct Test {
    pub(crate) title: &'static str,
    /// Names by which `-t` selects it.
    names: &'static [&'static str],
    pub(crate) request: Vec<u8>,
}

impl Test {
    /// Whether `-t` has asked for it; without `-t` all are.
    pub(crate) fn is_selected(&self, tests: Option<&str>) -> bool {
        tests.is_none_or(|tests| tests.split(',').any(|test| self.names.contains(&test)))
    }
}

/// The names in a list of `-t` that are none.
pub(crate) fn unknown_names(tests: &str) -> Vec<&str> {
    let known: Vec<_> = self::tests(b"", false, "").iter().flat_map(|test| test.names).collect();
    tests.split(',').filter(|name| !known.contains(&name)).collect()
}

/// A request of these words.
pub(crate) fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    let mut bytes = Vec::new();
    write_request(&mut bytes, &words);
    bytes
}

/// All tests in their order. In a cluster `tag` stands in every key, behind its base name.
pub(crate) fn tests(data: &[u8], is_random: bool, tag: &str) -> Vec<Test> {
    let test = |names, title, words: &[&[u8]]| Test { title, names, request: request(words) };
    let name = |base: &str| format!("{base}{tag}").into_bytes();
    let random = |base: &str| format!("{base}{tag}:__rand_int__").into_bytes();
    let (key, counter) = (&random("key")[..], &random("counter")[..]);
    let (list, set, hash) = (&name("mylist")[..], &name("myset")[..], &name("myhash")[..]);
    let (sorted_set, stream) = (&name("myzset")[..], &name("mystream")[..]);
    let element = b"element:__rand_int__";
    let score: &[u8] = if is_random { b"__rand_int__" } else { b"0" };
    let ten_keys: Vec<&[u8]> =
        std::iter::once(&b"MSET"[..]).chain([key, data].repeat(10)).collect();
    let mut tests = vec![
        Test {
            title: "PING_INLINE",
            names: &["ping_inline", "ping"],
            request: b"PING\r\n".to_vec(),
        },
        test(&["ping_mbulk", "ping"], "PING_MBULK", &[b"PING"]),
        test(&["set"], "SET", &[b"SET", key, data]),
        test(&["get"], "GET", &[b"GET", key]),
        test(&["incr"], "INCR", &[b"INCR", counter]),
        test(&["lpush"], "LPUSH", &[b"LPUSH", list, data]),
        test(&["rpush"], "RPUSH", &[b"RPUSH", list, data]),
        test(&["lpop"], "LPOP", &[b"LPOP", list]),
        test(&["rpop"], "RPOP", &[b"RPOP", list]),
        test(&["sadd"], "SADD", &[b"SADD", set, element]),
        test(&["hset"], "HSET", &[b"HSET", hash, element, data]),
        test(&["spop"], "SPOP", &[b"SPOP", set]),
        test(&["zadd"], "ZADD", &[b"ZADD", sorted_set, score, element]),
        test(&["zpopmin"], "ZPOPMIN", &[b"ZPOPMIN", sorted_set]),
        test(
            &["lrange", "lrange_100", "lrange_300", "lrange_500", "lrange_600"],
            "LPUSH (needed to benchmark LRANGE)",
            &[b"LPUSH", list, data],
        ),
    ];
    for (names, title, last) in [
        (&["lrange", "lrange_100"], "LRANGE_100 (first 100 elements)", "99"),
        (&["lrange", "lrange_300"], "LRANGE_300 (first 300 elements)", "299"),
        (&["lrange", "lrange_500"], "LRANGE_500 (first 500 elements)", "499"),
        (&["lrange", "lrange_600"], "LRANGE_600 (first 600 elements)", "599"),
    ] {
        tests.push(test(names, title, &[b"LRANGE", list, b"0", last.as_bytes()]));
    }
    tests.push(test(&["mset"], "MSET (10 keys)", &ten_keys));
    tests.push(test(&["xadd"], "XADD", &[b"XADD", stream, b"*", b"myfield", data]));
    tests
}

/// The values that are written: the same in every run, and hard to compress.
pub(crate) struct Data {
    state: u32,
}

impl Data {
    pub(crate) const fn new() -> Self {
        Self { state: 1234 }
    }

    /// The next value: the bits 16 to 21 of ISO C's example of `rand`, as characters from `0` on,
    /// which are the bytes that redis-benchmark writes.
    pub(crate) fn next(&mut self, bytes: usize) -> Vec<u8> {
        let mut byte = || {
            self.state = self.state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            b'0' + (self.state >> 16 & 63) as u8
        };
        (0..bytes).map(|_| byte()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(tests: Option<&str>) -> Vec<&'static str> {
        let all = self::tests(b"abc", false, "");
        all.iter().filter(|test| test.is_selected(tests)).map(|test| test.title).collect()
    }

    #[test]
    fn selection() {
        assert_eq!(selected(None).len(), 21);
        assert_eq!(selected(Some("ping,get")), ["PING_INLINE", "PING_MBULK", "GET"]);
        let range = ["LPUSH (needed to benchmark LRANGE)", "LRANGE_300 (first 300 elements)"];
        assert_eq!(selected(Some("lrange_300")), range);
        assert_eq!(selected(Some("lrange")).len(), 5);
        assert_eq!(unknown_names("set,foo,,ping,lrange_600"), ["foo", ""]);
    }

    #[test]
    fn requests() {
        let find = |title, is_random, tag| {
            let all = tests(b"abc", is_random, tag);
            let test = all.into_iter().find(|test| test.title == title).expect(title);
            String::from_utf8(test.request).expect("text").replace("\r\n", " ")
        };
        let set = "*3 $3 SET $16 key:__rand_int__ $3 abc ";
        assert_eq!(find("SET", false, ""), set);
        let set = "*3 $3 SET $22 key:{tag}:__rand_int__ $3 abc ";
        assert_eq!(find("SET", false, ":{tag}"), set);
        assert_eq!(find("LPOP", false, ":{tag}"), "*2 $4 LPOP $12 mylist:{tag} ");
        let zadd = "*4 $4 ZADD $6 myzset $1 0 $20 element:__rand_int__ ";
        assert_eq!(find("ZADD", false, ""), zadd);
        let zadd = "*4 $4 ZADD $6 myzset $12 __rand_int__ $20 element:__rand_int__ ";
        assert_eq!(find("ZADD", true, ""), zadd);
        assert!(find("MSET (10 keys)", false, "").starts_with("*21 $4 MSET $16 key:__rand_int__ "));
        let range = "*4 $6 LRANGE $6 mylist $1 0 $3 299 ";
        assert_eq!(find("LRANGE_300 (first 300 elements)", false, ""), range);
    }

    /// What `GET key:__rand_int__` shows after redis-benchmark has run.
    #[test]
    fn data_is_known() {
        let mut data = Data::new();
        assert_eq!(data.next(3), b"VXK");
        assert!(data.next(1000).iter().all(|byte| (b'0'..=b'o').contains(byte)));
    }
}
