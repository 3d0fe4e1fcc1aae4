//! Limits that are checked before SQL, the same on every engine.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// Most bytes of a session's data, and of one value.
const MAX_BYTES: usize = 64 * 1024;
/// Most keys of a session's data.
const MAX_KEYS: usize = 1_024;
/// Most bytes of a key.
const MAX_KEY: usize = 191;
/// Deepest nesting of a value within the data. The document adds one; MariaDB reads 31 levels and refuses 32.
const MAX_DEPTH: usize = 30;

const DEED: &str = "could not set the value";

/// Checks a key's form: 1 to 191 bytes, no control characters, no outer spaces.
pub(crate) fn check_key(key: &str) -> Result<()> {
    check_form("key", key)
}

/// The same of an attribute's name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    check_form("name", name)
}

fn check_form(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, DEED).with_detail(format!("the {what} is empty")));
    }
    if text.len() > MAX_KEY {
        return Err(Error::new(ErrorKind::Limit, DEED).with_detail(format!("the {what} has more than {MAX_KEY} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::new(ErrorKind::InvalidArgument, DEED).with_detail(format!("the {what} has a control character")));
    }
    if text.trim().len() != text.len() {
        return Err(Error::new(ErrorKind::InvalidArgument, DEED).with_detail(format!("the {what} begins or ends with a space")));
    }
    Ok(())
}

/// Checks what a value within the data holds: nesting, and U+0000, which PostgreSQL cannot store.
pub(crate) fn check_value(key: &str, value: &Value) -> Result<()> {
    check_content(key, value, MAX_DEPTH)
}

/// The same of an attribute's value, which is a document of its own, and its size.
pub(crate) fn check_attribute(name: &str, value: &Value, bytes: usize) -> Result<()> {
    check_content(name, value, MAX_DEPTH + 1)?;
    if bytes > MAX_BYTES {
        let detail = format!("the value of `{name}` has {bytes} bytes, more than {MAX_BYTES}");
        return Err(Error::new(ErrorKind::Limit, DEED).with_detail(detail));
    }
    Ok(())
}

fn check_content(key: &str, value: &Value, depth: usize) -> Result<()> {
    match flaw(value, depth) {
        None => Ok(()),
        Some(Flaw::Depth) => {
            Err(Error::new(ErrorKind::Limit, DEED).with_detail(format!("the value of `{key}` nests deeper than {depth}")))
        }
        Some(Flaw::Nul) => {
            Err(Error::new(ErrorKind::InvalidArgument, DEED).with_detail(format!("the value of `{key}` contains U+0000")))
        }
    }
}

/// Whether a whole document of so many bytes can be stored.
pub(crate) fn is_within_size(bytes: usize) -> bool {
    bytes <= MAX_BYTES
}

/// Checks the size of the whole document.
pub(crate) fn check_size(bytes: usize) -> Result<()> {
    if !is_within_size(bytes) {
        return Err(Error::new(ErrorKind::Limit, DEED)
            .with_detail(format!("the session's data would have {bytes} bytes, more than {MAX_BYTES}")));
    }
    Ok(())
}

/// Checks how many keys there are.
pub(crate) fn check_count(keys: usize) -> Result<()> {
    if keys > MAX_KEYS {
        return Err(Error::new(ErrorKind::Limit, DEED).with_detail(format!("the session would have more than {MAX_KEYS} keys")));
    }
    Ok(())
}

enum Flaw {
    Depth,
    Nul,
}

fn flaw(value: &Value, levels: usize) -> Option<Flaw> {
    match value {
        Value::String(text) => text.contains('\0').then_some(Flaw::Nul),
        Value::Array(_) | Value::Object(_) if levels == 0 => Some(Flaw::Depth),
        Value::Array(items) => items.iter().find_map(|item| flaw(item, levels - 1)),
        Value::Object(fields) => {
            fields.iter().find_map(|(name, item)| if name.contains('\0') { Some(Flaw::Nul) } else { flaw(item, levels - 1) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |value, _| json!([value]))
    }

    #[test]
    fn keys_have_a_form() {
        for key in ["a", "ü", "a b", &"x".repeat(191)] {
            assert!(check_key(key).is_ok(), "{key:?}");
        }
        for (key, kind) in [
            ("", ErrorKind::InvalidArgument),
            (" a", ErrorKind::InvalidArgument),
            ("a\u{a0}", ErrorKind::InvalidArgument),
            ("a\nb", ErrorKind::InvalidArgument),
            ("a\0", ErrorKind::InvalidArgument),
            ("a\u{85}b", ErrorKind::InvalidArgument),
            (&"x".repeat(192), ErrorKind::Limit),
            (&"ü".repeat(96), ErrorKind::Limit),
        ] {
            assert_eq!(check_key(key).unwrap_err().kind(), kind, "{key:?}");
        }
    }

    #[test]
    fn values_nest_thirty_deep_and_hold_no_nul() {
        assert!(check_value("a", &nested(30)).is_ok());
        assert_eq!(check_value("a", &nested(31)).unwrap_err().kind(), ErrorKind::Limit);
        for value in [json!("a\0b"), json!([{"a": "\0"}]), json!({"\0": 1})] {
            assert_eq!(check_value("a", &value).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }
}
