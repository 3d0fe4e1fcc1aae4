//! Looking attributes up: one statement tells a session that is not live from an attribute that is not there.
//!
//! It stands for a join of the DSL, which would want the application's two tables declared together.

use std::marker::PhantomData;

use diesel::expression::AppearsOnTable;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Column, Expression, QueryResult, QuerySource, Table};

use super::{AttributeColumns, Dialect};
use crate::statement::of_table;

/// `SELECT … FROM live LEFT JOIN attributes`: no row without a live session, nulls without an attribute.
pub struct Found<A: QuerySource, Columns, Id, Live, On, Selected> {
    table: A::FromClause,
    live: Live,
    on: On,
    selected: Selected,
    types: PhantomData<(A, Columns, Id)>,
}

/// Makes a [`Found`] of the attributes for which `on` holds, within the session that `live` selects by its column `id`.
pub fn found<A, Columns, Id, Live, On, Selected>(
    (table, _columns): (A, Columns),
    (live, _id): (Live, Id),
    on: On,
    selected: Selected,
) -> Found<A, Columns, Id, Live, On, Selected>
where
    A: Table,
    Columns: AttributeColumns,
    Id: Column,
    On: AppearsOnTable<A>,
    Selected: AppearsOnTable<A>,
{
    Found { table: table.from_clause(), live, on, selected, types: PhantomData }
}

impl<A, Columns, Id, Live, On, Selected, DB> QueryFragment<DB> for Found<A, Columns, Id, Live, On, Selected>
where
    DB: Dialect,
    A: Table,
    A::FromClause: QueryFragment<DB>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<DB>,
    On: QueryFragment<DB>,
    Selected: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.selected.walk_ast(out.reborrow())?;
        out.push_sql(" FROM (");
        self.live.walk_ast(out.reborrow())?;
        out.push_sql(") AS live LEFT JOIN ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(DB::BY_KEY);
        out.push_sql(" ON ");
        of_table(&mut out, &self.table, Columns::NAMES[0])?;
        out.push_sql(" = live.");
        out.push_identifier(Id::NAME)?;
        out.push_sql(" AND ");
        self.on.walk_ast(out)
    }
}

impl<A, Columns, Id, Live, On, Selected> QueryId for Found<A, Columns, Id, Live, On, Selected>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Id: 'static,
    Live: QueryId,
    On: QueryId,
    Selected: QueryId,
{
    type QueryId = (FoundId<Columns, Id>, A::QueryId, Live::QueryId, On::QueryId, Selected::QueryId);
    const HAS_STATIC_QUERY_ID: bool =
        A::HAS_STATIC_QUERY_ID && Live::HAS_STATIC_QUERY_ID && On::HAS_STATIC_QUERY_ID && Selected::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Id, Live, On, Selected: Expression> Query for Found<A, Columns, Id, Live, On, Selected> {
    type SqlType = Selected::SqlType;
}

impl<A: QuerySource, Columns, Id, Live, On, Selected, Conn> RunQueryDsl<Conn> for Found<A, Columns, Id, Live, On, Selected> {}

/// Tells the id of a [`Found`] from any other query's.
pub struct FoundId<Columns, Id>(PhantomData<(Columns, Id)>);
