//! What GEOSEARCH, GEOSEARCHSTORE and the four GEORADIUS commands share: one parser, one search, one
//! reply.
//!
//! Source: Redis documentation, GEOSEARCH, GEORADIUS, GEORADIUSBYMEMBER.

use dunlin_resp::Reply;
use dunlin_stdx::number::parse_f64;
use dunlin_values::IntText;
use dunlin_values::geo::{Distances, Position, Search, Shape};
use dunlin_values::listpack::Element;
use dunlin_values::sorted_set::{ScoreBound, ScoreRange, SortedSet, SortedSetRef};

use crate::args::{Args, Cursor};
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::geo::{position, reply_distance, reply_position, unit_m};
use crate::sorted_set::{packed_limits, store_result};

/// Where the area is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Centre {
    /// `longitude latitude radius unit`, behind the key.
    Position,
    /// `member radius unit`, behind the key.
    Member,
    /// By options, in any order.
    Options,
}

/// Where the result may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storing {
    /// To the client alone.
    Never,
    /// To a key that an option names.
    Optional,
    /// To the key in front of the source.
    Always,
}

/// What the commands differ in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    centre: Centre,
    storing: Storing,
}

impl Family {
    /// GEORADIUS
    pub(super) const AROUND_POSITION: Self =
        Self { centre: Centre::Position, storing: Storing::Optional };
    /// `GEORADIUS_RO`
    pub(super) const AROUND_POSITION_RO: Self =
        Self { centre: Centre::Position, storing: Storing::Never };
    /// GEORADIUSBYMEMBER
    pub(super) const AROUND_MEMBER: Self =
        Self { centre: Centre::Member, storing: Storing::Optional };
    /// `GEORADIUSBYMEMBER_RO`
    pub(super) const AROUND_MEMBER_RO: Self =
        Self { centre: Centre::Member, storing: Storing::Never };
    /// GEOSEARCH
    pub(super) const SEARCH: Self = Self { centre: Centre::Options, storing: Storing::Never };
    /// GEOSEARCHSTORE
    pub(super) const SEARCH_STORE: Self =
        Self { centre: Centre::Options, storing: Storing::Always };

    const fn source_at(self) -> usize {
        if matches!(self.storing, Storing::Always) { 2 } else { 1 }
    }
}

/// Runs one of the commands.
pub(super) fn run_query(cx: &mut Context<'_>, args: Args<'_>, family: Family) -> CommandResult {
    let (limits, hasher) = (packed_limits(cx.config), cx.keyspace.member_hasher());
    let entry = cx.keyspace.get(cx.db, args.get(family.source_at()));
    let set = match &entry {
        None => None,
        Some(entry) => Some(entry.sorted_set().ok_or(CommandError::WrongType)?),
    };
    let query = Query::parse(args, family, set)?;
    let found = set.map(|set| query.find(set)).unwrap_or_default();
    let Some(Destination { key, by_distance }) = query.destination else {
        query.reply(cx.reply, &found);
        return Ok(());
    };
    let mut result = SortedSet::new(limits, hasher, 0, 0);
    let mut digits = IntText::default();
    for place in &found {
        let score = if by_distance { place.distance_m / query.unit_m } else { place.score };
        result.set(place.member.as_bytes(&mut digits), score);
    }
    let changes = found.len() as u64;
    let event = match family.centre {
        Centre::Options => "geosearchstore",
        Centre::Position | Centre::Member => "georadiusstore",
    };
    store_result(cx, key, result, event);
    // Each member counts as a change; storing has counted one.
    cx.effects.changed(changes.saturating_sub(1));
    Ok(())
}

/// A key for the result.
#[derive(Clone, Copy, Debug)]
struct Destination<'a> {
    key: &'a [u8],
    /// Whether distances become the scores.
    by_distance: bool,
}

/// In which order places are replied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    NearestFirst,
    FarthestFirst,
}

/// A member inside the area.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    member: Element<'a>,
    position: Position,
    distance_m: f64,
    score: f64,
    /// How many were met before it: keeps equally distant ones in order.
    number: usize,
}

/// What is asked for.
#[derive(Debug)]
struct Query<'a> {
    /// Not known if there is no source to look a member up in.
    centre: Option<Position>,
    /// How the centre was named, if it was.
    named_by: Option<Centre>,
    shape: Option<Shape>,
    unit_m: f64,
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    order: Option<Order>,
    count: Option<usize>,
    /// Whether the search ends as soon as it has found enough.
    any: bool,
    destination: Option<Destination<'a>>,
}

