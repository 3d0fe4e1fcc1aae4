//! Types of an application's own that stand in a text column.

/// Binds and reads a type as text: `Display` writes it, `FromStr` reads it.
macro_rules! stored_as_text {
    ($ty:ty) => {
        #[cfg(feature = "sqlite")]
        $crate::mixin::text::stored_as_text! { @ $ty, diesel::sqlite::Sqlite, |out, text| out.set_value(text) }
        #[cfg(feature = "postgres")]
        $crate::mixin::text::stored_as_text! { @ $ty, diesel::pg::Pg, |out, text| std::io::Write::write_all(out, text.as_bytes())? }
        #[cfg(feature = "mysql")]
        $crate::mixin::text::stored_as_text! { @ $ty, diesel::mysql::Mysql, |out, text| std::io::Write::write_all(out, text.as_bytes())? }

        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $ty
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(String::from_sql(value)?.parse()?)
            }
        }
    };
    (@ $ty:ty, $backend:ty, |$out:ident, $text:ident| $write:expr) => {
        impl diesel::serialize::ToSql<diesel::sql_types::Text, $backend> for $ty {
            fn to_sql<'b>(&'b self, $out: &mut diesel::serialize::Output<'b, '_, $backend>) -> diesel::serialize::Result {
                let $text = self.to_string();
                $write;
                Ok(diesel::serialize::IsNull::No)
            }
        }
    };
}
pub(crate) use stored_as_text;
