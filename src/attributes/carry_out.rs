//! Carrying the statements of a call to the database, all or nothing, and finding out why one met less than it wants.

use std::collections::BTreeSet;

use diesel::QueryResult;

use super::batch::{Piece, chunks};
use super::{MAX_STARTS, SessionAttributes};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbAttributes, Engine, Place, SessionModel};

/// What a write asks of the names that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Nothing,
    NoneExists,
    AllExist,
}

impl<M: SessionModel> SessionAttributes<M> {
    /// Sends the pieces of a call, all or nothing, and finds out why when they meet less than they want.
    #[expect(clippy::too_many_arguments, reason = "what is written, where, and how, are one call's own")]
    pub(super) fn carry_out<C, T>(
        &self,
        conn: &mut C,
        deed: &'static str,
        place: &Place<M>,
        wants: Wants,
        mut names: Vec<&str>,
        pieces: &[Piece<T>],
        send: impl Fn(&mut C, &Piece<T>) -> QueryResult<usize>,
    ) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        if pieces.is_empty() {
            return Ok(());
        }
        names.sort_unstable();
        for _ in 0..MAX_STARTS {
            let done = match pieces {
                [piece] if is_whole(M::ENGINE, wants, piece.items.len()) => {
                    let rows = self.repository.send(conn, deed, |conn| send(conn, piece))?;
                    meets(wants, rows, piece.items.len())
                }
                _ => self.send_all(conn, deed, wants, pieces, &send)?,
            };
            if done {
                return Ok(());
            }
            if let Some(error) = self.why_refused(conn, deed, place, wants, &names)? {
                return Err(error);
            }
        }
        Err(Error::new(ErrorKind::Conflict, deed).with_detail(format!("other requests were faster {MAX_STARTS} times")))
    }

    /// Sends several statements in one transaction; false, and nothing is written, when one meets less than it wants.
    fn send_all<C, T>(
        &self,
        conn: &mut C,
        deed: &'static str,
        wants: Wants,
        pieces: &[Piece<T>],
        send: &impl Fn(&mut C, &Piece<T>) -> QueryResult<usize>,
    ) -> Result<bool>
    where
        M: DbAttributes<C>,
    {
        let database = |error| Error::from_database(deed, error);
        // No database error is of this kind.
        let unmet = || Error::new(ErrorKind::Conflict, deed);
        let sent = self.repository.send_together(conn, deed, |conn| {
            pieces.iter().try_for_each(|piece| {
                let rows = send(conn, piece).map_err(database)?;
                if meets(wants, rows, piece.items.len()) { Ok(()) } else { Err(unmet()) }
            })
        });
        match sent {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Why a write met less than it wants; `None` when all is as it should be by now.
    fn why_refused<C>(
        &self,
        conn: &mut C,
        deed: &'static str,
        place: &Place<M>,
        wants: Wants,
        names: &[&str],
    ) -> Result<Option<Error>>
    where
        M: DbAttributes<C>,
    {
        let mut existing = BTreeSet::new();
        for chunk in chunks(names.to_vec(), M::ENGINE) {
            let found = self.repository.send(conn, deed, |conn| M::find_names_again(conn, place, &chunk))?;
            if found.is_empty() {
                return self.why_missed(conn, place, deed);
            }
            existing.extend(found.into_iter().flatten());
        }
        Ok(objection(wants, names, &existing).map(|(kind, name)| {
            let what = if kind == ErrorKind::NotFound { "there is no attribute" } else { "there is an attribute" };
            Error::new(kind, deed).with_detail(format!("{what} `{name}`")).with_attribute(name)
        }))
    }
}

/// Whether one statement of so many attributes writes all or nothing by itself.
fn is_whole(engine: Engine, wants: Wants, items: usize) -> bool {
    match wants {
        Wants::Nothing => true,
        Wants::NoneExists => items == 1,
        Wants::AllExist => items == 1 || engine == Engine::Postgres,
    }
}

/// Whether a statement met what it wants. An upsert counts a row of MySQL's twice when it updates it.
fn meets(wants: Wants, rows: usize, items: usize) -> bool {
    match wants {
        Wants::Nothing => rows >= items,
        Wants::NoneExists | Wants::AllExist => rows == items,
    }
}

/// The first name that should not exist, or should.
fn objection<'a>(wants: Wants, names: &[&'a str], existing: &BTreeSet<String>) -> Option<(ErrorKind, &'a str)> {
    let first = |exists: bool| names.iter().copied().find(|name| existing.contains(*name) == exists);
    match wants {
        Wants::Nothing => None,
        Wants::NoneExists => first(true).map(|name| (ErrorKind::AlreadyExists, name)),
        Wants::AllExist => first(false).map(|name| (ErrorKind::NotFound, name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // S65, S69
    #[test]
    fn the_first_name_that_is_in_the_way_or_missing_is_told() {
        let existing = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
        assert_eq!(objection(Wants::NoneExists, &["a", "b", "c"], &existing), Some((ErrorKind::AlreadyExists, "b")));
        assert_eq!(objection(Wants::AllExist, &["a", "b", "d"], &existing), Some((ErrorKind::NotFound, "a")));
        assert_eq!(objection(Wants::AllExist, &["b", "c"], &existing), None);
        assert_eq!(objection(Wants::Nothing, &["a"], &existing), None);
    }

    // S88
    #[test]
    fn a_statement_that_may_write_a_part_is_not_sent_alone() {
        assert!(is_whole(Engine::Sqlite, Wants::Nothing, 100));
        assert!(is_whole(Engine::Mysql, Wants::AllExist, 1) && !is_whole(Engine::Mysql, Wants::AllExist, 2));
        assert!(is_whole(Engine::Postgres, Wants::AllExist, 2) && !is_whole(Engine::Postgres, Wants::NoneExists, 2));
    }
}
