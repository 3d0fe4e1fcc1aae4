//! What a call that writes attributes comes to: which of them, in which statements. Plain functions over plain values.

use std::collections::BTreeMap;

use super::attribute::Attribute;
use super::end_of;
use super::options::{Expiry, WriteOptions};
use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Engine, StoredExpiry};
use crate::statement::attributes::ROWS_IN_STATEMENT;

/// An attribute to be written, every choice made.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) attribute: Attribute,
    pub(super) encrypted: bool,
    pub(super) expires_at: Option<Timestamp6>,
    /// Keeps the stored expiry.
    keeps: bool,
}

/// The attributes of one statement.
#[derive(Debug)]
pub(super) struct Piece<T> {
    pub(super) items: Vec<T>,
    pub(super) expiry: StoredExpiry,
}

/// Makes the choices, one attribute for each name and sorted by names. Of a name given twice the last wins, if `last_wins`.
pub(super) fn choose(
    items: impl IntoIterator<Item = Attribute>,
    call: WriteOptions,
    always_encrypted: bool,
    last_wins: bool,
    now: Timestamp6,
) -> Result<Vec<Chosen>> {
    let mut chosen = BTreeMap::new();
    for attribute in items {
        let options = attribute.options.or(call);
        let expires_at = match options.expiry {
            Some(Expiry::In(duration)) => Some(end_of(duration, now).map_err(|error| error.with_attribute(&attribute.name))?),
            Some(Expiry::Never) | None => None,
        };
        let name = attribute.name.clone();
        let encrypted = options.encrypted.unwrap_or(always_encrypted);
        let one = Chosen { attribute, encrypted, expires_at, keeps: options.expiry.is_none() };
        if let (Some(twice), false) = (chosen.insert(name, one), last_wins) {
            let error = Error::new(ErrorKind::AlreadyExists, "could not create the attributes");
            let name = &twice.attribute.name;
            return Err(error.with_detail(format!("`{name}` is given twice")).with_attribute(name));
        }
    }
    Ok(chosen.into_values().collect())
}

/// Cuts attributes that are to be created into statements: so many in each where an engine has no arrays.
pub(super) fn cut_new(chosen: Vec<Chosen>, engine: Engine) -> Vec<Piece<Chosen>> {
    chunks(chosen, engine).into_iter().map(|items| Piece { items, expiry: StoredExpiry::Replaced }).collect()
}

/// The same of attributes that may exist: those that keep the stored expiry stand apart from those that lose it (one that
/// brings its own goes with either). Sorted within each kind, so the first of two kinds keeps other writers away.
pub(super) fn cut(chosen: Vec<Chosen>, engine: Engine) -> Vec<Piece<Chosen>> {
    let any_keeps = chosen.iter().any(|one| one.keeps);
    let (kept, replaced): (Vec<_>, Vec<_>) =
        chosen.into_iter().partition(|one| one.keeps || (any_keeps && one.expires_at.is_some()));
    let pieces = |items, expiry| chunks(items, engine).into_iter().map(move |items| Piece { items, expiry });
    let keeping = if replaced.is_empty() { StoredExpiry::Kept } else { StoredExpiry::KeptAlone };
    pieces(kept, keeping).chain(pieces(replaced, StoredExpiry::Replaced)).collect()
}

