//! Writing attributes: create, set, update, and a new expiry.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;

use super::batch::{Chosen, Piece, choose, chunks, cut};
use super::options::{Attribute, EncryptAttributes, Expiry, WriteOptions};
use super::{SessionAttributes, end_of, sorted_names};
use crate::crypto::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbAttributes, Engine, NewAttribute, Place, SessionModel, StoredExpiry};

/// How often a call starts anew when what it met had changed by the time it looked why.
pub(super) const MAX_STARTS: usize = 10;

/// What a write asks of the names that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Nothing,
    NoneExists,
    AllExist,
}

impl<M: SessionModel> SessionAttributes<M> {
    /// Creates an attribute with the default [`WriteOptions`].
    ///
    /// # Errors
    ///
    /// As [`create_with`](SessionAttributes::create_with).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.create(&mut conn, "theme", "dark")?;
    /// let error = attributes.create(&mut conn, "theme", "light").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    /// assert_eq!(attributes.get::<String, _>(&mut conn, "theme")?.as_deref(), Some("dark"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create<C>(&self, conn: &mut C, name: impl AsRef<str>, value: impl Serialize) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.create_with(conn, name, value, WriteOptions::new())
    }

    /// Creates an attribute. One of that name which has expired is replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] when a live one of that name exists; [`ErrorKind::Gone`], [`ErrorKind::Rotated`] and
    /// [`ErrorKind::NotCreated`] when there is no such live session; [`ErrorKind::InvalidArgument`], [`ErrorKind::Limit`] and
    /// [`ErrorKind::NotSerializable`] as [`Attribute::new`], and for an expiry of no time at all; [`ErrorKind::Config`] for
    /// encryption without a key; the database's own. Nothing is stored then.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// let options = WriteOptions::new().expires_in(Duration::from_secs(300)).encrypted();
    /// attributes.create_with(&mut conn, "otp", "123456", options)?;
    /// assert!(attributes.entry(&mut conn, "otp")?.expect("live").is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_with<C>(&self, conn: &mut C, name: impl AsRef<str>, value: impl Serialize, options: WriteOptions) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let attribute = Attribute::new(name.as_ref(), value)?;
        self.write(conn, "could not create the attribute", Wants::NoneExists, [attribute], options)
    }

    /// Creates several attributes, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`create_with`](SessionAttributes::create_with); [`ErrorKind::AlreadyExists`] also for a name that is given twice.
    /// [`attribute_name`](Error::attribute_name) tells which.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.create(&mut conn, "b", 1)?;
    /// let both = [Attribute::new("a", 2)?, Attribute::new("b", 2)?];
    /// let error = attributes.create_many(&mut conn, both, WriteOptions::new()).unwrap_err();
    /// assert_eq!(error.attribute_name(), Some("b"));
    /// assert!(!attributes.exists(&mut conn, "a")?, "all or none");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_many<C>(
        &self,
        conn: &mut C,
        attributes: impl IntoIterator<Item = Attribute>,
        options: WriteOptions,
    ) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.write(conn, "could not create the attributes", Wants::NoneExists, attributes, options)
    }

    /// Sets an attribute with the default [`WriteOptions`], whether it exists or not.
    ///
    /// # Errors
    ///
    /// As [`set_with`](SessionAttributes::set_with).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "theme", "dark")?;
    /// attributes.set(&mut conn, "theme", "light")?;
    /// assert_eq!(attributes.get::<String, _>(&mut conn, "theme")?.as_deref(), Some("light"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "upsert")]
    #[doc(alias = "merge")]
    pub fn set<C>(&self, conn: &mut C, name: impl AsRef<str>, value: impl Serialize) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.set_with(conn, name, value, WriteOptions::new())
    }

    /// Sets an attribute: creates it, or updates it if it exists, in one statement (SQL's MERGE, an upsert). When it was
    /// created then stays as it is. One that has expired is as good as absent: it is created anew.
    ///
    /// # Errors
    ///
    /// As [`create_with`](SessionAttributes::create_with), but never [`ErrorKind::AlreadyExists`].
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set_with(&mut conn, "otp", "123456", WriteOptions::new().expires_in(Duration::from_secs(300)))?;
    /// attributes.set(&mut conn, "otp", "654321")?;
    /// assert!(attributes.entry(&mut conn, "otp")?.expect("live").expires_at().is_some(), "kept");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_with<C>(&self, conn: &mut C, name: impl AsRef<str>, value: impl Serialize, options: WriteOptions) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let attribute = Attribute::new(name.as_ref(), value)?;
        self.write(conn, "could not set the attribute", Wants::Nothing, [attribute], options)
    }

    /// Sets several attributes, all of them or none. Of a name that is given twice, the last wins.
    ///
    /// One statement on PostgreSQL, two if some keep their expiry and others are to [`never`](WriteOptions::never) expire;
    /// elsewhere one for each 100 attributes. Several statements run in a transaction, or in a savepoint of the caller's.
    ///
    /// # Errors
    ///
    /// As [`set_with`](SessionAttributes::set_with).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// let three = [
    ///     Attribute::new("my-attr1", "my-value1")?,
    ///     Attribute::new("my-attr2", "my-value2")?.encrypted(),
    ///     Attribute::new("my-attr3", "my-value3")?.expires_in(Duration::from_secs(3600)),
    /// ];
    /// attributes.set_many(&mut conn, three, WriteOptions::new())?;
    /// assert_eq!(attributes.names(&mut conn)?, ["my-attr1", "my-attr2", "my-attr3"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_many<C>(&self, conn: &mut C, attributes: impl IntoIterator<Item = Attribute>, options: WriteOptions) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.write(conn, "could not set the attributes", Wants::Nothing, attributes, options)
    }

    /// Updates an attribute with the default [`WriteOptions`]; it must exist.
    ///
    /// # Errors
    ///
    /// As [`update_with`](SessionAttributes::update_with).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// let error = attributes.update(&mut conn, "my-attribute-abc", "my-value1").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// attributes.create(&mut conn, "my-attribute-abc", "my-value1")?;
    /// attributes.update(&mut conn, "my-attribute-abc", "my-value2")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update<C>(&self, conn: &mut C, name: impl AsRef<str>, value: impl Serialize) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.update_with(conn, name, value, WriteOptions::new())
    }

    /// Updates an attribute; it must exist and not have expired.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no live attribute of that name; else as
    /// [`set_with`](SessionAttributes::set_with). Nothing is stored then.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "otp", "123456")?;
    /// attributes.update_with(&mut conn, "otp", "654321", WriteOptions::new().encrypted())?;
    /// assert!(attributes.entry(&mut conn, "otp")?.expect("live").is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_with<C>(&self, conn: &mut C, name: impl AsRef<str>, value: impl Serialize, options: WriteOptions) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let attribute = Attribute::new(name.as_ref(), value)?;
        self.write(conn, "could not update the attribute", Wants::AllExist, [attribute], options)
    }

    /// Updates several attributes, all of them or none. Of a name that is given twice, the last wins.
    ///
    /// # Errors
    ///
    /// As [`update_with`](SessionAttributes::update_with); [`attribute_name`](Error::attribute_name) tells which one is
    /// missing, the first by name if several are.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "a", 1)?;
    /// let both = [Attribute::new("a", 2)?, Attribute::new("b", 2)?];
    /// let error = attributes.update_many(&mut conn, both, WriteOptions::new()).unwrap_err();
    /// assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some("b")));
    /// assert_eq!(attributes.get(&mut conn, "a")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_many<C>(
        &self,
        conn: &mut C,
        attributes: impl IntoIterator<Item = Attribute>,
        options: WriteOptions,
    ) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.write(conn, "could not update the attributes", Wants::AllExist, attributes, options)
    }

    /// Gives an attribute another expiry, and changes nothing else of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no live attribute of that name; [`ErrorKind::Gone`], [`ErrorKind::Rotated`] and
    /// [`ErrorKind::NotCreated`] when there is no such live session; [`ErrorKind::InvalidArgument`] and [`ErrorKind::Limit`]
    /// for a name that is none, and an expiry of no time at all; the database's own.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "draft", "…")?;
    /// attributes.set_expiry(&mut conn, "draft", Expiry::In(Duration::from_secs(60)))?;
    /// assert!(attributes.entry(&mut conn, "draft")?.expect("live").expires_at().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_expiry<C>(&self, conn: &mut C, name: impl AsRef<str>, expiry: Expiry) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        self.expire(conn, "could not set the attribute's expiry", sorted_names([name.as_ref()])?, expiry)
    }

    /// Gives several attributes another expiry, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`set_expiry`](SessionAttributes::set_expiry).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "a", 1)?;
    /// let error = attributes.set_expiry_many(&mut conn, ["a", "b"], Expiry::Never).unwrap_err();
    /// assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotFound, Some("b")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_expiry_many<C>(&self, conn: &mut C, names: impl IntoIterator<Item = impl AsRef<str>>, expiry: Expiry) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let names: Vec<_> = names.into_iter().collect();
        let names = sorted_names(names.iter().map(AsRef::as_ref))?;
        self.expire(conn, "could not set the attributes' expiry", names, expiry)
    }

    fn write<C>(
        &self,
        conn: &mut C,
        deed: &'static str,
        wants: Wants,
        attributes: impl IntoIterator<Item = Attribute>,
        options: WriteOptions,
    ) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let place = self.place(deed)?;
        let always = self.repository.encrypt_attributes() == EncryptAttributes::Always;
        let chosen = choose(attributes, options, always, wants != Wants::NoneExists, place.now)?;
        let pieces = cut(chosen, M::ENGINE)
            .into_iter()
            .map(|piece| {
                let items = piece.items.into_iter().map(|one| self.ready(&place, one)).collect::<Result<_>>()?;
                Ok(Piece { items, expiry: piece.expiry })
            })
            .collect::<Result<Vec<Piece<NewAttribute>>>>()?;
        let names = pieces.iter().flat_map(|piece| &piece.items).map(|one| one.name.as_str()).collect();
        self.carry_out(conn, deed, &place, wants, names, &pieces, |conn, piece| match wants {
            Wants::Nothing => M::set_attributes(conn, &place, &piece.items, piece.expiry),
            Wants::NoneExists => create::<M, C>(conn, &place, &piece.items),
            Wants::AllExist => M::update_attributes(conn, &place, &piece.items, piece.expiry),
        })
    }

    fn expire<C>(&self, conn: &mut C, deed: &'static str, names: Vec<&str>, expiry: Expiry) -> Result<()>
    where
        M: DbAttributes<C>,
    {
        let place = self.place(deed)?;
        let expires_at = match expiry {
            Expiry::In(duration) => Some(end_of(duration, place.now)?),
            Expiry::Never => None,
        };
        let pieces: Vec<_> =
            chunks(names.clone(), M::ENGINE).into_iter().map(|items| Piece { items, expiry: StoredExpiry::Replaced }).collect();
        self.carry_out(conn, deed, &place, Wants::AllExist, names, &pieces, |conn, piece| {
            M::expire_attributes(conn, &place, &piece.items, expires_at)
        })
    }

    /// An attribute as it is sent: sealed if that was chosen.
    fn ready<C>(&self, place: &Place<M>, chosen: Chosen) -> Result<NewAttribute>
    where
        M: DbAttributes<C>,
    {
        let Chosen { attribute: Attribute { name, value, .. }, encrypted, expires_at, .. } = chosen;
        if !encrypted {
            return Ok(NewAttribute { name, value: Some(value), sealed: None, expires_at });
        }
        const DEED: &str = "could not seal the attribute";
        let Some(keyring) = self.repository.keyring() else {
            let error = Error::new(ErrorKind::Config, DEED).with_detail("the repository has no keyring");
            return Err(error.with_attribute(&name));
        };
        let table = M::attribute_table().map_err(|error| Error::from_database(DEED, error))?;
        let address = Address { table: &table, row: &place.id.to_string(), name: &name };
        let sealed = keyring.seal(address, value.as_str().as_bytes())?;
        Ok(NewAttribute { name, value: None, sealed: Some(sealed), expires_at })
    }

    /// Sends the pieces of a call, all or nothing, and finds out why when they meet less than they want.
    #[expect(clippy::too_many_arguments, reason = "what is written, where, and how, are one call's own")]
    fn carry_out<C, T>(
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
                _ => self.send_all(conn, deed, place, wants, pieces, &send)?,
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
        place: &Place<M>,
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
            // Each statement locks its names in order, but two of them would not. MySQL locks the session for one writer anyway.
            let lock = M::ENGINE == Engine::Postgres && pieces.len() > 1;
            if lock && M::lock_session(conn, place).map_err(database)?.is_none() {
                return Err(unmet());
            }
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

/// Inserts attributes; gives less than asked for when a live one of these names exists.
fn create<M, C>(conn: &mut C, place: &Place<M>, attributes: &[NewAttribute]) -> QueryResult<usize>
where
    M: DbAttributes<C>,
{
    let taken = |result: QueryResult<usize>| match result {
        // On MySQL, where the statement is undone and the transaction stays whole.
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) if M::ENGINE == Engine::Mysql => Ok(None),
        result => result.map(Some),
    };
    if let Some(rows) = taken(M::create_attributes(conn, place, attributes))? {
        return Ok(rows);
    }
    let names: Vec<_> = attributes.iter().map(|one| one.name.as_str()).collect();
    if M::delete_expired(conn, place, &names)? == 0 {
        return Ok(0);
    }
    taken(M::create_attributes(conn, place, attributes)).map(|rows| rows.unwrap_or(0))
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
