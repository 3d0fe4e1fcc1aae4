//! Writing attributes of a live session that may or may not exist.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Column, QueryResult, QuerySource, Table};

use super::{AttributeColumns, Dialect, Existing, around, new_value};
use crate::statement::of_table;

/// `INSERT … SELECT … FROM live, given` with what happens where a name exists: set and create.
pub struct Upsert<A: QuerySource, Columns, Id, Live, Given, Now, How> {
    table: A::FromClause,
    live: Live,
    given: Given,
    now: Now,
    types: PhantomData<(A, Columns, Id, How)>,
}

/// Makes an [`Upsert`] into `table` for the session that `live` selects by its column `id`.
pub fn upsert<A, Columns, Id, Live, Given, Now, How>(
    (table, _columns): (A, Columns),
    (live, _id): (Live, Id),
    given: Given,
    now: Now,
    _how: PhantomData<How>,
) -> Upsert<A, Columns, Id, Live, Given, Now, How>
where
    A: Table,
    Columns: AttributeColumns,
    Id: Column,
    How: Existing,
{
    Upsert { table: table.from_clause(), live, given, now, types: PhantomData }
}

impl<A, Columns, Id, Live, Given, Now, How, DB> QueryFragment<DB> for Upsert<A, Columns, Id, Live, Given, Now, How>
where
    DB: Dialect,
    A: Table,
    A::FromClause: QueryFragment<DB>,
    Columns: AttributeColumns,
    Id: Column,
    Live: QueryFragment<DB>,
    Given: QueryFragment<DB>,
    Now: QueryFragment<DB>,
    How: Existing,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let [session_id, name, value, sealed, created_at, updated_at, expires_at] = Columns::NAMES;
        out.push_sql("INSERT INTO ");
        self.table.walk_ast(out.reborrow())?;
        let mut before = " (";
        for column in Columns::NAMES {
            out.push_sql(before);
            out.push_identifier(column)?;
            before = ", ";
        }
        out.push_sql(") SELECT live.");
        out.push_identifier(Id::NAME)?;
        out.push_sql(", given.name, given.value, given.sealed, ");
        around(&mut out, DB::TIME, &self.now)?;
        out.push_sql(", ");
        around(&mut out, DB::TIME, &self.now)?;
        out.push_sql(", given.expires_at FROM (");
        self.live.walk_ast(out.reborrow())?;
        out.push_sql(") AS live, ");
        self.given.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE TRUE");
        if How::ONLY_EXPIRED && !DB::ON_CONFLICT {
            return Ok(());
        }
        if DB::ON_CONFLICT {
            out.push_sql(" ON CONFLICT (");
            out.push_identifier(session_id)?;
            out.push_sql(", ");
            out.push_identifier(name)?;
            out.push_sql(") DO UPDATE SET ");
        } else {
            out.push_sql(" ON DUPLICATE KEY UPDATE ");
        }
        // MySQL sees what it has just assigned: `created_at` asks for the expiry before `expires_at` is written.
        out.push_identifier(created_at)?;
        out.push_sql(" = ");
        if How::ONLY_EXPIRED {
            new_value(&mut out, created_at)?;
        } else {
            out.push_sql("CASE WHEN ");
            self.old_value(&mut out, expires_at)?;
            out.push_sql(" <= ");
            new_value(&mut out, updated_at)?;
            out.push_sql(" THEN ");
            new_value(&mut out, created_at)?;
            out.push_sql(" ELSE ");
            self.old_value(&mut out, created_at)?;
            out.push_sql(" END");
        }
        for column in [value, sealed, updated_at] {
            out.push_sql(", ");
            out.push_identifier(column)?;
            out.push_sql(" = ");
            new_value(&mut out, column)?;
        }
        out.push_sql(", ");
        out.push_identifier(expires_at)?;
        out.push_sql(" = ");
        if How::KEEPS_EXPIRY {
            out.push_sql("COALESCE(");
            new_value(&mut out, expires_at)?;
            out.push_sql(", CASE WHEN ");
            self.old_value(&mut out, expires_at)?;
            out.push_sql(" > ");
            new_value(&mut out, updated_at)?;
            out.push_sql(" THEN ");
            self.old_value(&mut out, expires_at)?;
            out.push_sql(" END)");
        } else {
            new_value(&mut out, expires_at)?;
        }
        if How::ONLY_EXPIRED {
            out.push_sql(" WHERE ");
            self.old_value(&mut out, expires_at)?;
            out.push_sql(" <= ");
            new_value(&mut out, updated_at)?;
        }
        Ok(())
    }
}

impl<A, Columns, Id, Live, Given, Now, How> Upsert<A, Columns, Id, Live, Given, Now, How>
where
    A: Table,
{
    fn old_value<'b, DB>(&'b self, out: &mut AstPass<'_, 'b, DB>, column: &str) -> QueryResult<()>
    where
        DB: Backend,
        A::FromClause: QueryFragment<DB>,
    {
        of_table(out, &self.table, column)
    }
}

impl<A, Columns, Id, Live, Given, Now, How> QueryId for Upsert<A, Columns, Id, Live, Given, Now, How>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Id: 'static,
    Live: QueryId,
    Given: QueryId,
    Now: QueryId,
    How: 'static,
{
    type QueryId = (UpsertId<Columns, Id, How>, A::QueryId, Live::QueryId, Given::QueryId, Now::QueryId);
    const HAS_STATIC_QUERY_ID: bool =
        A::HAS_STATIC_QUERY_ID && Live::HAS_STATIC_QUERY_ID && Given::HAS_STATIC_QUERY_ID && Now::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Id, Live, Given, Now, How, Conn> RunQueryDsl<Conn>
    for Upsert<A, Columns, Id, Live, Given, Now, How>
{
}

/// Tells the id of an [`Upsert`] from any other query's.
pub struct UpsertId<Columns, Id, How>(PhantomData<(Columns, Id, How)>);
