//! Why an encrypted value does not open, and the questions that an [`Error`] answers about it.

use super::Error;

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// It ends before its format does.
    #[error("the sealed value is truncated")]
    Truncated,
    /// It begins with a format of another version, or of none.
    #[error("the sealed value has a format that this version does not know")]
    UnknownFormat,
    /// The keyring has no key of its name, or there is no keyring.
    #[error("the key that sealed the value is missing")]
    MissingKey,
    /// The key of its name is not the one that sealed it.
    #[error("the key of that name is not the one that sealed the value")]
    WrongKey,
    /// It was sealed for another place.
    #[error("the value was sealed for another attribute, session or table")]
    Swapped,
    /// Its bytes were changed.
    #[error("the sealed value was changed")]
    Tampered,
}

impl Error {
    /// True when an encrypted value does not open because the keyring has no key of that name, or there is no keyring.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/encrypted.md")]
    /// # let sessions = SessionRepository::<PlainSession>::builder().keyring(Keyring::new("another", [7; 32])?).build()?;
    /// let error = sessions.attributes(&session).get::<String, _>(&mut conn, "otp").unwrap_err();
    /// assert!(error.kind() == ErrorKind::Decrypt && error.is_missing_key());
    /// assert_eq!(error.attribute_name(), Some("otp"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_missing_key(&self) -> bool {
        self.unopened() == Some(Unopened::MissingKey)
    }

    /// True when an encrypted value does not open because the key of that name is not the one that sealed it.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/encrypted.md")]
    /// # let sessions = SessionRepository::<PlainSession>::builder().keyring(Keyring::new("2026-11", [8; 32])?).build()?;
    /// let error = sessions.attributes(&session).get::<String, _>(&mut conn, "otp").unwrap_err();
    /// assert!(error.is_wrong_key() && !error.is_missing_key());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_wrong_key(&self) -> bool {
        self.unopened() == Some(Unopened::WrongKey)
    }

    /// True when an encrypted value does not open because its end is missing.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/encrypted.md")]
    /// diesel::sql_query("UPDATE session_attributes SET sealed = substr(sealed, 1, 20)").execute(&mut conn)?;
    /// let error = sessions.attributes(&session).get::<String, _>(&mut conn, "otp").unwrap_err();
    /// assert!(error.is_truncated());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.unopened() == Some(Unopened::Truncated)
    }

    /// True when an encrypted value does not open because its bytes were changed.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/encrypted.md")]
    /// diesel::sql_query("UPDATE session_attributes SET sealed = CAST(sealed || x'00' AS BLOB)").execute(&mut conn)?;
    /// let error = sessions.attributes(&session).get::<String, _>(&mut conn, "otp").unwrap_err();
    /// assert!(error.is_tampered());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_tampered(&self) -> bool {
        self.unopened() == Some(Unopened::Tampered)
    }

    /// True when an encrypted value does not open because it was sealed for another attribute, session or table.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/encrypted.md")]
    /// diesel::sql_query("UPDATE session_attributes SET name = 'other'").execute(&mut conn)?;
    /// let error = sessions.attributes(&session).get::<String, _>(&mut conn, "other").unwrap_err();
    /// assert!(error.is_swapped());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_swapped(&self) -> bool {
        self.unopened() == Some(Unopened::Swapped)
    }

    /// True when an encrypted value does not open because its format is one that this version does not know.
    ///
    /// # Example
    ///
    /// ```
    #[doc = include_str!("../doc/encrypted.md")]
    /// diesel::sql_query("UPDATE session_attributes SET sealed = x'7f'").execute(&mut conn)?;
    /// let error = sessions.attributes(&session).get::<String, _>(&mut conn, "otp").unwrap_err();
    /// assert!(error.is_unknown_format());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_unknown_format(&self) -> bool {
        self.unopened() == Some(Unopened::UnknownFormat)
    }

    fn unopened(&self) -> Option<Unopened> {
        self.source.as_deref()?.downcast_ref().copied()
    }
}
