//! The mapping interface: keys that name typed columns, and keys of the data, in one.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Session;
use super::changes::not_serializable;
use crate::data::{self, check_key};
use crate::error::{Error, ErrorKind, Result};
use crate::model::SessionModel;

/// What a key stands for.
enum Place {
    /// A typed column, by number.
    Column(usize),
    /// An entry of the data.
    Data,
}

impl<M: SessionModel> Session<M> {
    /// The value of a key as `T`: `None` when it is absent, NULL or JSON null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongType`] when the value is of another type, [`ErrorKind::ReservedKey`] for a column of the library's,
    /// [`ErrorKind::NotSerializable`] when a typed column's `Serialize` fails.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("lines", 3)?;
    /// assert_eq!(session.get::<u32>("lines")?, Some(3));
    /// assert_eq!(session.get::<u32>("columns")?, None);
    /// assert!(session.get::<String>("lines").is_err());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn get<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>> {
        let key = key.as_ref();
        let value = match self.place(key)? {
            Place::Column(column) => Cow::Owned(self.column(column)?),
            Place::Data => match self.data.get(key) {
                Some(value) => Cow::Borrowed(value),
                None => return Ok(None),
            },
        };
        if value.is_null() { Ok(None) } else { data::from_value(key, &value).map(Some) }
    }

    /// The value of a key as `T`, or `default` where [`get`](Session::get) gives none.
    ///
    /// # Errors
    ///
    /// As [`get`](Session::get).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert_eq!(session.get_or("visits", 0)?, 0);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn get_or<T: DeserializeOwned>(&self, key: impl AsRef<str>, default: T) -> Result<T> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// The value of a key as JSON. A typed column that is NULL, an absent key and a reserved one give `None`; so does a
    /// typed column whose `Serialize` fails, which [`get`](Session::get) reports.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("user_id", 7)?;
    /// assert_eq!(session.get_value("user_id").as_deref(), Some(&serde_json::json!(7)));
    /// assert_eq!(session.get_value("remote_addr"), None);
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn get_value(&self, key: impl AsRef<str>) -> Option<Cow<'_, Value>> {
        let key = key.as_ref();
        match self.place(key).ok()? {
            Place::Column(column) => self.column(column).ok().filter(|value| !value.is_null()).map(Cow::Owned),
            Place::Data => self.data.get(key).map(Cow::Borrowed),
        }
    }

    /// The value of a data key, to be changed in place; the change is found at save. Typed columns have their fields instead.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("cart", ["egg"])?;
    /// if let Some(serde_json::Value::Array(lines)) = session.value_mut("cart") {
    ///     lines.push("spam".into());
    /// }
    /// assert_eq!(session.get::<Vec<String>>("cart")?.map(|lines| lines.len()), Some(2));
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn value_mut(&mut self, key: impl AsRef<str>) -> Option<&mut Value> {
        let key = key.as_ref();
        if !matches!(self.place(key), Ok(Place::Data)) || !self.data.contains_key(key) {
            return None;
        }
        self.touch_key(key);
        self.bytes = None;
        self.data.get_mut(key)
    }

    /// Sets the value of a key: of the typed column of that name, or of the data.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReservedKey`] for a column of the library's; [`ErrorKind::InvalidArgument`] and [`ErrorKind::Limit`] for a
    /// key or a value out of bounds (a key has 1 to 191 bytes without control characters or outer spaces; the data at most
    /// 1,024 keys, 64 KiB and 30 levels within a value; no text holds U+0000); [`ErrorKind::NotSerializable`], for a float
    /// that is not finite too;
    /// [`ErrorKind::WrongType`] when the value does not fit the typed column. The session then is as it was.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("cart", vec!["egg", "spam"])?;
    /// session.insert("user_id", 7)?;
    /// assert_eq!(session.user_id, Some(7));
    /// assert_eq!(session.insert("user_id", "seven").unwrap_err().kind(), ErrorKind::WrongType);
    /// assert_eq!(session.user_id, Some(7));
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn insert(&mut self, key: impl AsRef<str>, value: impl Serialize) -> Result<()> {
        let key = key.as_ref();
        let place = self.place_to_write(key)?;
        let value = data::to_value(key, value)?;
        match place {
            Place::Column(column) => self.set_column(column, &value),
            Place::Data => self.set_data(key, value),
        }
    }

    /// Sets many keys, or none of them when one fails.
    ///
    /// # Errors
    ///
    /// As [`insert`](Session::insert).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert_all([("a", 1), ("b", 2)])?;
    /// assert!(session.insert_all([("c", 3), ("_data", 4)]).is_err());
    /// assert!(!session.contains_key("c"), "none of them was set");
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn insert_all<K: AsRef<str>, V: Serialize>(&mut self, entries: impl IntoIterator<Item = (K, V)>) -> Result<()> {
        let before = (self.model.clone(), self.stored.clone(), self.data.clone(), self.touched.clone(), self.bytes);
        let result = entries.into_iter().try_for_each(|(key, value)| self.insert(key, value));
        if result.is_err() {
            (self.model, self.stored, self.data, self.touched, self.bytes) = before;
        }
        result
    }

    /// Removes a key and gives its value; a typed column gets its default. `None` when there was nothing to remove.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReservedKey`] for a column of the library's, [`ErrorKind::NotSerializable`] when a typed column's
    /// `Serialize` fails.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("a", 1)?;
    /// assert_eq!(session.remove("a")?, Some(serde_json::json!(1)));
    /// assert_eq!(session.remove("a")?, None);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn remove(&mut self, key: impl AsRef<str>) -> Result<Option<Value>> {
        let key = key.as_ref();
        match self.place(key)? {
            Place::Column(column) if self.model.is_default(column) => Ok(None),
            Place::Column(column) => {
                let value = self.column(column)?;
                self.model_mut().reset_column(column);
                Ok(Some(value))
            }
            Place::Data => Ok(self.remove_data(key)),
        }
    }

    /// Removes a key that must be there, and gives its value. A typed column is always there: it gets its default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the data has no such key; else as [`remove`](Session::remove).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert_eq!(session.try_remove("a").unwrap_err().kind(), ErrorKind::NotFound);
    /// assert_eq!(session.try_remove("user_id")?, serde_json::Value::Null);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn try_remove(&mut self, key: impl AsRef<str>) -> Result<Value> {
        let key = key.as_ref();
        match self.place(key)? {
            Place::Column(column) => {
                let value = self.column(column)?;
                self.model_mut().reset_column(column);
                Ok(value)
            }
            Place::Data => self.remove_data(key).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "could not remove the key").with_detail(format!("there is no key `{key}`"))
            }),
        }
    }

    /// Removes a key and gives its value as `T`; a value of another type stays.
    ///
    /// # Errors
    ///
    /// As [`get`](Session::get).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("flash", "saved")?;
    /// assert!(session.pop::<u32>("flash").is_err(), "and it stays");
    /// assert_eq!(session.pop::<String>("flash")?.as_deref(), Some("saved"));
    /// assert!(session.is_empty());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn pop<T: DeserializeOwned>(&mut self, key: impl AsRef<str>) -> Result<Option<T>> {
        let key = key.as_ref();
        let value = self.get(key)?;
        self.remove(key)?;
        Ok(value)
    }

    /// The value of a key as `T`; where there is none, the one that `make` gives is set first.
    ///
    /// # Errors
    ///
    /// As [`get`](Session::get) and [`insert`](Session::insert).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert_eq!(session.get_or_insert_with("theme", || "dark".to_owned())?, "dark");
    /// assert_eq!(session.get_or_insert_with("theme", || "light".to_owned())?, "dark");
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn get_or_insert_with<T: Serialize + DeserializeOwned>(
        &mut self,
        key: impl AsRef<str>,
        make: impl FnOnce() -> T,
    ) -> Result<T> {
        let key = key.as_ref();
        if let Some(value) = self.get(key)? {
            return Ok(value);
        }
        let value = make();
        self.insert(key, &value)?;
        Ok(value)
    }

    /// True for a data key that is there, and for a typed column that differs from its default.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert!(!session.contains_key("user_id"));
    /// session.user_id = Some(7);
    /// assert!(session.contains_key("user_id"));
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn contains_key(&self, key: impl AsRef<str>) -> bool {
        let key = key.as_ref();
        match self.place(key) {
            Ok(Place::Column(column)) => !self.model.is_default(column),
            Ok(Place::Data) => self.data.contains_key(key),
            Err(_) => false,
        }
    }

    /// How many keys there are, by the rule of [`contains_key`](Session::contains_key).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert_all([("user_id", 7), ("a", 1)])?;
    /// assert_eq!(session.len(), 2);
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.set_columns().count() + self.data.len()
    }

    /// True when there is no key.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert!(session.is_empty());
    /// session.user_id = Some(7);
    /// assert!(!session.is_empty(), "a typed column counts");
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.set_columns().next().is_none()
    }

    /// The keys: typed columns in declaration order, then data keys sorted by their bytes.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert_all([("b", 2), ("a", 1), ("user_id", 7)])?;
    /// assert_eq!(session.keys().collect::<Vec<_>>(), ["user_id", "a", "b"]);
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.set_columns().map(|column| M::COLUMNS[column].name).chain(self.data.keys())
    }

    /// The values, in the order of [`keys`](Session::keys).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.user_id = Some(7);
    /// session.insert("parrot", "ceased to be")?;
    /// let values: Vec<String> = session.values().map(|value| value.to_string()).collect();
    /// assert_eq!(values, ["7", "\"ceased to be\""]);
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn values(&self) -> impl Iterator<Item = Cow<'_, Value>> {
        self.iter().map(|(_, value)| value)
    }

    /// Keys and values, in the order of [`keys`](Session::keys). A typed column whose `Serialize` fails shows as null.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("a", 1)?;
    /// for (key, value) in session.iter() {
    ///     assert_eq!((key, value.as_i64()), ("a", Some(1)));
    /// }
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, Value>)> {
        let columns = self.set_columns().map(|column| {
            let value = self.column(column).unwrap_or(Value::Null);
            (M::COLUMNS[column].name, Cow::Owned(value))
        });
        columns.chain(self.data.iter().map(|(key, value)| (key, Cow::Borrowed(value))))
    }

    /// Empties the data and sets every typed column to its default, the owner too. Where another request has added a key
    /// meanwhile, that one stays.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert_all([("user_id", 7), ("a", 1)])?;
    /// session.clear();
    /// assert!(session.is_empty() && session.user_id.is_none());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn clear(&mut self) {
        let columns: Vec<usize> = self.set_columns().collect();
        for column in columns {
            self.model_mut().reset_column(column);
        }
        for (key, entry) in self.data.take() {
            self.touched.entry(key).or_insert(Some(entry));
        }
        self.bytes = None;
    }

    fn set_columns(&self) -> impl Iterator<Item = usize> {
        (0..M::COLUMNS.len()).filter(|column| M::COLUMNS[*column].by_key && !self.model.is_default(*column))
    }

    fn column(&self, column: usize) -> Result<Value> {
        self.model.column_value(column).map_err(|_| not_serializable(M::COLUMNS[column].name))
    }

    fn set_column(&mut self, column: usize, value: &Value) -> Result<()> {
        self.model_mut().set_column(column, value).map_err(|_| data::wrong_type(M::COLUMNS[column].name))
    }

    fn set_data(&mut self, key: &str, value: Value) -> Result<()> {
        let (as_read, stored) = self.data.text_len_with(self.bytes, key, &value);
        if !self.data.contains_key(key) {
            data::check_count(self.data.len() + 1)?;
        }
        data::check_size(stored)?;
        self.touch_key(key);
        self.data.insert(key.to_owned(), value);
        self.bytes = Some(as_read);
        Ok(())
    }

    fn remove_data(&mut self, key: &str) -> Option<Value> {
        if !self.data.contains_key(key) {
            return None;
        }
        self.touch_key(key);
        self.bytes = None;
        self.data.remove(key)
    }

    fn place(&self, key: &str) -> Result<Place> {
        match M::COLUMNS.iter().position(|column| column.name == key) {
            Some(column) if M::COLUMNS[column].by_key => Ok(Place::Column(column)),
            Some(_) => Err(reserved(key, "is no key: its field is marked `skip`")),
            None => check_reserved(key, M::RESERVED).map(|()| Place::Data),
        }
    }

    fn place_to_write(&self, key: &str) -> Result<Place> {
        check_key(key)?;
        self.place(key)
    }
}

/// Refuses a key that names a column of the library's; `core` are those columns as the table has them.
pub(crate) fn check_reserved(key: &str, core: &[&str]) -> Result<()> {
    if key.starts_with('_') || key == "id" || core.contains(&key) {
        return Err(reserved(key, "is reserved for the library's columns"));
    }
    Ok(())
}

fn reserved(key: &str, why: &str) -> Error {
    Error::new(ErrorKind::ReservedKey, "could not use the key").with_detail(format!("`{key}` {why}"))
}
