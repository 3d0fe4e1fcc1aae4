//! A deletion that gives what it has deleted, on PostgreSQL and SQLite.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Expression, QueryResult};

/// `DELETE … RETURNING columns`.
pub struct Returning<Delete, Columns> {
    delete: Delete,
    columns: Columns,
}

/// Makes a [`Returning`].
pub fn returning<Delete, Columns>(delete: Delete, columns: Columns) -> Returning<Delete, Columns> {
    Returning { delete, columns }
}

impl<Delete, Columns, DB> QueryFragment<DB> for Returning<Delete, Columns>
where
    DB: Backend,
    Delete: QueryFragment<DB>,
    Columns: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.delete.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        self.columns.walk_ast(out)
    }
}

impl<Delete, Columns> QueryId for Returning<Delete, Columns>
where
    Delete: QueryId,
    Columns: QueryId,
{
    type QueryId = (ReturningId, PhantomData<(Delete::QueryId, Columns::QueryId)>);
    const HAS_STATIC_QUERY_ID: bool = Delete::HAS_STATIC_QUERY_ID && Columns::HAS_STATIC_QUERY_ID;
}

impl<Delete, Columns: Expression> Query for Returning<Delete, Columns> {
    type SqlType = Columns::SqlType;
}

impl<Delete, Columns, Conn> RunQueryDsl<Conn> for Returning<Delete, Columns> {}

/// Tells the id of a [`Returning`] from any other query's.
pub struct ReturningId;