impl<'a> Query<'a> {
    fn parse(
        args: Args<'a>,
        family: Family,
        set: Option<SortedSetRef<'_>>,
    ) -> Result<Self, CommandError> {
        let mut query = Self {
            centre: None,
            named_by: None,
            shape: None,
            unit_m: 1.0,
            with_distance: false,
            with_hash: false,
            with_position: false,
            order: None,
            count: None,
            any: false,
            destination: None,
        };
        let options_at = match family.centre {
            Centre::Position => {
                query.centre = Some(position(args.get(2), args.get(3))?);
                query.set_radius(args.get(4), args.get(5))?;
                6
            }
            Centre::Member => {
                if let Some(set) = set {
                    query.centre = Some(position_of(set, args.get(2))?);
                    query.set_radius(args.get(3), args.get(4))?;
                }
                5
            }
            Centre::Options => family.source_at() + 1,
        };
        if family.storing == Storing::Always {
            query.destination = Some(Destination { key: args.get(1), by_distance: false });
        }
        let mut words = args.cursor(options_at);
        while let Some(word) = words.next_word() {
            query.parse_option(word, &mut words, family, set)?;
        }
        query.check(args.get(0), family)?;
        Ok(query)
    }

    fn parse_option(
        &mut self,
        word: &[u8],
        words: &mut Cursor<'a>,
        family: Family,
        set: Option<SortedSetRef<'_>>,
    ) -> Result<(), CommandError> {
        let left = words.remaining();
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let by_options = family.centre == Centre::Options;
        match () {
            () if is("WITHDIST") => self.with_distance = true,
            () if is("WITHHASH") => self.with_hash = true,
            () if is("WITHCOORD") => self.with_position = true,
            () if is("ANY") => self.any = true,
            () if is("ASC") => self.order = Some(Order::NearestFirst),
            () if is("DESC") => self.order = Some(Order::FarthestFirst),
            () if is("COUNT") && left >= 1 => {
                let count = usize::try_from(words.integer()?).ok().filter(|count| *count > 0);
                self.count = Some(count.ok_or(CommandError::fixed("ERR COUNT must be > 0"))?);
            }
            () if (is("STORE") || is("STOREDIST"))
                && left >= 1
                && family.storing == Storing::Optional =>
            {
                let by_distance = is("STOREDIST");
                self.destination = Some(Destination { key: words.value()?, by_distance });
            }
            () if is("STOREDIST") && family.storing == Storing::Always => {
                if let Some(destination) = &mut self.destination {
                    destination.by_distance = true;
                }
            }
            () if by_options => self.parse_area(word, words, set)?,
            () => return Err(CommandError::Syntax),
        }
        Ok(())
    }

