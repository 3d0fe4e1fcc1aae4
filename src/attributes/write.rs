//! Writing attributes: create, set and update.

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;

use super::attribute::Attribute;
use super::batch::{Chosen, Piece, choose, cut, cut_new};
use super::carry_out::Wants;
use super::options::{EncryptAttributes, WriteOptions};
use super::{SessionAttributes, table_of};
use crate::crypto::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbAttributes, Engine, NewAttribute, Place, SessionModel};

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
    /// elsewhere one for each 100 attributes of either kind. Several statements run in a transaction, or in a savepoint of the caller's.
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
        let cut = if wants == Wants::NoneExists { cut_new } else { cut };
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
        let address = Address { table: &table_of::<M, C>()?, row: &place.id.to_string(), name: &name };
        let sealed = keyring.seal(address, value.as_str().as_bytes())?;
        Ok(NewAttribute { name, value: None, sealed: Some(sealed), expires_at })
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
