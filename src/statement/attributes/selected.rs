//! SQLite's bounded deletion of attributes.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, QuerySource, Table};

use super::AttributeColumns;

/// `DELETE FROM table WHERE (session_id, name) IN (batch)`.
pub struct DeletePairs<A: QuerySource, Columns, Batch> {
    table: A::FromClause,
    batch: Batch,
    types: PhantomData<(A, Columns)>,
}

/// Makes a [`DeletePairs`]; `batch` selects session and name of the attributes.
pub fn delete_pairs<A, Columns, Batch>((table, _columns): (A, Columns), batch: Batch) -> DeletePairs<A, Columns, Batch>
where
    A: Table,
    Columns: AttributeColumns,
{
    DeletePairs { table: table.from_clause(), batch, types: PhantomData }
}

impl<A, Columns, Batch> QueryFragment<Sqlite> for DeletePairs<A, Columns, Batch>
where
    A: Table,
    A::FromClause: QueryFragment<Sqlite>,
    Columns: AttributeColumns,
    Batch: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let [session_id, name, ..] = Columns::NAMES;
        out.push_sql("DELETE FROM ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE (");
        out.push_identifier(session_id)?;
        out.push_sql(", ");
        out.push_identifier(name)?;
        out.push_sql(") IN (");
        self.batch.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<A, Columns, Batch> QueryId for DeletePairs<A, Columns, Batch>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Batch: QueryId,
{
    type QueryId = (DeletePairsId<Columns>, A::QueryId, Batch::QueryId);
    const HAS_STATIC_QUERY_ID: bool = A::HAS_STATIC_QUERY_ID && Batch::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Batch, Conn> RunQueryDsl<Conn> for DeletePairs<A, Columns, Batch> {}

/// Tells the id of a [`DeletePairs`] from any other query's.
pub struct DeletePairsId<Columns>(PhantomData<Columns>);
