//! The map that actix-session hands over, and the record that it stands for. The next release has another map: this file knows it,
//! no other does.

use std::collections::HashMap;

use serde_json::Value;

use crate::adapters::record::Content;
use crate::error::{Error, ErrorKind, Result};

/// Each value is the text of a JSON value.
pub(super) type State = HashMap<String, String>;

pub(super) fn state_of(content: Content) -> State {
    content.into_iter().map(|(key, value)| (key, value.to_string())).collect()
}

pub(super) fn content_of(state: State) -> Result<Content> {
    let parsed = state.into_iter().map(|(key, text)| match serde_json::from_str::<Value>(&text) {
        Ok(value) => Ok((key, value)),
        Err(_) => {
            let detail = format!("the value of `{key}` is no JSON");
            Err(Error::new(ErrorKind::NotSerializable, "could not save the session").with_detail(detail))
        }
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // S29
    #[test]
    fn every_json_value_comes_back_as_it_was() {
        let values =
            [json!(null), json!(true), json!(0), json!(u64::MAX), json!(-0.1), json!(""), json!("ü\"\n"), json!([{}, []])];
        let content: Content = values.into_iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect();
        assert_eq!(content_of(state_of(content.clone())).unwrap(), content);
        assert_eq!(state_of(content)["6"], r#""ü\"\n""#, "a text is JSON as well");
    }

    #[test]
    fn what_is_no_json_is_an_error_that_names_the_key_and_not_the_value() {
        let error = content_of([("name".to_owned(), "secret".to_owned())].into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSerializable);
        assert!(error.to_string().contains("name") && !error.to_string().contains("secret"), "{error}");
    }
}
