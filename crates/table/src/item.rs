//! Items as the table sees them: a thin owning pointer, and that pointer packed into a slot.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// An owned item that is one pointer wide: a handle to one allocation that holds its key.
///
/// # Safety
///
/// The table keeps only the raw pointer and makes handles from it when it needs them. An
/// implementation promises:
/// - `from_raw(into_raw(item))` gives back the same item, and `into_raw` hands over ownership
///   without dropping anything.
/// - The address fits in 48 bits (`addr >> 48 == 0`), as user space addresses do on the platforms
///   we support; the table asserts it on insertion.
/// - The handle does not claim uniqueness to the compiler (it holds a `NonNull`, not a `Box` or
///   `&mut`): while the table is only read, several handles to one item may exist, each wrapped
///   in `ManuallyDrop` and used through `&self` alone.
/// - `key` stays the same as long as the table owns the item, also when the item moves to another
///   allocation, and `key`, `contents` and `deadline` do not unwind.
/// - `key` is memory that the item owns, and stays where it is while the item is only read.
pub unsafe trait ThinItem: Sized {
    /// Gives up ownership as a raw pointer.
    fn into_raw(self) -> NonNull<u8>;

    /// Takes ownership back.
    ///
    /// # Safety
    ///
    /// `raw` came from [`ThinItem::into_raw`], and the handle is either the only one that is
    /// dropped, or is never dropped and only read while no handle may change the item.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// The bytes that identify the item in its table.
    fn key(&self) -> &[u8];

    /// All bytes of the item that stay the same and where they are as long as the table is only
    /// read; the key by default.
    fn contents(&self) -> &[u8] {
        self.key()
    }

    /// When the item expires, in Unix milliseconds; `None` for never.
    fn deadline(&self) -> Option<i64> {
        None
    }

    /// Hints that the item behind `raw` will be read soon. The default asks for its first line.
    fn prefetch(raw: NonNull<u8>) {
        prefetch_line(raw.as_ptr());
    }
}

/// Asks the processor to load the cache line of `address`; does nothing where there is no such
/// hint. Any address is allowed.
#[inline(always)]
pub fn prefetch_line(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint that never faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

const _: () = assert!(usize::BITS == 64, "slots keep hash bits in the upper half of a pointer");

const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: usize = (1 << ADDRESS_BITS) - 1;
const VOLATILE: usize = 1 << 63;

/// How many bits of the hash a slot keeps beside the pointer.
pub(crate) const WINDOW_BITS: u32 = 15;

const _: () = assert!(ADDRESS_BITS + WINDOW_BITS + 1 == 64);

/// One slot: an item's pointer, [`WINDOW_BITS`] bits of its hash, and whether it has a deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Packed(*mut u8);

impl Packed {
    pub(crate) const EMPTY: Packed = Packed(core::ptr::null_mut());

    #[inline]
    pub(crate) fn new(raw: NonNull<u8>, window: usize, volatile: bool) -> Packed {
        assert!(raw.addr().get() <= ADDRESS_MASK, "item address beyond 48 bits");
        debug_assert!(window < 1 << WINDOW_BITS);
        let mark = if volatile { VOLATILE } else { 0 };
        Packed(raw.as_ptr().map_addr(|addr| addr | window << ADDRESS_BITS | mark))
    }

    /// The item's pointer. Only for a slot whose tag says that it is taken.
    #[inline]
    pub(crate) fn raw(self) -> NonNull<u8> {
        let raw = self.0.map_addr(|addr| addr & ADDRESS_MASK);
        debug_assert!(!raw.is_null(), "an empty slot has no item");
        // SAFETY: a taken slot was made by `Packed::new` from a non-null pointer below 2^48, so
        // masking gives that pointer again; `Bucket` reads slots only where a tag is set.
        unsafe { NonNull::new_unchecked(raw) }
    }

    #[inline]
    pub(crate) fn window(self) -> usize {
        (self.0.addr() & !VOLATILE) >> ADDRESS_BITS
    }

    #[inline]
    pub(crate) fn is_volatile(self) -> bool {
        self.0.addr() & VOLATILE != 0
    }

    /// A handle for reading, which must not outlive the borrow of the table it came from.
    #[inline]
    pub(crate) fn view<T: ThinItem>(self) -> ManuallyDrop<T> {
        // SAFETY: the pointer came from `into_raw` and the table still owns the item; the handle
        // is never dropped, and callers hold it no longer than their borrow of the table, which
        // is shared, or exclusive with this as the only handle in use.
        ManuallyDrop::new(unsafe { T::from_raw(self.raw()) })
    }

    /// The item itself. The caller has just taken the slot out of the table.
    #[inline]
    pub(crate) fn into_item<T: ThinItem>(self) -> T {
        // SAFETY: the pointer came from `into_raw`, and as the slot has left the table, this is
        // the only handle that will be dropped.
        unsafe { T::from_raw(self.raw()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gives_back_what_was_packed() {
        let mut byte = 7u8;
        let raw = NonNull::from(&mut byte);
        for window in [0, 1, 0x2aaa, 0x7fff] {
            for volatile in [false, true] {
                let packed = Packed::new(raw, window, volatile);
                assert_eq!(packed.raw(), raw);
                assert_eq!(packed.window(), window);
                assert_eq!(packed.is_volatile(), volatile);
            }
        }
    }
}
