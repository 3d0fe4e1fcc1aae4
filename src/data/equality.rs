//! When two JSON values are the same.

use serde_json::{Number, Value};

/// True when both are the same value: numbers by what they denote, everything else by kind and content.
///
/// A whole float equals the integer of the same value, because PostgreSQL's JSONB may give one back for the other; `true` and
/// `1` differ, as does `"1"`.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.as_f64() == b.as_f64(),
        _ => false,
    }
}

/// The integer that a number denotes, a whole float's too: the one that its shortest text says, which is what is stored.
pub(crate) fn integer(number: &Number) -> Option<i128> {
    if let Some(value) = number.as_i64() {
        return Some(value.into());
    }
    if let Some(value) = number.as_u64() {
        return Some(value.into());
    }
    let value = number.as_f64()?;
    if value.fract() == 0.0 && value.abs() < 1e38 { value.to_string().parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_by_what_they_denote() {
        assert!(same(&json!(1), &json!(1.0)) && same(&json!(-0.0), &json!(0)) && same(&json!(1e300), &json!(1e300)));
        assert!(same(&json!({"a": [1e15]}), &json!({"a": [1_000_000_000_000_000_u64]})));
        assert!(!same(&json!(u64::MAX), &json!(u64::MAX as f64)), "2^64 is one more");
        assert!(!same(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992.0)));
        // JSONB gives back the digits that were written; the float's exact value ends with 432.
        assert!(same(&json!(2.408460609246743e16), &json!(24_084_606_092_467_430_i64)));
        assert!(!same(&json!(true), &json!(1)) && !same(&json!("1"), &json!(1)) && !same(&json!(null), &json!(0)));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 1})) && !same(&json!([1]), &json!([1, 1])));
    }
}
