//! Files of versions that nobody writes any more are read: a writer of ours makes them, from the
//! description of the format.

use crate::entries::contents;
use dunlin_rdb::{Checksum, ChecksumOutcome, Item, LoadLimits, ReadErrorCause, Reader};
use dunlin_values::{AccessHint, Encoding, Entry};

/// A file, begun.
struct Writer {
    version: u16,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(version: u16) -> Self {
        let mut bytes = format!("REDIS{version:04}").into_bytes();
        bytes.extend_from_slice(b"\xfe\x00");
        Self { version, bytes }
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A key of this type, whose body follows.
    fn key(self, kind: u8, name: &str, body: &[u8]) -> Self {
        self.raw(&[kind]).raw(&text(name.as_bytes())).raw(body)
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0xff);
        if self.version >= 5 {
            let checksum = Checksum::of(&self.bytes);
            self.bytes.extend_from_slice(&checksum.to_le_bytes());
        }
        self.bytes
    }
}

fn length(len: usize) -> Vec<u8> {
    match len {
        0..=63 => vec![len as u8],
        64..=16383 => vec![0x40 | (len >> 8) as u8, len as u8],
        _ => [&[0x80][..], &(len as u32).to_be_bytes()].concat(),
    }
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [length(bytes.len()), bytes.to_vec()].concat()
}

/// An element of a ziplist: every encoding has its text.
fn ziplist_body(element: &str) -> Vec<u8> {
    let number = element.parse().ok().filter(|number: &i64| number.to_string() == element);
    let Some(number) = number else {
        let text = element.as_bytes();
        let mut body = match text.len() {
            len @ 0..=63 => vec![len as u8],
            len @ 64..=16383 => vec![0x40 | (len >> 8) as u8, len as u8],
            len => [&[0x80][..], &(len as u32).to_be_bytes()].concat(),
        };
        body.extend_from_slice(text);
        return body;
    };
    let bytes = number.to_le_bytes();
    match number {
        0..=12 => vec![0xf1 + number as u8],
        -0x80..=0x7f => vec![0xfe, bytes[0]],
        -0x8000..=0x7fff => [&[0xc0], &bytes[..2]].concat(),
        -0x80_0000..=0x7f_ffff => [&[0xf0], &bytes[..3]].concat(),
        -0x8000_0000..=0x7fff_ffff => [&[0xd0], &bytes[..4]].concat(),
        _ => [&[0xe0], &bytes[..]].concat(),
    }
}

fn ziplist(elements: &[&str]) -> Vec<u8> {
    let (mut entries, mut before, mut last) = (Vec::new(), 0_usize, 10);
    for element in elements {
        last = 10 + entries.len();
        let from = entries.len();
        match before {
            0..=253 => entries.push(before as u8),
            _ => entries.extend([&[0xfe][..], &(before as u32).to_le_bytes()].concat()),
        }
        entries.extend(ziplist_body(element));
        before = entries.len() - from;
    }
    let mut bytes = ((11 + entries.len()) as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&(last as u32).to_le_bytes());
    bytes.extend_from_slice(&(elements.len() as u16).to_le_bytes());
    bytes.extend(entries);
    bytes.push(0xff);
    bytes
}

fn zipmap(pairs: &[(&str, &str)]) -> Vec<u8> {
    let part = |len: usize| match len {
        0..=253 => vec![len as u8],
        _ => [&[0xfe][..], &(len as u32).to_le_bytes()].concat(),
    };
    let mut bytes = vec![pairs.len() as u8];
    for (number, (name, value)) in pairs.iter().enumerate() {
        let unused = number % 3;
        bytes.extend(part(name.len()));
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend(part(value.len()));
        bytes.push(unused as u8);
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend(vec![b'?'; unused]);
    }
    bytes.push(0xff);
    bytes
}

