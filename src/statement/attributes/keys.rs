//! MySQL's deletion of attributes whose keys are known.

use std::marker::PhantomData;

use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{Column, QueryResult, QuerySource, Table};

use super::{AttributeColumns, Dialect as _};
use crate::statement::of_table;

/// Deletes attributes whose keys are known, if they still pass the guard. Their sessions are `locked` first.
pub struct DeleteKeys<A: QuerySource, Columns, Id, Locked, Key, Guard> {
    table: A::FromClause,
    locked: Locked,
    keys: Vec<Key>,
    guard: Guard,
    types: PhantomData<(A, Columns, Id)>,
}

/// Makes a [`DeleteKeys`] of pairs of expressions: the session's id and the attribute's name.
pub fn delete_keys<A, Columns, Id, Locked, Key, Guard>(
    (table, _columns): (A, Columns),
    (locked, _id): (Locked, Id),
    keys: impl IntoIterator<Item = Key>,
    guard: Guard,
) -> DeleteKeys<A, Columns, Id, Locked, Key, Guard>
where
    A: Table,
    Columns: AttributeColumns,
    Id: Column,
{
    DeleteKeys { table: table.from_clause(), locked, keys: keys.into_iter().collect(), guard, types: PhantomData }
}

impl<A, Columns, Id, Locked, SessionId, Name, Guard> QueryFragment<Mysql>
    for DeleteKeys<A, Columns, Id, Locked, (SessionId, Name), Guard>
where
    A: Table,
    A::FromClause: QueryFragment<Mysql>,
    Columns: AttributeColumns,
    Id: Column,
    Locked: QueryFragment<Mysql>,
    SessionId: QueryFragment<Mysql>,
    Name: QueryFragment<Mysql>,
    Guard: QueryFragment<Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        let [session_id, name, ..] = Columns::NAMES;
        out.unsafe_to_cache_prepared();
        out.push_sql("DELETE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" FROM (");
        self.locked.walk_ast(out.reborrow())?;
        out.push_sql(") AS locked STRAIGHT_JOIN ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(Mysql::BY_KEY);
        out.push_sql(" ON ");
        of_table(&mut out, &self.table, session_id)?;
        out.push_sql(" = locked.");
        out.push_identifier(Id::NAME)?;
        let mut before = " WHERE (";
        for (id, key) in &self.keys {
            out.push_sql(before);
            out.push_sql("(");
            of_table(&mut out, &self.table, session_id)?;
            out.push_sql(" = ");
            id.walk_ast(out.reborrow())?;
            out.push_sql(" AND ");
            of_table(&mut out, &self.table, name)?;
            out.push_sql(" = ");
            key.walk_ast(out.reborrow())?;
            out.push_sql(")");
            before = " OR ";
        }
        out.push_sql(") AND ");
        self.guard.walk_ast(out)
    }
}

impl<A: QuerySource, Columns, Id, Locked, Key, Guard> QueryId for DeleteKeys<A, Columns, Id, Locked, Key, Guard> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<A: QuerySource, Columns, Id, Locked, Key, Guard, Conn> RunQueryDsl<Conn> for DeleteKeys<A, Columns, Id, Locked, Key, Guard> {}
