//! The fragments that write attributes.
//!
//! In what they print, `live` is the row of the live session, locked; `given` holds the attributes to be written; `held` are
//! attributes that PostgreSQL has locked in the order of their names. The session's row is always locked before an attribute's:
//! an attribute is reached through a row of `live`, which is locked when it is produced.

use diesel::backend::Backend;
use diesel::expression::AsExpression;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Binary, Integer, Nullable, SqlType};
use diesel::{Column, QueryResult, Table};

use super::of_table;

mod found;
mod given;
#[cfg(feature = "postgres")]
mod held;
#[cfg(feature = "mysql")]
mod joined;
#[cfg(feature = "mysql")]
mod keys;
#[cfg(feature = "sqlite")]
mod selected;
#[cfg(any(feature = "sqlite", feature = "mysql"))]
mod update;
mod upsert;
mod within;

pub use found::*;
pub use given::*;
#[cfg(feature = "postgres")]
pub use held::*;
#[cfg(feature = "mysql")]
pub use joined::*;
#[cfg(feature = "mysql")]
pub use keys::*;
#[cfg(feature = "sqlite")]
pub use selected::*;
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub use update::*;
pub use upsert::*;
pub use within::*;

diesel::define_sql_function! {
    /// `length` bytes of a blob, from the byte `start` on, counted from 1.
    fn substr(blob: Nullable<Binary>, start: Integer, length: Integer) -> Nullable<Binary>;
}

/// Most attributes in one statement, or keys of them, where an engine has no arrays.
pub const ROWS_IN_STATEMENT: usize = 100;

/// How an engine spells what the engines spell differently.
pub trait Dialect: Backend {
    /// `ON CONFLICT … DO UPDATE`, or else MySQL's `ON DUPLICATE KEY UPDATE`.
    const ON_CONFLICT: bool;
    /// `UPDATE … SET … FROM`, or else MySQL's `UPDATE … JOIN … SET`.
    const UPDATE_FROM: bool;
    /// What stands behind the attributes' table where an index must not lead to them: MySQL would lock the index first.
    const BY_KEY: &'static str = "";
    /// What stands around a text of unknown type.
    const TEXT: [&'static str; 2] = ["", ""];
    /// What stands around bytes of unknown type.
    const BYTES: [&'static str; 2] = ["", ""];
    /// What stands around a time of unknown type.
    const TIME: [&'static str; 2] = ["", ""];
}

/// The seven columns of an attribute table: `session_id`, `name`, `value`, `sealed`, `created_at`, `updated_at` and `expires_at`.
pub trait AttributeColumns {
    /// Their names in the database.
    const NAMES: [&'static str; 7];
}

impl<A, B, C, D, E, F, G> AttributeColumns for (A, B, C, D, E, F, G)
where
    A: Column,
    B: Column,
    C: Column,
    D: Column,
    E: Column,
    F: Column,
    G: Column,
{
    const NAMES: [&'static str; 7] = [A::NAME, B::NAME, C::NAME, D::NAME, E::NAME, F::NAME, G::NAME];
}

/// A value as an expression of a column's type.
pub fn bind<Col, Value>(_column: Col, value: Value) -> Value::Expression
where
    Col: Column,
    Col::SqlType: SqlType,
    Value: AsExpression<Col::SqlType>,
{
    value.as_expression()
}

/// Values as an array of a column's type.
#[cfg(feature = "postgres")]
pub fn bind_array<Col, Value>(
    _column: Col,
    values: Vec<Value>,
) -> <Vec<Value> as AsExpression<diesel::sql_types::Array<Col::SqlType>>>::Expression
where
    Col: Column,
    Vec<Value>: AsExpression<diesel::sql_types::Array<Col::SqlType>>,
{
    values.as_expression()
}

/// What happens to the expiry, or to the whole attribute, where one of that name exists.
pub trait Existing: 'static {
    /// A live attribute keeps its expiry unless another one is given.
    const KEEPS_EXPIRY: bool;
    /// Only one that has expired is replaced.
    const ONLY_EXPIRED: bool;
}

/// Writes over it; it keeps its expiry unless another one is given.
pub enum Keeping {}

/// Writes over it, expiry and all.
pub enum Replacing {}

/// Leaves it alone unless it has expired. On MySQL, where that cannot be said, one of that name is a unique violation.
pub enum Creating {}

impl Existing for Keeping {
    const KEEPS_EXPIRY: bool = true;
    const ONLY_EXPIRED: bool = false;
}

impl Existing for Replacing {
    const KEEPS_EXPIRY: bool = false;
    const ONLY_EXPIRED: bool = false;
}

impl Existing for Creating {
    const KEEPS_EXPIRY: bool = false;
    const ONLY_EXPIRED: bool = true;
}

/// `value = given.value, …`; MySQL needs the table's name before each column.
fn set_given<'b, A, Columns, How, DB>(
    out: &mut AstPass<'_, 'b, DB>,
    table: &'b A::FromClause,
    now: &'b impl QueryFragment<DB>,
    with_table: bool,
) -> QueryResult<()>
where
    DB: Dialect,
    A: Table,
    A::FromClause: QueryFragment<DB>,
    Columns: AttributeColumns,
    How: Existing,
{
    let [_, _, value, sealed, _, updated_at, expires_at] = Columns::NAMES;
    let assign = |out: &mut AstPass<'_, 'b, DB>, column| {
        if with_table {
            of_table(out, table, column)?
        } else {
            out.push_identifier(column)?
        }
        out.push_sql(" = ");
        QueryResult::Ok(())
    };
    assign(out, value)?;
    out.push_sql("given.value, ");
    assign(out, sealed)?;
    out.push_sql("given.sealed, ");
    assign(out, updated_at)?;
    now.walk_ast(out.reborrow())?;
    out.push_sql(", ");
    assign(out, expires_at)?;
    if How::KEEPS_EXPIRY {
        out.push_sql("COALESCE(given.expires_at, ");
        of_table(out, table, expires_at)?;
        out.push_sql(")");
    } else {
        out.push_sql("given.expires_at");
    }
    Ok(())
}

/// An expression between what an engine wants around it.
fn around<'b, DB: Backend>(
    out: &mut AstPass<'_, 'b, DB>,
    [before, after]: [&str; 2],
    expression: &'b impl QueryFragment<DB>,
) -> QueryResult<()> {
    out.push_sql(before);
    expression.walk_ast(out.reborrow())?;
    out.push_sql(after);
    Ok(())
}

/// The value that the insert would have written.
fn new_value<DB: Dialect>(out: &mut AstPass<'_, '_, DB>, column: &str) -> QueryResult<()> {
    out.push_sql(if DB::ON_CONFLICT { "excluded." } else { "VALUES(" });
    out.push_identifier(column)?;
    out.push_sql(if DB::ON_CONFLICT { "" } else { ")" });
    Ok(())
}
