//! Refusing floats that JSON has no place for. serde_json writes NaN and the infinities as null, which would lose them silently.

use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A value whose floats are all finite, or else its `Serialize` fails.
pub(crate) struct Finite<T>(pub(crate) T);

impl<T: Serialize> Serialize for Finite<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Checked(serializer))
    }
}

/// A serializer, or one of its compounds, that checks floats on their way to another.
struct Checked<S>(S);

macro_rules! pass_on {
    ($($method:ident($ty:ty))*) => {
        $(fn $method(self, value: $ty) -> Result<S::Ok, S::Error> {
            self.0.$method(value)
        })*
    };
}

macro_rules! begin {
    ($($method:ident($($name:ident: $ty:ty),*) -> $compound:ident)*) => {
        $(fn $method(self, $($name: $ty),*) -> Result<Self::$compound, S::Error> {
            self.0.$method($($name),*).map(Checked)
        })*
    };
}

impl<S: Serializer> Serializer for Checked<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Checked<S::SerializeSeq>;
    type SerializeTuple = Checked<S::SerializeTuple>;
    type SerializeTupleStruct = Checked<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Checked<S::SerializeTupleVariant>;
    type SerializeMap = Checked<S::SerializeMap>;
    type SerializeStruct = Checked<S::SerializeStruct>;
    type SerializeStructVariant = Checked<S::SerializeStructVariant>;

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if value.is_finite() { self.0.serialize_f32(value) } else { Err(S::Error::custom("a float that is not finite")) }
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if value.is_finite() { self.0.serialize_f64(value) } else { Err(S::Error::custom("a float that is not finite")) }
    }

    pass_on! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128) serialize_char(char)
        serialize_str(&str) serialize_bytes(&[u8]) serialize_unit_struct(&'static str)
    }

    begin! {
        serialize_seq(len: Option<usize>) -> SerializeSeq
        serialize_tuple(len: usize) -> SerializeTuple
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeTupleVariant
        serialize_map(len: Option<usize>) -> SerializeMap
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeStructVariant
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Finite(value))
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Finite(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Finite(value))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! compounds {
    ($($compound:ident: $method:ident($($name:ident: $ty:ty),*);)*) => {
        $(impl<S: $compound> $compound for Checked<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $ty,)* value: &T) -> Result<(), S::Error> {
                self.0.$method($($name,)* &Finite(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

compounds! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(key: &'static str);
    SerializeStructVariant: serialize_field(key: &'static str);
}

impl<S: SerializeMap> SerializeMap for Checked<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&Finite(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json, to_value};

    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        Newtype(f32),
        Tuple(f64, f64),
        Struct { radius: f64 },
    }

    fn plain_and_checked(value: &impl Serialize) -> (Option<Value>, Option<Value>) {
        (to_value(value).ok(), to_value(Finite(value)).ok())
    }

    #[test]
    fn finite_values_pass_unchanged() {
        let values = json!({"a": [1, 2.5, null, true, "x", {"b": []}]});
        let (plain, checked) = plain_and_checked(&values);
        assert_eq!(plain, checked);
        let shapes = [Shape::Unit, Shape::Newtype(0.5), Shape::Tuple(1.0, 2.0), Shape::Struct { radius: 3.0 }];
        let (plain, checked) = plain_and_checked(&(shapes, 'x', Some(7_u64), (), [1_i8], std::time::Duration::from_secs(1)));
        assert_eq!(plain, checked);
        assert!(checked.is_some());
    }

    #[test]
    fn what_is_not_finite_is_refused_wherever_it_stands() {
        let nan = f64::NAN;
        assert!(to_value(Finite(nan)).is_err() && to_value(Finite(f32::INFINITY)).is_err());
        assert!(to_value(Finite(Some(vec![(1, nan)]))).is_err());
        assert!(to_value(Finite([Shape::Newtype(f32::NAN)])).is_err() && to_value(Finite(Shape::Tuple(0.0, nan))).is_err());
        assert!(to_value(Finite(Shape::Struct { radius: f64::NEG_INFINITY })).is_err());
        assert!(to_value(Finite(std::collections::BTreeMap::from([("a", nan)]))).is_err());
    }
}
