//! The geospatial commands. Places are scores of a sorted set; what they mean:
//! `dunlin_values::geo`.

use dunlin_resp::Reply;
use dunlin_stdx::number::parse_f64;
use dunlin_values::geo::Position;

use crate::command::Command;
use crate::error::CommandError;

mod geoadd;
mod geodist;
mod geohash;
mod geopos;
mod georadius;
mod georadius_ro;
mod georadiusbymember;
mod georadiusbymember_ro;
mod geosearch;
mod geosearchstore;
mod query;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    geoadd::COMMAND,
    geodist::COMMAND,
    geohash::COMMAND,
    geopos::COMMAND,
    georadius::COMMAND,
    georadius_ro::COMMAND,
    georadiusbymember::COMMAND,
    georadiusbymember_ro::COMMAND,
    geosearch::COMMAND,
    geosearchstore::COMMAND,
];

/// The position that two words name.
///
/// # Errors
/// [`CommandError::NotFloat`], or `ERR invalid longitude,latitude pair ...`.
fn position(longitude: &[u8], latitude: &[u8]) -> Result<Position, CommandError> {
    let longitude = parse_f64(longitude).ok_or(CommandError::NotFloat)?;
    let latitude = parse_f64(latitude).ok_or(CommandError::NotFloat)?;
    Position::new(longitude, latitude).ok_or_else(|| {
        CommandError::err(format!("invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
    })
}

/// How many metres a unit has.
///
/// # Errors
/// `ERR unsupported unit provided ...`.
fn unit_m(word: &[u8]) -> Result<f64, CommandError> {
    const UNITS: [(&[u8], f64); 4] =
        [(b"m", 1.0), (b"km", 1000.0), (b"ft", 0.3048), (b"mi", 1609.34)];
    let unit = UNITS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    unit.map(|(_, metres)| *metres)
        .ok_or(CommandError::fixed("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// Replies a distance with four digits behind the point, rounded half to even.
fn reply_distance(reply: &mut Reply, distance: f64) {
    /// Parts of a unit that are shown.
    const PARTS: u64 = 10_000;
    let scaled = (distance * PARTS as f64).round_ties_even();
    // What C's `llrint` makes of a distance that is no number: places at opposite ends of the earth.
    let scaled = if scaled.abs() < i64::MAX as f64 { scaled as i64 } else { i64::MIN };
    let sign = if scaled < 0 { "-" } else { "" };
    let (whole, parts) = (scaled.unsigned_abs() / PARTS, scaled.unsigned_abs() % PARTS);
    reply.bulk(format!("{sign}{whole}.{parts:04}").as_bytes());
}

/// Replies longitude and latitude with up to 17 digits behind the point.
fn reply_position(reply: &mut Reply, position: Position) {
    reply.array(2);
    for degrees in [position.longitude, position.latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        reply.double_text(if text == "-0" { b"0" } else { text.as_bytes() });
    }
}