fn read(bytes: &[u8]) -> Vec<(Entry, AccessHint)> {
    let mut reader = Reader::open(bytes, LoadLimits::default()).expect("a file");
    let mut keys = Vec::new();
    loop {
        match reader.next_item().expect("a good file") {
            Item::Key { entry, access } => keys.push((entry, access)),
            Item::SelectDb(0) => {}
            Item::End(outcome) => {
                let has_checksum = reader.version() >= 5;
                assert_eq!(outcome == ChecksumOutcome::Right, has_checksum);
                return keys;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The only key of a file.
fn read_one(bytes: &[u8]) -> (Vec<String>, Encoding) {
    let keys = read(bytes);
    assert_eq!(keys.len(), 1);
    let mut lines = contents(&keys[0].0);
    lines.pop();
    lines.remove(0);
    (lines, keys[0].0.encoding())
}

const ELEMENTS: &[&str] = &[
    "a",
    "0",
    "12",
    "13",
    "-1",
    "127",
    "-128",
    "128",
    "-32768",
    "32768",
    "8388607",
    "-8388608",
    "8388608",
    "2147483647",
    "-2147483648",
    "2147483648",
    "-9223372036854775808",
    "01",
    "",
];

#[test]
fn lists() {
    let long = "x".repeat(300);
    let longer = "y".repeat(17_000);
    let elements = [ELEMENTS, &[&long, "after", &longer, "end"]].concat();
    let file = Writer::new(2).key(10, "k", &text(&ziplist(&elements))).end();
    let (lines, encoding) = read_one(&file);
    assert_eq!(
        (lines, encoding),
        (elements.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), Encoding::Quicklist)
    );
    let nodes =
        [length(3), text(&ziplist(&["a", "1"])), text(&ziplist(&[])), text(&ziplist(&["z"]))];
    let file = Writer::new(7).key(14, "k", &nodes.concat()).end();
    assert_eq!(read_one(&file).0, ["a", "1", "z"]);
    let plain = [length(2), text(b"a"), vec![0xc1, 0x39, 0x30]].concat();
    let file = Writer::new(1).key(1, "k", &plain).end();
    assert_eq!(read_one(&file), (vec!["a".to_owned(), "12345".to_owned()], Encoding::Listpack));
}

#[test]
fn hashes() {
    let long = "v".repeat(300);
    for (value, encoding) in [("x", Encoding::Listpack), (&long, Encoding::Hashtable)] {
        let body = text(&zipmap(&[("a", "1"), ("b", value), ("", ""), ("d", "2")]));
        let (lines, found) = read_one(&Writer::new(1).key(9, "k", &body).end());
        assert_eq!(found, encoding);
        let expected =
            ["= until None", "a=1 until None", &format!("b={value} until None"), "d=2 until None"];
        assert_eq!(lines, expected);
    }
    // A ziplist stays compact however long its elements are.
    let body = text(&ziplist(&["a", "1", "b", &long]));
    let (lines, encoding) = read_one(&Writer::new(4).key(13, "k", &body).end());
    assert_eq!((lines.len(), encoding), (2, Encoding::Listpack));
}

#[test]
fn sorted_sets() {
    let body = [length(4), text(b"a"), vec![3], b"1.5".to_vec(), text(b"b"), vec![254]];
    let more = [text(b"c"), vec![255], text(b"d"), vec![4], b"-1e3".to_vec()];
    let file = Writer::new(1).key(3, "k", &[body.concat(), more.concat()].concat()).end();
    let (lines, encoding) = read_one(&file);
    assert_eq!(lines, ["-inf c", "-1000.0 d", "1.5 a", "inf b"]);
    assert_eq!(encoding, Encoding::Listpack);
    let body = text(&ziplist(&["c", "-7", "a", "1.25", "b", "300"]));
    let (lines, _) = read_one(&Writer::new(2).key(12, "k", &body).end());
    assert_eq!(lines, ["-7.0 c", "1.25 a", "300.0 b"]);
    let nan = [length(1), text(b"a"), vec![253]].concat();
    let file = Writer::new(1).key(3, "k", &nan).end();
    let mut reader = Reader::open(&file[..], LoadLimits::default()).expect("a file");
    reader.next_item().expect("the database");
    assert!(matches!(reader.next_item().unwrap_err().cause, ReadErrorCause::Corrupt(_)));
}

#[test]
fn sets_take_the_form_of_their_members() {
    let set = |members: &[&str]| {
        let body: Vec<u8> = members.iter().flat_map(|member| text(member.as_bytes())).collect();
        let body = [length(members.len()), body].concat();
        read_one(&Writer::new(6).key(2, "k", &body).end()).1
    };
    assert_eq!(set(&["3", "-9223372036854775808", "7"]), Encoding::IntSet);
    assert_eq!(set(&["3", "x", "7"]), Encoding::Listpack);
    assert_eq!(set(&["3", &"x".repeat(65)]), Encoding::Hashtable);
    let numbers: Vec<String> = (0..600).map(|number| number.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert_eq!(set(&numbers), Encoding::Hashtable);
    assert_eq!(set(&numbers[..512]), Encoding::IntSet);
}

#[test]
fn deadlines_and_uses_belong_to_the_next_key_alone() {
    let file = Writer::new(9)
        .raw(b"\xfd\x10\x27\x00\x00")
        .key(0, "seconds", &text(b"v"))
        .raw(b"\xfc\x88\x13\x00\x00\x00\x00\x00\x00\xf8\x41\x00")
        .key(0, "milliseconds", &text(b"v"))
        .raw(b"\xf9\x07")
        .key(0, "used", &text(b"v"))
        .key(0, "plain", &text(b"v"))
        .end();
    let found: Vec<_> = read(&file)
        .iter()
        .map(|(entry, access)| (entry.deadline().map(|at| at.0), *access))
        .collect();
    let expected = [
        (Some(10_000_000), AccessHint::None),
        (Some(5000), AccessHint::IdleSeconds(256)),
        (None, AccessHint::Frequency(7)),
        (None, AccessHint::None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_stream_of_the_first_version_is_completed() {
    // 1-1 {f v}, 1-2 {f w}, 2-1 {g w h i}, as Redis 5 wrote it, and a group behind 1-2.
    let listpack =
        b"\x3e\0\0\0\x18\0\x03\x01\0\x01\x01\x01\x81f\x02\0\x01\x02\x01\0\x01\0\x01\x81v\
        \x02\x04\x01\x02\x01\0\x01\x01\x01\x81w\x02\x04\x01\0\x01\x01\x01\0\x01\x02\x01\x81g\x02\
        \x81w\x02\x81h\x02\x81i\x02\x08\x01\xff";
    let id = |ms: u64, seq: u64| [ms.to_be_bytes(), seq.to_be_bytes()].concat();
    let time = 1_700_000_000_000_u64.to_le_bytes();
    let parts: [&[u8]; 9] = [
        &[1, 16],
        &id(1, 1),
        &text(listpack),
        &[3, 2, 1],
        &[1, 1, b'g', 1, 2, 1],
        &[&id(1, 2)[..], &time, &[5]].concat(),
        &[1, 5],
        b"alice",
        &[&time[..], &[1], &id(1, 2)].concat(),
    ];
    let file = Writer::new(9).key(15, "k", &parts.concat()).end();
    let (lines, _) = read_one(&file);
    assert_eq!(lines[3], "3 1-1 2-1 0-0 3 1");
    assert_eq!(lines[4], "[103] 1-2 None");
    assert_eq!(lines[6], "1-2 UnixMs(1700000000000) 5");
    let keys = read(&file);
    let active = crate::entries::activity(&keys[0].0);
    assert_eq!(active, [Some(dunlin_stdx::time::UnixMs(1_700_000_000_000))]);
}

#[test]
fn what_modules_wrote_is_refused_or_passed_over() {
    let value = b"\x81\x04\x10\x41\x04\x10\x41\x04\x01\x02\x05\x05\x03abc\x00";
    let file = Writer::new(9).key(7, "k", value).key(0, "next", &text(b"v")).end();
    let mut reader = Reader::open(&file[..], LoadLimits::default()).expect("a file");
    reader.next_item().expect("the database");
    assert!(matches!(reader.next_item().unwrap_err().cause, ReadErrorCause::Module(_)));
    let mut reader = Reader::open(&file[..], LoadLimits::default()).expect("a file");
    reader.skip_modules();
    reader.next_item().expect("the database");
    assert!(matches!(reader.next_item(), Ok(Item::Module { key: Some(key), .. }) if key == b"k"));
    assert!(matches!(reader.next_item(), Ok(Item::Key { .. })));
}

#[test]
fn versions_beyond_ours_are_refused() {
    for (head, is_read) in
        [("REDIS0000", false), ("REDIS0001", true), ("REDIS0012", true), ("REDIS0013", false)]
    {
        let bytes = [head.as_bytes(), b"\xff\0\0\0\0\0\0\0\0"].concat();
        assert_eq!(Reader::open(&bytes[..], LoadLimits::default()).is_ok(), is_read, "{head}");
    }
}
