//! Where in a record the owner stands, for crates that keep the signed-in user inside a value of their own.

use serde_json::Value;

use super::record::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::model::SessionModel;
use crate::session::Session;

/// A key of the record, and the members to follow from there: `axum-login.data`, then `user_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnerPath(Vec<String>);

impl OwnerPath {
    pub(crate) fn new(path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        OwnerPath(path.into_iter().map(Into::into).collect())
    }

    /// The key whose value holds the owner; a path of no steps has none.
    pub(crate) fn key(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// The owner's value; JSON null is none.
    pub(crate) fn find<'a>(&self, content: &'a Content) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        let found = rest.iter().try_fold(content.get(first)?, |value, member| value.get(member))?;
        (!found.is_null()).then_some(found)
    }

    /// Sets the session's owner to the one that the record names, or to none.
    ///
    /// A value of the owner's own type is taken as it is, text that reads as an integer and an integer as text where the type
    /// asks for it. Anything else is [`ErrorKind::WrongType`]: who signs in is never guessed, and never dropped.
    pub(crate) fn follow<M: SessionModel>(&self, session: &mut Session<M>, content: &Content) -> Result<()> {
        let Some(column) = M::OWNER else { return Ok(()) };
        let name = M::COLUMNS[column].name;
        let Some(value) = self.find(content) else { return session.remove(name).map(|_| ()) };
        for reading in readings(value) {
            match session.insert(name, reading) {
                Err(error) if error.kind() == ErrorKind::WrongType => {}
                result => return result,
            }
        }
        let detail = format!("what stands at `{}` is no owner of this model", self.0.join("` → `"));
        Err(Error::new(ErrorKind::WrongType, "could not read the owner").with_detail(detail))
    }
}

/// What a value may mean to the owner's type, the likeliest first.
pub(super) fn readings(value: &Value) -> Vec<Value> {
    let other = match value {
        Value::String(text) => text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok(),
        Value::Number(number) if !number.is_f64() => Some(Value::from(number.to_string())),
        _ => None,
    };
    std::iter::once(value.clone()).chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn content(value: Value) -> Content {
        [("axum-login.data".to_owned(), value)].into()
    }

    #[test]
    fn the_owner_is_found_at_the_end_of_the_path_or_not_at_all() {
        let path = OwnerPath::new(["axum-login.data", "user_id"]);
        assert_eq!(path.find(&content(json!({"user_id": 7, "auth_hash": [1]}))), Some(&json!(7)));
        for without in [json!({"user_id": null}), json!({}), json!(7), json!([7]), json!(null)] {
            assert_eq!(path.find(&content(without)), None);
        }
        assert_eq!(path.find(&Content::new()), None);
        assert_eq!(OwnerPath::new(["user"]).find(&[("user".to_owned(), json!("a"))].into()), Some(&json!("a")));
        assert_eq!(OwnerPath::new(Vec::<String>::new()).find(&content(json!(1))), None);
    }

    #[test]
    fn integers_and_their_texts_stand_for_each_other() {
        assert_eq!(readings(&json!(7)), [json!(7), json!("7")]);
        assert_eq!(readings(&json!("-7")), [json!("-7"), json!(-7)]);
        assert_eq!(readings(&json!(u64::MAX.to_string())), [json!(u64::MAX.to_string()), json!(u64::MAX)]);
        assert_eq!(readings(&json!("7a")), [json!("7a")]);
        assert_eq!(readings(&json!(7.5)), [json!(7.5)]);
        assert_eq!(readings(&json!(true)), [json!(true)]);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn what_is_no_owner_is_an_error_and_the_session_keeps_its_own() {
        use crate::{SessionRepository, plain::sqlite::PlainSession};
        let mut session = SessionRepository::<PlainSession>::builder().build().unwrap().new_session();
        let path = OwnerPath::new(["axum-login.data", "user_id"]);
        path.follow(&mut session, &content(json!({"user_id": "12"}))).unwrap();
        assert_eq!(session.user_id, Some(12));
        for wrong in [json!("twelve"), json!(true), json!({"id": 1}), json!(1.5), json!(u64::MAX)] {
            let error = path.follow(&mut session, &content(json!({"user_id": wrong}))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongType);
            assert!(!error.to_string().contains("twelve"), "{error}");
            assert_eq!(session.user_id, Some(12));
        }
        path.follow(&mut session, &Content::new()).unwrap();
        assert_eq!(session.user_id, None);
        session.revert();
    }
}