    /// The options of GEOSEARCH that name the area.
    fn parse_area(
        &mut self,
        word: &[u8],
        words: &mut Cursor<'a>,
        set: Option<SortedSetRef<'_>>,
    ) -> Result<(), CommandError> {
        let left = words.remaining();
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("FROMMEMBER") && left >= 1 && self.named_by != Some(Centre::Position) => {
                let member = words.value()?;
                self.named_by = Some(Centre::Member);
                if let Some(set) = set {
                    self.centre = Some(position_of(set, member)?);
                }
            }
            () if is("FROMLONLAT") && left >= 2 && self.named_by != Some(Centre::Member) => {
                self.centre = Some(position(words.value()?, words.value()?)?);
                self.named_by = Some(Centre::Position);
            }
            () if is("BYRADIUS")
                && left >= 2
                && !matches!(self.shape, Some(Shape::Rectangle { .. })) =>
            {
                self.set_radius(words.value()?, words.value()?)?;
            }
            () if is("BYBOX") && left >= 3 && !matches!(self.shape, Some(Shape::Circle { .. })) => {
                let [width, height, unit] = [words.value()?, words.value()?, words.value()?];
                self.set_rectangle(width, height, unit)?;
            }
            () => return Err(CommandError::Syntax),
        }
        Ok(())
    }

    fn set_radius(&mut self, radius: &[u8], unit: &[u8]) -> CommandResult {
        let radius = parse_f64(radius).ok_or(CommandError::fixed("ERR need numeric radius"))?;
        if radius < 0.0 {
            return Err(CommandError::fixed("ERR radius cannot be negative"));
        }
        self.unit_m = unit_m(unit)?;
        self.shape = Some(Shape::Circle { radius });
        Ok(())
    }

    fn set_rectangle(&mut self, width: &[u8], height: &[u8], unit: &[u8]) -> CommandResult {
        let width = parse_f64(width).ok_or(CommandError::fixed("ERR need numeric width"))?;
        let height = parse_f64(height).ok_or(CommandError::fixed("ERR need numeric height"))?;
        if width < 0.0 || height < 0.0 {
            return Err(CommandError::fixed("ERR height or width cannot be negative"));
        }
        self.unit_m = unit_m(unit)?;
        self.shape = Some(Shape::Rectangle { width, height });
        Ok(())
    }

    /// Whether the options fit together. `name` is the command as the client wrote it.
    fn check(&mut self, name: &[u8], family: Family) -> CommandResult {
        let shows_more = self.with_distance || self.with_hash || self.with_position;
        if self.destination.is_some() && shows_more {
            return Err(CommandError::fixed(match family.centre {
                Centre::Options => {
                    "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD \
                     options"
                }
                Centre::Position | Centre::Member => {
                    "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
                     WITHCOORD options"
                }
            }));
        }
        let exactly_one = |choice: &str| {
            let text = format!("ERR exactly one of {choice} can be specified for ");
            CommandError::Quoting([text.as_bytes(), name].concat())
        };
        if family.centre == Centre::Options && self.named_by.is_none() {
            return Err(exactly_one("FROMMEMBER or FROMLONLAT"));
        }
        if family.centre == Centre::Options && self.shape.is_none() {
            return Err(exactly_one("BYRADIUS and BYBOX"));
        }
        if self.any && self.count.is_none() {
            return Err(CommandError::fixed("ERR the ANY argument requires COUNT argument"));
        }
        // The first few are the nearest, unless any will do.
        if self.count.is_some() && !self.any && self.order.is_none() {
            self.order = Some(Order::NearestFirst);
        }
        Ok(())
    }

    /// The places inside the area, as many and in the order as asked for.
    fn find<'s>(&self, set: SortedSetRef<'s>) -> Vec<Place<'s>> {
        let (Some(centre), Some(shape)) = (self.centre, self.shape) else { return Vec::new() };
        let by_distance = self.destination.is_some_and(|destination| destination.by_distance);
        let distances = if self.order.is_some() || self.with_distance || by_distance {
            Distances::Wanted
        } else {
            Distances::Unwanted
        };
        let search = Search::new(centre, shape, self.unit_m, distances);
        let enough = self.count.filter(|_| self.any).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for (first, behind) in search.score_ranges() {
            let range = ScoreRange {
                min: ScoreBound { score: first, exclusive: false },
                max: ScoreBound { score: behind, exclusive: true },
            };
            for (member, score) in set.range(set.ranks_by_score(range)) {
                let position = Position::of_score(score);
                if let Some(distance_m) = search.distance_inside_m(position) {
                    let number = found.len();
                    found.push(Place { member, position, distance_m, score, number });
                    if found.len() >= enough {
                        break;
                    }
                }
            }
            if found.len() >= enough {
                break;
            }
        }
        self.put_in_order(&mut found);
        found
    }

    /// Sorts places by distance, no further than will be used, and drops the others.
    fn put_in_order(&self, found: &mut Vec<Place<'_>>) {
        let wanted = self.count.unwrap_or(usize::MAX).min(found.len());
        if let Some(order) = self.order {
            let compare = |a: &Place<'_>, b: &Place<'_>| {
                let by_distance = match order {
                    Order::NearestFirst => a.distance_m.total_cmp(&b.distance_m),
                    Order::FarthestFirst => b.distance_m.total_cmp(&a.distance_m),
                };
                by_distance.then(a.number.cmp(&b.number))
            };
            if wanted < found.len() {
                found.select_nth_unstable_by(wanted, compare);
                found.truncate(wanted);
            }
            found.sort_unstable_by(compare);
        }
        found.truncate(wanted);
    }

    fn reply(&self, reply: &mut Reply, found: &[Place<'_>]) {
        let shown =
            [self.with_distance, self.with_hash, self.with_position].into_iter().filter(|s| *s);
        let shown = shown.count();
        reply.array(found.len());
        let mut digits = IntText::default();
        for place in found {
            if shown > 0 {
                reply.array(shown + 1);
            }
            reply.bulk(place.member.as_bytes(&mut digits));
            if self.with_distance {
                reply_distance(reply, place.distance_m / self.unit_m);
            }
            if self.with_hash {
                reply.integer(place.score as i64);
            }
            if self.with_position {
                reply_position(reply, place.position);
            }
        }
    }
}

/// Where a member is.
///
/// # Errors
/// `ERR could not decode requested zset member`, if there is no such member.
fn position_of(set: SortedSetRef<'_>, member: &[u8]) -> Result<Position, CommandError> {
    set.score(member)
        .map(Position::of_score)
        .ok_or(CommandError::fixed("ERR could not decode requested zset member"))
}
