//! Attributes to be written, as a table that a statement reads.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::{Dialect, around};

/// Attributes to be written, as a table `given`: name, value, sealed and expiry of each, in this order.
///
/// Its plan is cached for one row alone: each other count would be a plan of its own.
pub struct Rows<Row>(Vec<Row>);

/// Makes [`Rows`] of tuples of expressions.
pub fn rows<Row>(rows: impl IntoIterator<Item = Row>) -> Rows<Row> {
    Rows(rows.into_iter().collect())
}

impl<N, V, S, E, DB> QueryFragment<DB> for Rows<(N, V, S, E)>
where
    DB: Dialect,
    N: QueryFragment<DB>,
    V: QueryFragment<DB>,
    S: QueryFragment<DB>,
    E: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.0.len() != 1 {
            out.unsafe_to_cache_prepared();
        }
        let mut before = "(SELECT ";
        for (name, value, sealed, expires_at) in &self.0 {
            out.push_sql(before);
            around(&mut out, DB::TEXT, name)?;
            out.push_sql(" AS name, ");
            around(&mut out, DB::TEXT, value)?;
            out.push_sql(" AS value, ");
            around(&mut out, DB::BYTES, sealed)?;
            out.push_sql(" AS sealed, ");
            around(&mut out, DB::TIME, expires_at)?;
            out.push_sql(" AS expires_at");
            before = " UNION ALL SELECT ";
        }
        out.push_sql(") AS given");
        Ok(())
    }
}

impl<Row> QueryId for Rows<Row>
where
    Row: QueryId,
{
    type QueryId = Rows<Row::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Row::HAS_STATIC_QUERY_ID;
}

/// The same as four arrays, which PostgreSQL reads as a table: one plan serves every count.
#[cfg(feature = "postgres")]
#[derive(QueryId)]
pub struct Arrays<N, V, S, E>(N, V, S, E);

/// Makes [`Arrays`] of the expressions of four arrays.
#[cfg(feature = "postgres")]
pub fn arrays<N, V, S, E>(names: N, values: V, sealed: S, expires_at: E) -> Arrays<N, V, S, E> {
    Arrays(names, values, sealed, expires_at)
}

#[cfg(feature = "postgres")]
impl<N, V, S, E> QueryFragment<diesel::pg::Pg> for Arrays<N, V, S, E>
where
    N: QueryFragment<diesel::pg::Pg>,
    V: QueryFragment<diesel::pg::Pg>,
    S: QueryFragment<diesel::pg::Pg>,
    E: QueryFragment<diesel::pg::Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, diesel::pg::Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.1.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.2.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.3.walk_ast(out.reborrow())?;
        out.push_sql(") AS given (name, value, sealed, expires_at)");
        Ok(())
    }
}