/// Cuts a list into what goes into one statement.
pub(super) fn chunks<T>(items: Vec<T>, engine: Engine) -> Vec<Vec<T>> {
    if engine == Engine::Postgres {
        return if items.is_empty() { Vec::new() } else { vec![items] };
    }
    let mut chunks = Vec::new();
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        chunks.push(items.by_ref().take(ROWS_IN_STATEMENT).collect());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn now() -> Timestamp6 {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap().into()
    }

    fn chosen(items: Vec<Attribute>) -> Vec<Chosen> {
        choose(items, WriteOptions::new(), false, true, now()).unwrap()
    }

    fn a(name: &str) -> Attribute {
        Attribute::new(name, 1).unwrap()
    }

    fn names(pieces: &[Piece<Chosen>]) -> Vec<Vec<&str>> {
        pieces.iter().map(|piece| piece.items.iter().map(|one| one.attribute.name()).collect()).collect()
    }

    // S87
    #[test]
    fn an_items_options_override_the_calls() {
        let call = WriteOptions::new().expires_in(Duration::from_secs(60)).encrypted();
        let items = [a("a"), a("b").never().in_clear(), a("c").expires_in(Duration::from_secs(1))];
        let chosen = choose(items, call, false, true, now()).unwrap();
        let ends: Vec<_> = chosen.iter().map(|one| one.expires_at.map(|end| end.to_utc().timestamp())).collect();
        assert_eq!(ends, [Some(1_800_000_060), None, Some(1_800_000_001)]);
        assert_eq!(chosen.iter().map(|one| one.encrypted).collect::<Vec<_>>(), [true, false, true]);
    }

    // S89
    #[test]
    fn of_a_name_given_twice_the_last_wins_or_none() {
        let twice = || vec![Attribute::new("a", 1).unwrap(), Attribute::new("b", 1).unwrap(), Attribute::new("a", 2).unwrap()];
        let chosen = chosen(twice());
        assert_eq!(chosen.iter().map(|one| one.attribute.value.as_str()).collect::<Vec<_>>(), ["2", "1"]);
        let error = choose(twice(), WriteOptions::new(), false, false, now()).unwrap_err();
        assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::AlreadyExists, Some("a")));
    }

    // S71
    #[test]
    fn an_expiry_is_some_time_that_the_calendar_has() {
        for (duration, fits) in [
            (Duration::ZERO, false),
            (Duration::from_nanos(999), false),
            (Duration::from_micros(1), true),
            (Duration::from_secs(2_147_483_647), true),
            (Duration::from_secs(2_147_483_648), false),
            (Duration::MAX, false),
        ] {
            let result = choose([a("a").expires_in(duration)], WriteOptions::new(), false, true, now());
            assert_eq!(result.as_ref().err().map(Error::kind), (!fits).then_some(ErrorKind::InvalidArgument), "{duration:?}");
        }
    }

    #[test]
    fn statements_are_as_few_as_the_engine_allows() {
        let minute = Duration::from_secs(60);
        let expiries = |pieces: &[Piece<Chosen>]| pieces.iter().map(|piece| piece.expiry).collect::<Vec<_>>();
        let mixed = || chosen(vec![a("d"), a("c").never(), a("b").expires_in(minute), a("a")]);
        assert_eq!(names(&cut(mixed(), Engine::Postgres)), [vec!["a", "b", "d"], vec!["c"]]);
        assert_eq!(expiries(&cut(mixed(), Engine::Postgres)), [StoredExpiry::KeptAlone, StoredExpiry::Replaced]);
        assert_eq!(expiries(&cut(chosen(vec![a("a")]), Engine::Postgres)), [StoredExpiry::Kept]);
        assert_eq!(names(&cut_new(mixed(), Engine::Postgres)), [["a", "b", "c", "d"]]);
        let all_given = chosen(vec![a("b").never(), a("a").expires_in(minute)]);
        assert_eq!(names(&cut(all_given, Engine::Sqlite)), [["a", "b"]]);
        assert!(cut(Vec::new(), Engine::Mysql).is_empty() && cut(Vec::new(), Engine::Postgres).is_empty());

        let many = || chosen((0..250).map(|number| a(&format!("{number:03}"))).collect());
        let lens = |engine| cut(many(), engine).iter().map(|piece| piece.items.len()).collect::<Vec<_>>();
        assert_eq!((lens(Engine::Postgres), lens(Engine::Sqlite)), (vec![250], vec![100, 100, 50]));
    }
}
