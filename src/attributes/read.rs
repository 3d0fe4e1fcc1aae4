//! Reading attributes. Nothing is written, and nothing is deleted that has expired.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::batch::chunks;
use super::entry::AttributeEntry;
use super::{MAX_STARTS, SessionAttributes, sorted_names, table_of};
use crate::data::{check_name, into_type};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbAttributes, Place, SessionModel, StoredAttribute};

impl<M: SessionModel> SessionAttributes<M> {
    /// The value of an attribute as `T`: `None` when there is none of that name, or it has expired.
    ///
    /// JSON null is a value like any other here, unlike with [`Session::get`](crate::Session::get): ask for an `Option` where it
    /// may be one. `T` mostly follows from what the value is given to; else it is written `get::<u32, _>(…)`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`], [`ErrorKind::Rotated`] and [`ErrorKind::NotCreated`] when there is no such live session;
    /// [`ErrorKind::WrongType`]; [`ErrorKind::Decrypt`] when an encrypted value does not open, [`ErrorKind::Undecodable`] when
    /// the row holds no JSON; [`ErrorKind::InvalidArgument`] and [`ErrorKind::Limit`] for a name that is none; the database's own.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "lines", 3)?;
    /// let lines: Option<u32> = attributes.get(&mut conn, "lines")?;
    /// assert_eq!(lines, Some(3));
    /// assert_eq!(attributes.get::<u32, _>(&mut conn, "columns")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<T, C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<Option<T>>
    where
        T: DeserializeOwned,
        M: DbAttributes<C>,
    {
        let name = name.as_ref();
        let value = self.get_value(conn, name)?;
        value.map(|value| into_type(name, value)).transpose().map_err(|error: Error| error.with_attribute(name))
    }

    /// The value of an attribute as JSON.
    ///
    /// # Errors
    ///
    /// As [`get`](SessionAttributes::get), but for the type.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "nothing", ())?;
    /// assert_eq!(attributes.get_value(&mut conn, "nothing")?, Some(serde_json::Value::Null));
    /// assert_eq!(attributes.get_value(&mut conn, "something")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_value<C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<Option<Value>>
    where
        M: DbAttributes<C>,
    {
        let (place, stored) = self.find(conn, "could not read the attribute", name.as_ref())?;
        stored.map(|stored| self.value_of(&place, &stored)).transpose()
    }

    /// The values of several attributes as JSON: a map with every name asked for, `None` where there is none. One that does not
    /// open, or holds no JSON, is an error of its own beside the others.
    ///
    /// # Errors
    ///
    /// As [`get`](SessionAttributes::get), of the call as a whole.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "a", 1)?;
    /// let values = attributes.get_many(&mut conn, ["a", "b"])?;
    /// assert_eq!(values.len(), 2);
    /// assert_eq!(values["a"].as_ref().expect("it opens"), &Some(1.into()));
    /// assert_eq!(values["b"].as_ref().expect("it is absent"), &None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_many<C>(
        &self,
        conn: &mut C,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<BTreeMap<String, Result<Option<Value>>>>
    where
        M: DbAttributes<C>,
    {
        const DEED: &str = "could not read the attributes";
        let names: Vec<_> = names.into_iter().collect();
        let names = sorted_names(names.iter().map(AsRef::as_ref))?;
        let place = self.place(DEED)?;
        let mut values: BTreeMap<_, _> = names.iter().map(|name| ((*name).to_owned(), Ok(None))).collect();
        for chunk in chunks(names, M::ENGINE) {
            let found = self.found(conn, DEED, &place, |conn| {
                M::find_attributes(conn, &place, &chunk).map(|rows| (!rows.is_empty()).then_some(rows))
            })?;
            for stored in found.into_iter().flatten() {
                let value = self.value_of(&place, &stored).map(Some);
                values.insert(stored.0, value);
            }
        }
        Ok(values)
    }

