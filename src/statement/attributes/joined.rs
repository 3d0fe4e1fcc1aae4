//! MySQL's statements over attributes that are joined to the session's row. The STRAIGHT_JOIN says in which order the two are
//! read, and so locked.

use std::marker::PhantomData;

use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Column, Expression, QueryResult, QuerySource, Table};

use super::{AttributeColumns, Dialect as _};
use crate::statement::of_table;

/// `DELETE`, `UPDATE` or a locking `SELECT` of the attributes of the session that `live` selects, which must pass the guard.
pub struct Joined<A: QuerySource, Columns, Id, Live, Guard, Verb> {
    table: A::FromClause,
    live: Live,
    guard: Guard,
    verb: Verb,
    types: PhantomData<(A, Columns, Id)>,
}

/// Makes a [`Joined`].
pub fn joined<A, Columns, Id, Live, Guard, Verb>(
    (table, _columns): (A, Columns),
    (live, _id): (Live, Id),
    guard: Guard,
    verb: Verb,
) -> Joined<A, Columns, Id, Live, Guard, Verb>
where
    A: Table,
    Columns: AttributeColumns,
    Id: Column,
{
    Joined { table: table.from_clause(), live, guard, verb, types: PhantomData }
}

/// Deletes them.
#[derive(QueryId)]
pub struct Delete;

/// Changes columns of them: what is set stands as [`set`](crate::statement::set) makes it.
#[derive(QueryId)]
pub struct Change<Sets>(pub Sets);

/// Reads columns of them, and locks them.
#[derive(QueryId)]
pub struct Lock<Selected>(pub Selected);

impl<A, Columns, Id, Live, Guard, Verb> Joined<A, Columns, Id, Live, Guard, Verb>
where
    A: Table,
    A::FromClause: QueryFragment<Mysql>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<Mysql>,
    Guard: QueryFragment<Mysql>,
{
    fn sources<'b>(&'b self, out: &mut AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("(");
        self.live.walk_ast(out.reborrow())?;
        out.push_sql(") AS live STRAIGHT_JOIN ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(Mysql::BY_KEY);
        out.push_sql(" ON ");
        of_table(out, &self.table, Columns::NAMES[0])?;
        out.push_sql(" = live.");
        out.push_identifier(Id::NAME)
    }

    fn guard<'b>(&'b self, out: &mut AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql(" WHERE ");
        self.guard.walk_ast(out.reborrow())
    }
}

impl<A, Columns, Id, Live, Guard> QueryFragment<Mysql> for Joined<A, Columns, Id, Live, Guard, Delete>
where
    A: Table,
    A::FromClause: QueryFragment<Mysql>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<Mysql>,
    Guard: QueryFragment<Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("DELETE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        self.sources(&mut out)?;
        self.guard(&mut out)
    }
}

impl<A, Columns, Id, Live, Guard, Sets> QueryFragment<Mysql> for Joined<A, Columns, Id, Live, Guard, Change<Sets>>
where
    A: Table,
    A::FromClause: QueryFragment<Mysql>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<Mysql>,
    Guard: QueryFragment<Mysql>,
    Sets: QueryFragment<Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.sources(&mut out)?;
        out.push_sql(" SET ");
        self.verb.0.walk_ast(out.reborrow())?;
        self.guard(&mut out)
    }
}

impl<A, Columns, Id, Live, Guard, Selected> QueryFragment<Mysql> for Joined<A, Columns, Id, Live, Guard, Lock<Selected>>
where
    A: Table,
    A::FromClause: QueryFragment<Mysql>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<Mysql>,
    Guard: QueryFragment<Mysql>,
    Selected: QueryFragment<Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.verb.0.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        self.sources(&mut out)?;
        self.guard(&mut out)?;
        out.push_sql(" FOR UPDATE");
        Ok(())
    }
}

impl<A: QuerySource, Columns, Id, Live, Guard, Selected: Expression> Query
    for Joined<A, Columns, Id, Live, Guard, Lock<Selected>>
{
    type SqlType = Selected::SqlType;
}

impl<A, Columns, Id, Live, Guard, Verb> QueryId for Joined<A, Columns, Id, Live, Guard, Verb>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Id: 'static,
    Live: QueryId,
    Guard: QueryId,
    Verb: QueryId,
{
    type QueryId = (JoinedId<Columns, Id>, A::QueryId, Live::QueryId, Guard::QueryId, Verb::QueryId);
    const HAS_STATIC_QUERY_ID: bool =
        A::HAS_STATIC_QUERY_ID && Live::HAS_STATIC_QUERY_ID && Guard::HAS_STATIC_QUERY_ID && Verb::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Id, Live, Guard, Verb, Conn> RunQueryDsl<Conn> for Joined<A, Columns, Id, Live, Guard, Verb> {}

/// Tells the id of a [`Joined`] from any other query's.
pub struct JoinedId<Columns, Id>(PhantomData<(Columns, Id)>);

/// Any query, locking what it reads.
#[derive(QueryId)]
pub struct ForUpdate<Q>(pub Q);

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for ForUpdate<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR UPDATE");
        Ok(())
    }
}

impl<Q: Query> Query for ForUpdate<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for ForUpdate<Q> {}
