//! How attributes are written: expiry and encryption.

use std::time::Duration;

/// How attributes are written. What is left open is the default: a live attribute keeps its expiry, a new one lives as long as
/// its session, and the repository's [`EncryptAttributes`] decides on encryption.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::WriteOptions;
///
/// let one_time_code = WriteOptions::new().expires_in(Duration::from_secs(300)).encrypted();
/// assert_ne!(one_time_code, WriteOptions::new());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a verb"]
pub struct WriteOptions {
    pub(super) expiry: Option<Expiry>,
    pub(super) encrypted: Option<bool>,
}

impl WriteOptions {
    /// The defaults.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::WriteOptions;
    ///
    /// assert_eq!(WriteOptions::new(), WriteOptions::default());
    /// ```
    pub fn new() -> Self {
        WriteOptions::default()
    }

    /// The attribute ends this long from now on, 1 microsecond to `i32::MAX` seconds; with its session at the latest.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{ErrorKind, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// let at_once = WriteOptions::new().expires_in(Duration::ZERO);
    /// let error = attributes.set_with(&mut conn, "otp", "123456", at_once).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expires_in(mut self, duration: Duration) -> Self {
        self.expiry = Some(Expiry::In(duration));
        self
    }

    /// The attribute lives as long as its session.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// attributes.set_with(&mut conn, "draft", "…", WriteOptions::new().expires_in(Duration::from_secs(60)))?;
    /// attributes.set_with(&mut conn, "draft", "…", WriteOptions::new().never())?;
    /// assert_eq!(attributes.entry(&mut conn, "draft")?.expect("live").expires_at(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn never(mut self) -> Self {
        self.expiry = Some(Expiry::Never);
        self
    }

    /// The value is encrypted before it reaches the database.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Keyring, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let keyring = Keyring::new("2026-11", [7; 32])?;
    /// let sessions = SessionRepository::<PlainSession>::builder().keyring(keyring).build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// attributes.set_with(&mut conn, "otp", "123456", WriteOptions::new().encrypted())?;
    /// assert!(attributes.entry(&mut conn, "otp")?.expect("live").is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encrypted(mut self) -> Self {
        self.encrypted = Some(true);
        self
    }

    /// The value is stored in clear, also where the repository encrypts everything.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{EncryptAttributes, Keyring, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let keyring = Keyring::new("2026-11", [7; 32])?;
    /// # let builder = SessionRepository::<PlainSession>::builder().keyring(keyring);
    /// let sessions = builder.encrypt_attributes(EncryptAttributes::Always).build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// # let attributes = sessions.attributes(&session);
    /// attributes.set_with(&mut conn, "theme", "dark", WriteOptions::new().in_clear())?;
    /// assert!(!attributes.entry(&mut conn, "theme")?.expect("live").is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_clear(mut self) -> Self {
        self.encrypted = Some(false);
        self
    }

    /// These options, and where they leave something open, those of the call.
    pub(super) fn or(self, call: WriteOptions) -> Self {
        WriteOptions { expiry: self.expiry.or(call.expiry), encrypted: self.encrypted.or(call.encrypted) }
    }
}

/// When an attribute ends.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::Expiry;
///
/// assert_ne!(Expiry::In(Duration::from_secs(300)), Expiry::Never);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// This long from now on: 1 microsecond to `i32::MAX` seconds.
    In(Duration),
    /// With its session.
    Never,
}

/// Which attributes a repository encrypts.
///
/// # Example
///
/// ```
/// use diesel_sessions::{EncryptAttributes, ErrorKind, SessionRepository, plain::sqlite::PlainSession};
///
/// let builder = SessionRepository::<PlainSession>::builder().encrypt_attributes(EncryptAttributes::Always);
/// assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Config, "there is no key");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EncryptAttributes {
    /// Those that are written with [`WriteOptions::encrypted`].
    #[default]
    WhenAsked,
    /// All but those that are written with [`WriteOptions::in_clear`].
    Always,
}
