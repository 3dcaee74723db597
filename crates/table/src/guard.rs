//! Borrowed items: [`ItemRef`] for reading, [`ItemMut`] for changing.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use crate::item::{Packed, ThinItem};
use crate::segment::{Place, Segment};
use crate::table::Table;

/// An item that the table still owns, borrowed for reading.
pub struct ItemRef<'t, T: ThinItem> {
    item: ManuallyDrop<T>,
    table: PhantomData<&'t Table<T>>,
}

impl<T: ThinItem> ItemRef<'_, T> {
    #[inline]
    pub(crate) fn new(packed: Packed) -> Self {
        ItemRef { item: packed.view(), table: PhantomData }
    }
}

impl<'t, T: ThinItem> ItemRef<'t, T> {
    /// The bytes that identify the item, for as long as the table is only read.
    #[must_use]
    #[inline]
    pub fn key(&self) -> &'t [u8] {
        let key: *const [u8] = self.item.key();
        // SAFETY: the item owns its key, and the implementation of `ThinItem` promises that the
        // key does not move while the table is only read, which it is for `'t`.
        unsafe { &*key }
    }

    /// [`ThinItem::contents`], for as long as the table is only read.
    #[must_use]
    #[inline]
    pub fn contents(&self) -> &'t [u8] {
        let contents: *const [u8] = self.item.contents();
        // SAFETY: as in `key`; the implementation promises the same of the contents.
        unsafe { &*contents }
    }
}

impl<T: ThinItem> Deref for ItemRef<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.item
    }
}

/// An item that the table still owns, borrowed for changing it.
///
/// The item may move to another allocation and get, change or lose its deadline; dropping the
/// guard writes the pointer back and keeps the counts right. Its key must stay the same. While the
/// guard lives, the slot is hidden: a guard that is leaked takes its item with it, instead of
/// leaving a pointer to where the item used to be.
pub struct ItemMut<'t, T: ThinItem> {
    table: &'t mut Table<T>,
    pub(crate) segment: Segment,
    place: Place,
    hash: u64,
    tag: u8,
    deadline_before: Option<i64>,
    item: ManuallyDrop<T>,
}

impl<'t, T: ThinItem> ItemMut<'t, T> {
    #[inline]
    pub(crate) fn new(
        table: &'t mut Table<T>,
        mut segment: Segment,
        place: Place,
        hash: u64,
    ) -> ItemMut<'t, T> {
        let item = segment.at(place).view::<T>();
        let tag = segment.hide(place);
        ItemMut { table, segment, place, hash, tag, deadline_before: item.deadline(), item }
    }

    /// The hash under which the item was found.
    #[must_use]
    #[inline]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Removes the item from the table.
    pub fn remove(self) -> T {
        self.take().0
    }

    /// Removes the item and hands the table back, so that an insertion may follow.
    pub fn take(mut self) -> (T, &'t mut Table<T>) {
        self.write_back();
        let item = self.table.take(self.segment, self.place);
        self.table.shrink_if_sparse(self.hash);
        // The table no longer owns the item, so the guard must not write it back.
        let guard = ManuallyDrop::new(self);
        // SAFETY: the guard is never used or dropped again, so this moves its only copy of the
        // exclusive borrow out.
        let table = unsafe { core::ptr::read(&raw const guard.table) };
        (item, table)
    }

    /// Puts another item with the same key in its place and hands the old one out.
    pub fn replace(mut self, item: T) -> T {
        debug_assert!(item.key() == self.item.key(), "replaced by another key");
        core::mem::replace(&mut *self.item, item)
    }

    #[inline]
    fn write_back(&mut self) {
        let deadline = self.item.deadline();
        // SAFETY: the handle in the guard stands for the item that the table owns; its ownership
        // goes back into the slot as a raw pointer, and the guard does not use it again (`drop`
        // and `remove` are the only callers, and each is the last use).
        let raw = unsafe { ManuallyDrop::take(&mut self.item) }.into_raw();
        let window = self.segment.at(self.place).window();
        self.segment.show(self.place, self.tag, Packed::new(raw, window, deadline.is_some()));
        if self.deadline_before != deadline {
            self.table.deadline_changed(self.segment, self.deadline_before, deadline);
        }
    }
}

impl<T: ThinItem> Table<T> {
    /// Follows the change of one item's deadline in the sums.
    #[cold]
    pub(crate) fn deadline_changed(
        &mut self,
        mut segment: Segment,
        before: Option<i64>,
        after: Option<i64>,
    ) {
        let delta = i64::from(after.is_some()) - i64::from(before.is_some());
        if delta != 0 {
            let header = segment.header_mut();
            header.volatile = header.volatile.wrapping_add_signed(delta as i32);
            self.count_volatile(segment, delta);
        }
        if let Some(deadline) = after {
            self.note_deadline(segment, deadline);
        }
    }
}

impl<T: ThinItem> Deref for ItemMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T: ThinItem> DerefMut for ItemMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T: ThinItem> Drop for ItemMut<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.write_back();
    }
}
