//! INFO keyspace: the databases that hold keys.

use super::view::View;
use super::{Section, Shown, put};

pub(super) const SECTION: Section = Section {
    name: "keyspace",
    title: "Keyspace",
    shown: Shown::ByDefault,
    fields: &[],
    more: databases,
};

fn databases(view: &View<'_, '_>, text: &mut Vec<u8>) {
    let now = view.cx.now;
    for db in 0..view.cx.keyspace.databases() {
        let database = view.cx.keyspace.database(db);
        if database.is_empty() {
            continue;
        }
        let (keys, expires) = (database.len(), database.with_deadline());
        let average = database.average_ttl_ms(now.unix_ms(), now.unix_us.cast_unsigned());
        put(text, format_args!("db{db}:keys={keys},expires={expires},avg_ttl={average}"));
    }
}
