//! Changing attributes that exist, on SQLite and MySQL.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Column, QueryResult, QuerySource, Table};

use super::{AttributeColumns, Dialect, Existing, set_given};
use crate::statement::of_table;

/// A change of attributes that are joined to `live` and `given`: SQLite's `UPDATE … FROM`, MySQL's `UPDATE … JOIN`.
pub struct UpdateGiven<A: QuerySource, Columns, Id, Live, Given, Now, Guard, How> {
    table: A::FromClause,
    live: Live,
    given: Given,
    now: Now,
    guard: Guard,
    types: PhantomData<(A, Columns, Id, How)>,
}

/// Makes an [`UpdateGiven`] of the attributes of the session that `live` selects, which must pass the guard.
pub fn update_given<A, Columns, Id, Live, Given, Now, Guard, How>(
    (table, _columns): (A, Columns),
    (live, _id): (Live, Id),
    given: Given,
    now: Now,
    guard: Guard,
    _how: PhantomData<How>,
) -> UpdateGiven<A, Columns, Id, Live, Given, Now, Guard, How>
where
    A: Table,
    Columns: AttributeColumns,
    Id: Column,
    How: Existing,
{
    UpdateGiven { table: table.from_clause(), live, given, now, guard, types: PhantomData }
}

impl<A, Columns, Id, Live, Given, Now, Guard, How, DB> QueryFragment<DB>
    for UpdateGiven<A, Columns, Id, Live, Given, Now, Guard, How>
where
    DB: Dialect,
    A: Table,
    A::FromClause: QueryFragment<DB>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<DB>,
    Given: QueryFragment<DB>,
    Now: QueryFragment<DB>,
    Guard: QueryFragment<DB>,
    How: Existing,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let [session_id, name, ..] = Columns::NAMES;
        let (table, live, given) = (&self.table, &self.live, &self.given);
        let joined = |out: &mut AstPass<'_, 'b, DB>| {
            of_table(out, table, session_id)?;
            out.push_sql(" = live.");
            out.push_identifier(Id::NAME)?;
            out.push_sql(" AND ");
            of_table(out, table, name)?;
            out.push_sql(" = given.name");
            QueryResult::Ok(())
        };
        let sources = |out: &mut AstPass<'_, 'b, DB>, between| {
            out.push_sql("(");
            live.walk_ast(out.reborrow())?;
            out.push_sql(") AS live");
            out.push_sql(between);
            given.walk_ast(out.reborrow())
        };
        out.push_sql("UPDATE ");
        if DB::UPDATE_FROM {
            table.walk_ast(out.reborrow())?;
            out.push_sql(" SET ");
            set_given::<A, Columns, How, DB>(&mut out, table, &self.now, false)?;
            out.push_sql(" FROM ");
            sources(&mut out, ", ")?;
            out.push_sql(" WHERE ");
            joined(&mut out)?;
            out.push_sql(" AND ");
        } else {
            // In this order and no other: the session's row is locked first.
            sources(&mut out, " STRAIGHT_JOIN ")?;
            out.push_sql(" STRAIGHT_JOIN ");
            table.walk_ast(out.reborrow())?;
            out.push_sql(DB::BY_KEY);
            out.push_sql(" ON ");
            joined(&mut out)?;
            out.push_sql(" SET ");
            set_given::<A, Columns, How, DB>(&mut out, table, &self.now, true)?;
            out.push_sql(" WHERE ");
        }
        self.guard.walk_ast(out)
    }
}

impl<A, Columns, Id, Live, Given, Now, Guard, How> QueryId for UpdateGiven<A, Columns, Id, Live, Given, Now, Guard, How>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Id: 'static,
    Live: QueryId,
    Given: QueryId,
    Now: QueryId,
    Guard: QueryId,
    How: 'static,
{
    type QueryId = (UpdateGivenId<Columns, Id, How>, A::QueryId, Live::QueryId, Given::QueryId, Now::QueryId, Guard::QueryId);
    const HAS_STATIC_QUERY_ID: bool = A::HAS_STATIC_QUERY_ID
        && Live::HAS_STATIC_QUERY_ID
        && Given::HAS_STATIC_QUERY_ID
        && Now::HAS_STATIC_QUERY_ID
        && Guard::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Id, Live, Given, Now, Guard, How, Conn> RunQueryDsl<Conn>
    for UpdateGiven<A, Columns, Id, Live, Given, Now, Guard, How>
{
}

/// Tells the id of an [`UpdateGiven`] from any other query's.
pub struct UpdateGivenId<Columns, Id, How>(PhantomData<(Columns, Id, How)>);
