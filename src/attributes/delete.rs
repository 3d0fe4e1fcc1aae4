//! Deleting attributes, and taking one: deleting and reading it in one.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::batch::chunks;
use super::{SessionAttributes, sorted_names};
use crate::data::{check_name, into_type};
use crate::error::{Error, Result};
use crate::model::{DbAttributes, SessionModel};

impl<M: SessionModel> SessionAttributes<M> {
    /// Deletes an attribute; gives how many there were, 0 or 1.
    ///
    /// # Errors
    ///
    /// [`Gone`](crate::ErrorKind::Gone), [`Rotated`](crate::ErrorKind::Rotated) and
    /// [`NotCreated`](crate::ErrorKind::NotCreated) when there is no such live session;
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) and [`Limit`](crate::ErrorKind::Limit) for a name that is none; the
    /// database's own.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "theme", "dark")?;
    /// assert_eq!(attributes.delete(&mut conn, "theme")?, 1);
    /// assert_eq!(attributes.delete(&mut conn, "theme")?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete<C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<usize>
    where
        M: DbAttributes<C>,
    {
        self.delete_sorted(conn, "could not delete the attribute", sorted_names([name.as_ref()])?)
    }

    /// Deletes several attributes, passing over those that there are not; gives how many there were.
    ///
    /// # Errors
    ///
    /// As [`delete`](SessionAttributes::delete). None is deleted then.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "a", 1)?;
    /// attributes.set(&mut conn, "b", 2)?;
    /// assert_eq!(attributes.delete_many(&mut conn, ["a", "b", "c"])?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_many<C>(&self, conn: &mut C, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<usize>
    where
        M: DbAttributes<C>,
    {
        let names: Vec<_> = names.into_iter().collect();
        let names = sorted_names(names.iter().map(AsRef::as_ref))?;
        self.delete_sorted(conn, "could not delete the attributes", names)
    }

    /// Takes an attribute: deletes it and gives its value as `T`, or `None` when there is none of that name. Of several that
    /// take it at once, one gets it. For codes and links that work once.
    ///
    /// It runs in a transaction, or in a savepoint of the caller's: one that cannot be opened, or is of another type, stays.
    ///
    /// # Errors
    ///
    /// As [`get`](SessionAttributes::get).
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "otp", "123456")?;
    /// assert!(attributes.take::<u32, _>(&mut conn, "otp").is_err(), "it is a text, and stays");
    /// let once: Option<String> = attributes.take(&mut conn, "otp")?;
    /// assert_eq!(once.as_deref(), Some("123456"));
    /// assert!(!attributes.exists(&mut conn, "otp")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take<T, C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<Option<T>>
    where
        T: DeserializeOwned,
        M: DbAttributes<C>,
    {
        let name = name.as_ref();
        self.take_as(conn, name, |value| into_type(name, value).map_err(|error| error.with_attribute(name)))
    }

    /// Takes an attribute, its value as JSON.
    ///
    /// # Errors
    ///
    /// As [`take`](SessionAttributes::take), but for the type.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/attributes.md")]
    /// attributes.set(&mut conn, "link", "4f2a")?;
    /// assert_eq!(attributes.take_value(&mut conn, "link")?, Some("4f2a".into()));
    /// assert_eq!(attributes.take_value(&mut conn, "link")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_value<C>(&self, conn: &mut C, name: impl AsRef<str>) -> Result<Option<Value>>
    where
        M: DbAttributes<C>,
    {
        self.take_as(conn, name.as_ref(), Ok)
    }

    fn take_as<C, T>(&self, conn: &mut C, name: &str, read: impl Fn(Value) -> Result<T>) -> Result<Option<T>>
    where
        M: DbAttributes<C>,
    {
        const DEED: &str = "could not take the attribute";
        check_name(name)?;
        let place = self.place(DEED)?;
        let taken = self.repository.send_together(conn, DEED, |conn| {
            let stored = M::take_attribute(conn, &place, name).map_err(|error| Error::from_database(DEED, error))?;
            stored.map(|stored| read(self.value_of(&place, &stored)?)).transpose()
        })?;
        match taken {
            Some(value) => Ok(Some(value)),
            None => self.why_missed(conn, &place, DEED)?.map_or(Ok(None), Err),
        }
    }

    fn delete_sorted<C>(&self, conn: &mut C, deed: &'static str, names: Vec<&str>) -> Result<usize>
    where
        M: DbAttributes<C>,
    {
        let place = self.place(deed)?;
        let pieces = chunks(names, M::ENGINE);
        let rows = match pieces.as_slice() {
            [] => return Ok(0),
            [names] => self.repository.send(conn, deed, |conn| M::delete_attributes(conn, &place, names))?,
            several => self.repository.send_together(conn, deed, |conn| {
                let sent = several.iter().map(|names| M::delete_attributes(conn, &place, names)).sum::<diesel::QueryResult<_>>();
                sent.map_err(|error| Error::from_database(deed, error))
            })?,
        };
        if rows == 0 {
            return self.why_missed(conn, &place, deed)?.map_or(Ok(0), Err);
        }
        Ok(rows)
    }
}
