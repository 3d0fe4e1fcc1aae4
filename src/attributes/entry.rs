//! An attribute as it stands in its row.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::data::into_type;
use crate::error::Result;
use crate::model::{SessionModel, StoredAttribute};
use crate::repository::SessionRepository;

/// An attribute with its metadata, from [`SessionAttributes::entry`](crate::SessionAttributes::entry). An encrypted value is
/// opened when it is asked for, and not before.
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// # use diesel_sessions::{Keyring, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let keyring = Keyring::new("2026-11", [7; 32])?;
/// # let sessions = SessionRepository::<PlainSession>::builder().keyring(keyring).build()?;
/// # let mut session = sessions.new_session();
/// # sessions.create(&mut conn, &mut session)?;
/// # let attributes = sessions.attributes(&session);
/// attributes.set_with(&mut conn, "otp", "123456", WriteOptions::new().encrypted())?;
/// let entry = attributes.entry(&mut conn, "otp")?.expect("it was set");
/// assert!(entry.is_encrypted() && entry.sealed().is_some());
/// assert_eq!(entry.value::<String>()?, "123456");
/// assert_eq!((entry.name(), entry.created_at()), ("otp", entry.updated_at()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AttributeEntry<M: SessionModel> {
    repository: SessionRepository<M>,
    /// What a sealed value was sealed for; empty beside one in clear.
    table: String,
    row: M::RowId,
    stored: StoredAttribute,
}

impl<M: SessionModel> AttributeEntry<M> {
    pub(super) fn new(repository: SessionRepository<M>, table: String, row: M::RowId, stored: StoredAttribute) -> Self {
        AttributeEntry { repository, table, row, stored }
    }

    /// Its name.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert_eq!(entry.name(), "theme");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.stored.0
    }

    /// The value as `T`, opened if it is encrypted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when it is of another type,
    /// [`ErrorKind::Decrypt`](crate::ErrorKind::Decrypt) when it does not open,
    /// [`ErrorKind::Undecodable`](crate::ErrorKind::Undecodable) when the row holds no JSON.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert_eq!(entry.value::<String>()?, "dark");
    /// assert!(entry.value::<u32>().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn value<T: DeserializeOwned>(&self) -> Result<T> {
        into_type(self.name(), self.json()?).map_err(|error| error.with_attribute(self.name()))
    }

    /// The value as JSON, opened if it is encrypted.
    ///
    /// # Errors
    ///
    /// As [`value`](AttributeEntry::value), but for the type.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert_eq!(entry.json()?, "dark");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn json(&self) -> Result<Value> {
        self.repository.open_value(|| Ok(self.table.clone()), self.row, &self.stored)
    }

    /// The sealed bytes of an encrypted value, as they stand in the row; [`Keyring`](crate::Keyring) says what they hold.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert_eq!(entry.sealed(), None, "it is in clear");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sealed(&self) -> Option<&[u8]> {
        self.stored.2.as_deref()
    }

    /// Whether the value is encrypted.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert!(!entry.is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.stored.2.is_some()
    }

    /// When it was created; setting one that has expired creates it anew.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert_eq!(entry.created_at(), entry.updated_at());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.stored.3.to_utc()
    }

    /// When its value was last written.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// sessions.attributes(&session).set(&mut conn, "theme", "light")?;
    /// let later = sessions.attributes(&session).entry(&mut conn, "theme")?.expect("live");
    /// assert!(later.updated_at() >= entry.updated_at() && later.created_at() == entry.created_at());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.stored.4.to_utc()
    }

    /// When it ends by itself; `None` when it lives as long as its session.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/entry.md")]
    /// assert_eq!(entry.expires_at(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.stored.5.map(|end| end.to_utc())
    }
}

impl<M: SessionModel> fmt::Debug for AttributeEntry<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributeEntry")
            .field("name", &self.name())
            .field("is_encrypted", &self.is_encrypted())
            .field("created_at", &self.created_at())
            .field("updated_at", &self.updated_at())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
