//! An entry behaves as key, value and deadline, whatever its form.

use proptest::prelude::*;

use super::*;

fn text(entry: &Entry) -> Vec<u8> {
    entry.string().expect("a string").as_bytes(&mut IntText::default()).to_vec()
}

#[test]
fn small_entries_take_one_allocation_of_the_promised_size() {
    let key = b"key:000000000001";
    let int = Entry::new(key, NewValue::string(b"12345678"), None);
    assert_eq!((int.heap_bytes(), int.encoding()), (32, Encoding::Int));
    let raw = Entry::new(key, NewValue::string(&[b'x'; 64]), None);
    assert_eq!((raw.heap_bytes(), raw.encoding()), (96, Encoding::Raw));
    let volatile = Entry::new(key, NewValue::string(&[b'x'; 64]), Some(UnixMs(1)));
    assert_eq!(volatile.heap_bytes(), 96);
}

#[test]
fn encodings_are_those_of_object_encoding() {
    let check = |value: &[u8], encoding: &str| {
        let entry = Entry::new(b"k", NewValue::string(value), None);
        assert_eq!(entry.encoding().name(), encoding, "{}", value.escape_ascii());
        assert_eq!(text(&entry), value);
    };
    check(b"0", "int");
    check(b"-9223372036854775808", "int");
    check(b"9223372036854775808", "embstr");
    check(b"01", "embstr");
    check(b"+1", "embstr");
    check(b"", "embstr");
    check(&[b'a'; EMBSTR_MAX], "embstr");
    check(&[b'a'; EMBSTR_MAX + 1], "raw");
    check(&[b'a'; INLINE_MAX], "raw");
    check(&[b'a'; INLINE_MAX + 1], "raw");
}

#[test]
fn a_built_string_is_raw_however_short() {
    for len in [0, 1, INLINE_MAX, INLINE_MAX + 1] {
        let mut built = vec![b'1'; len];
        let entry = Entry::new(b"k", NewValue::raw(&mut built), Some(UnixMs(1)));
        assert_eq!((entry.encoding(), text(&entry)), (Encoding::Raw, vec![b'1'; len]));
    }
}

#[test]
fn editing_in_place_makes_a_string_raw() {
    let mut entry = Entry::new(b"k", NewValue::Int(10), Some(UnixMs(7)));
    entry.grow_string(4).expect("a string")[2..].copy_from_slice(b"ab");
    assert_eq!((text(&entry), entry.encoding()), (b"10ab".to_vec(), Encoding::Raw));
    assert_eq!(entry.deadline(), Some(UnixMs(7)));
}

#[test]
fn a_shared_string_is_not_copied_until_it_is_edited() {
    let bytes = Bytes::from(vec![b'x'; 100_000]);
    let mut entry = Entry::new(b"k", NewValue::shared(bytes.clone()), None);
    let copy = entry.duplicate(b"l", None);
    let Some(StringRef::Shared(shared)) = copy.string() else { panic!("shared") };
    assert_eq!(shared.as_ptr(), bytes.as_ptr());
    entry.string_mut().expect("a string")[0] = b'y';
    assert_eq!(text(&copy)[0], b'x');
    assert_eq!(text(&entry)[0], b'y');
}

#[derive(Clone, Debug)]
enum Step {
    Assign(Vec<u8>, Option<i64>),
    Deadline(Option<i64>),
    Grow(usize),
    Rename(Vec<u8>),
    Duplicate(Vec<u8>),
    Emitted(bool),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..300),
        (3900_usize..4100).prop_map(|len| vec![b'v'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (bytes(), any::<Option<i64>>()).prop_map(|(value, at)| Step::Assign(value, at)),
        any::<Option<i64>>().prop_map(Step::Deadline),
        (0_usize..5000).prop_map(Step::Grow),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(Step::Rename),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(Step::Duplicate),
        any::<bool>().prop_map(Step::Emitted),
    ]
}

proptest! {
    #[test]
    fn an_entry_behaves_as_key_value_and_deadline(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut entry = Entry::new(b"first", NewValue::string(b"1"), None);
        let mut model = (b"first".to_vec(), b"1".to_vec(), None::<UnixMs>);
        entry.set_clock(0x0012_3456);
        for step in steps {
            match step {
                Step::Assign(value, at) => {
                    entry.assign(NewValue::string(&value), at.map(UnixMs));
                    (model.1, model.2) = (value, at.map(UnixMs));
                }
                Step::Deadline(at) => {
                    entry.set_deadline(at.map(UnixMs));
                    model.2 = at.map(UnixMs);
                }
                Step::Grow(len) => {
                    entry.grow_string(len);
                    let len = len.max(model.1.len());
                    model.1.resize(len, 0);
                }
                Step::Rename(key) => {
                    entry = entry.renamed(&key);
                    model.0 = key;
                }
                Step::Duplicate(key) => {
                    let clock = entry.clock();
                    entry = entry.duplicate(&key, entry.deadline());
                    entry.set_clock(clock);
                    model.0 = key;
                }
                Step::Emitted(emitted) => {
                    entry.set_emitted(emitted);
                    prop_assert_eq!(entry.is_emitted(), emitted);
                }
            }
            prop_assert_eq!(entry.key(), &*model.0);
            prop_assert_eq!(text(&entry), &*model.1);
            prop_assert_eq!(entry.deadline(), model.2);
            prop_assert_eq!(entry.clock(), 0x0012_3456);
        }
    }
}