    /// An attribute with its metadata, and its value as it is stored. An encrypted value is not opened.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`], [`ErrorKind::Rotated`] and [`ErrorKind::NotCreated`] when there is no such live session;
    /// [`ErrorKind::InvalidArgument`] and [`ErrorKind::Limit`] for a name that is none; the database's own.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set_with(&mut conn, "otp", "123456", WriteOptions::new().expires_in(Duration::from_secs(300)))?;
    /// let entry = attributes.entry(&mut conn, "otp")?.expect("it was set");
    /// assert_eq!(entry.expires_at(), Some(entry.created_at() + Duration::from_secs(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entry<C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<Option<AttributeEntry<M>>>
    where
        M: DbAttributes<C>,
    {
        let (place, stored) = self.find(conn, "could not read the attribute", name.as_ref())?;
        let Some(stored) = stored else { return Ok(None) };
        let table = if stored.2.is_some() { table_of::<M, C>()? } else { String::new() };
        Ok(Some(AttributeEntry::new(self.repository.clone(), table, place.id, stored)))
    }

    /// Whether there is a live attribute of that name.
    ///
    /// # Errors
    ///
    /// As [`entry`](SessionAttributes::entry).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "theme", "dark")?;
    /// assert!(attributes.exists(&mut conn, "theme")?);
    /// assert!(!attributes.exists(&mut conn, "Theme")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exists<C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<bool>
    where
        M: DbAttributes<C>,
    {
        let name = name.as_ref();
        Ok(self.exists_many(conn, [name])?.remove(name).unwrap_or_default())
    }

    /// Which of these names live attributes have: a map with every name asked for.
    ///
    /// # Errors
    ///
    /// As [`entry`](SessionAttributes::entry).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "a", 1)?;
    /// let exist = attributes.exists_many(&mut conn, ["a", "b"])?;
    /// assert!(exist["a"] && !exist["b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exists_many<C>(&self, conn: &mut C, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<BTreeMap<String, bool>>
    where
        M: DbAttributes<C>,
    {
        const DEED: &str = "could not look the attributes up";
        let names: Vec<_> = names.into_iter().collect();
        let names = sorted_names(names.iter().map(AsRef::as_ref))?;
        let place = self.place(DEED)?;
        let mut existing = BTreeSet::new();
        for chunk in chunks(names.clone(), M::ENGINE) {
            let found = self.found(conn, DEED, &place, |conn| {
                M::find_names(conn, &place, &chunk).map(|rows| (!rows.is_empty()).then_some(rows))
            })?;
            existing.extend(found.into_iter().flatten());
        }
        Ok(names.into_iter().map(|name| (name.to_owned(), existing.contains(name))).collect())
    }

    /// The names of the live attributes, sorted by their bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`], [`ErrorKind::Rotated`] and [`ErrorKind::NotCreated`] when there is no such live session; the
    /// database's own.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set_many(&mut conn, [Attribute::new("b", 1)?, Attribute::new("B", 2)?], WriteOptions::new())?;
    /// assert_eq!(attributes.names(&mut conn)?, ["B", "b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn names<C>(&self, conn: &mut C) -> Result<Vec<String>>
    where
        M: DbAttributes<C>,
    {
        const DEED: &str = "could not list the attributes";
        let place = self.place(DEED)?;
        let found =
            self.found(conn, DEED, &place, |conn| M::all_names(conn, &place).map(|rows| (!rows.is_empty()).then_some(rows)))?;
        let mut names: Vec<_> = found.into_iter().flatten().collect();
        names.sort_unstable();
        Ok(names)
    }

    fn find<C>(&self, conn: &mut C, deed: &'static str, name: &str) -> Result<(Place<M>, Option<StoredAttribute>)>
    where
        M: DbAttributes<C>,
    {
        check_name(name)?;
        let place = self.place(deed)?;
        let stored = self.found(conn, deed, &place, |conn| M::find_attribute(conn, &place, name))?;
        Ok((place, stored))
    }

    /// Sends a look-up that gives `None` when it meets no live session, and then finds out why.
    fn found<C, T>(
        &self,
        conn: &mut C,
        deed: &'static str,
        place: &Place<M>,
        look_up: impl Fn(&mut C) -> diesel::QueryResult<Option<T>>,
    ) -> Result<T>
    where
        M: DbAttributes<C>,
    {
        for _ in 0..MAX_STARTS {
            if let Some(found) = self.repository.send(conn, deed, &look_up)? {
                return Ok(found);
            }
            if let Some(error) = self.why_unseen(conn, place, deed)? {
                return Err(error);
            }
        }
        Err(Error::new(ErrorKind::Conflict, deed).with_detail(format!("other requests were faster {MAX_STARTS} times")))
    }
}
