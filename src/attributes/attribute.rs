//! An attribute to be written.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::options::WriteOptions;
use crate::data::{JsonText, check_name, to_attribute};
use crate::error::Result;

/// An attribute to be written, with options of its own that override the call's.
///
/// `Debug` shows the name and not the value.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::Attribute;
///
/// let code = Attribute::new("otp", "123456")?.encrypted().expires_in(Duration::from_secs(300));
/// assert_eq!(code.name(), "otp");
/// assert!(!format!("{code:?}").contains("123456"));
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[derive(Clone)]
pub struct Attribute {
    pub(super) name: String,
    pub(super) value: JsonText,
    pub(super) options: WriteOptions,
}

impl Attribute {
    /// An attribute of this name and value, with the call's options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a name that is empty, has outer spaces or control
    /// characters, and for U+0000 in the value; [`ErrorKind::Limit`](crate::ErrorKind::Limit) for a name over 191 bytes, a value
    /// over 64 KiB or nested deeper than 31; [`ErrorKind::NotSerializable`](crate::ErrorKind::NotSerializable).
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{Attribute, ErrorKind};
    ///
    /// assert!(Attribute::new("lines", 3).is_ok());
    /// assert_eq!(Attribute::new("", 3).unwrap_err().kind(), ErrorKind::InvalidArgument);
    /// assert_eq!(Attribute::new("lines", f64::NAN).unwrap_err().kind(), ErrorKind::NotSerializable);
    /// ```
    pub fn new(name: impl AsRef<str>, value: impl Serialize) -> Result<Self> {
        let name = name.as_ref().to_owned();
        check_name(&name)?;
        let value = to_attribute(&name, value).map_err(|error| error.with_attribute(&name))?;
        Ok(Attribute { name, value, options: WriteOptions::new() })
    }

    /// Its name.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::Attribute;
    /// assert_eq!(Attribute::new("lines", 3)?.name(), "lines");
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As [`WriteOptions::expires_in`], for this one.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Attribute, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// let two = [Attribute::new("a", 1)?.expires_in(Duration::from_secs(60)), Attribute::new("b", 2)?];
    /// attributes.set_many(&mut conn, two, WriteOptions::new())?;
    /// assert!(attributes.entry(&mut conn, "a")?.expect("live").expires_at().is_some());
    /// assert!(attributes.entry(&mut conn, "b")?.expect("live").expires_at().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn expires_in(mut self, duration: Duration) -> Self {
        self.options = self.options.expires_in(duration);
        self
    }

    /// As [`WriteOptions::never`], for this one.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Attribute, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// let a_minute = WriteOptions::new().expires_in(Duration::from_secs(60));
    /// attributes.set_many(&mut conn, [Attribute::new("a", 1)?.never(), Attribute::new("b", 2)?], a_minute)?;
    /// assert!(attributes.entry(&mut conn, "a")?.expect("live").expires_at().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn never(mut self) -> Self {
        self.options = self.options.never();
        self
    }

    /// As [`WriteOptions::encrypted`], for this one.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Attribute, ErrorKind, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// let otp = Attribute::new("otp", "123456")?.encrypted();
    /// let error = attributes.set_many(&mut conn, [otp], WriteOptions::new()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Config, "there is no key");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn encrypted(mut self) -> Self {
        self.options = self.options.encrypted();
        self
    }

    /// As [`WriteOptions::in_clear`], for this one.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Attribute, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// let theme = Attribute::new("theme", "dark")?.in_clear();
    /// attributes.set_many(&mut conn, [theme], WriteOptions::new().encrypted())?;
    /// assert!(!attributes.entry(&mut conn, "theme")?.expect("live").is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn in_clear(mut self) -> Self {
        self.options = self.options.in_clear();
        self
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute").field("name", &self.name).field("options", &self.options).finish_non_exhaustive()
    }
}
