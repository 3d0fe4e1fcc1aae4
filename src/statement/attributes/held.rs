//! PostgreSQL's changes of several attributes: they are locked in the order of their names before any is changed, so that two
//! such statements wait for each other and never deadlock.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::{QueryResult, QuerySource, Table};

use super::{AttributeColumns, Existing, set_given};
use crate::statement::of_table;

/// Gives each of the `held` attributes what is `given`, if as many are held as were asked for.
pub struct UpdateHeld<A: QuerySource, Columns, Held, Given, Now, Count, How> {
    table: A::FromClause,
    held: Held,
    given: Given,
    now: Now,
    count: Count,
    types: PhantomData<(A, Columns, How)>,
}

/// Makes an [`UpdateHeld`]; `held` selects session and name of the attributes.
pub fn update_held<A, Columns, Held, Given, Now, Count, How>(
    (table, _columns): (A, Columns),
    held: Held,
    given: Given,
    now: Now,
    count: Count,
    _how: PhantomData<How>,
) -> UpdateHeld<A, Columns, Held, Given, Now, Count, How>
where
    A: Table,
    Columns: AttributeColumns,
    How: Existing,
{
    UpdateHeld { table: table.from_clause(), held, given, now, count, types: PhantomData }
}

impl<A, Columns, Held, Given, Now, Count, How> QueryFragment<Pg> for UpdateHeld<A, Columns, Held, Given, Now, Count, How>
where
    A: Table,
    A::FromClause: QueryFragment<Pg>,
    Columns: AttributeColumns,
    Held: QueryFragment<Pg>,
    Given: QueryFragment<Pg>,
    Now: QueryFragment<Pg>,
    Count: QueryFragment<Pg>,
    How: Existing,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        with_held(&mut out, &self.held)?;
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        set_given::<A, Columns, How, Pg>(&mut out, &self.table, &self.now, false)?;
        out.push_sql(" FROM held, ");
        self.given.walk_ast(out.reborrow())?;
        is_held::<Columns>(&mut out, &self.table)?;
        out.push_sql(" AND given.name = held.");
        out.push_identifier(Columns::NAMES[1])?;
        all_held(&mut out, &self.count)
    }
}

impl<A, Columns, Held, Given, Now, Count, How> QueryId for UpdateHeld<A, Columns, Held, Given, Now, Count, How>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Held: QueryId,
    Given: QueryId,
    Now: QueryId,
    Count: QueryId,
    How: 'static,
{
    type QueryId = (UpdateHeldId<Columns, How>, A::QueryId, Held::QueryId, Given::QueryId, Now::QueryId, Count::QueryId);
    const HAS_STATIC_QUERY_ID: bool = A::HAS_STATIC_QUERY_ID
        && Held::HAS_STATIC_QUERY_ID
        && Given::HAS_STATIC_QUERY_ID
        && Now::HAS_STATIC_QUERY_ID
        && Count::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Held, Given, Now, Count, How, Conn> RunQueryDsl<Conn>
    for UpdateHeld<A, Columns, Held, Given, Now, Count, How>
{
}

/// Tells the id of an [`UpdateHeld`] from any other query's.
pub struct UpdateHeldId<Columns, How>(PhantomData<(Columns, How)>);

/// Gives all the `held` attributes one expiry, if as many are held as were asked for.
pub struct ExpireHeld<A: QuerySource, Columns, Held, Sets, Count> {
    table: A::FromClause,
    held: Held,
    sets: Sets,
    count: Count,
    types: PhantomData<(A, Columns)>,
}

/// Makes an [`ExpireHeld`]; `sets` is what is changed.
pub fn expire_held<A, Columns, Held, Sets, Count>(
    (table, _columns): (A, Columns),
    held: Held,
    sets: Sets,
    count: Count,
) -> ExpireHeld<A, Columns, Held, Sets, Count>
where
    A: Table,
    Columns: AttributeColumns,
{
    ExpireHeld { table: table.from_clause(), held, sets, count, types: PhantomData }
}

impl<A, Columns, Held, Sets, Count> QueryFragment<Pg> for ExpireHeld<A, Columns, Held, Sets, Count>
where
    A: Table,
    A::FromClause: QueryFragment<Pg>,
    Columns: AttributeColumns,
    Held: QueryFragment<Pg>,
    Sets: QueryFragment<Pg>,
    Count: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        with_held(&mut out, &self.held)?;
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.sets.walk_ast(out.reborrow())?;
        out.push_sql(" FROM held");
        is_held::<Columns>(&mut out, &self.table)?;
        all_held(&mut out, &self.count)
    }
}

impl<A, Columns, Held, Sets, Count> QueryId for ExpireHeld<A, Columns, Held, Sets, Count>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Held: QueryId,
    Sets: QueryId,
    Count: QueryId,
{
    type QueryId = (ExpireHeldId<Columns>, A::QueryId, Held::QueryId, Sets::QueryId, Count::QueryId);
    const HAS_STATIC_QUERY_ID: bool =
        A::HAS_STATIC_QUERY_ID && Held::HAS_STATIC_QUERY_ID && Sets::HAS_STATIC_QUERY_ID && Count::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Held, Sets, Count, Conn> RunQueryDsl<Conn> for ExpireHeld<A, Columns, Held, Sets, Count> {}

/// Tells the id of an [`ExpireHeld`] from any other query's.
pub struct ExpireHeldId<Columns>(PhantomData<Columns>);

/// Deletes the `held` attributes.
pub struct DeleteHeld<A: QuerySource, Columns, Held> {
    table: A::FromClause,
    held: Held,
    types: PhantomData<(A, Columns)>,
}

/// Makes a [`DeleteHeld`].
pub fn delete_held<A, Columns, Held>((table, _columns): (A, Columns), held: Held) -> DeleteHeld<A, Columns, Held>
where
    A: Table,
    Columns: AttributeColumns,
{
    DeleteHeld { table: table.from_clause(), held, types: PhantomData }
}

impl<A, Columns, Held> QueryFragment<Pg> for DeleteHeld<A, Columns, Held>
where
    A: Table,
    A::FromClause: QueryFragment<Pg>,
    Columns: AttributeColumns,
    Held: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        with_held(&mut out, &self.held)?;
        out.push_sql("DELETE FROM ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" USING held");
        is_held::<Columns>(&mut out, &self.table)
    }
}

impl<A, Columns, Held> QueryId for DeleteHeld<A, Columns, Held>
where
    A: QuerySource + QueryId,
    Columns: 'static,
    Held: QueryId,
{
    type QueryId = (DeleteHeldId<Columns>, A::QueryId, Held::QueryId);
    const HAS_STATIC_QUERY_ID: bool = A::HAS_STATIC_QUERY_ID && Held::HAS_STATIC_QUERY_ID;
}

impl<A: QuerySource, Columns, Held, Conn> RunQueryDsl<Conn> for DeleteHeld<A, Columns, Held> {}

/// Tells the id of a [`DeleteHeld`] from any other query's.
pub struct DeleteHeldId<Columns>(PhantomData<Columns>);

/// MATERIALIZED: evaluated once, before anything is changed.
fn with_held<'b>(out: &mut AstPass<'_, 'b, Pg>, held: &'b impl QueryFragment<Pg>) -> QueryResult<()> {
    out.push_sql("WITH held AS MATERIALIZED (");
    held.walk_ast(out.reborrow())?;
    out.push_sql(") ");
    Ok(())
}

fn is_held<'b, Columns: AttributeColumns>(out: &mut AstPass<'_, 'b, Pg>, table: &'b impl QueryFragment<Pg>) -> QueryResult<()> {
    let mut before = " WHERE ";
    for column in &Columns::NAMES[..2] {
        out.push_sql(before);
        of_table(out, table, column)?;
        out.push_sql(" = held.");
        out.push_identifier(column)?;
        before = " AND ";
    }
    Ok(())
}

fn all_held<'b>(out: &mut AstPass<'_, 'b, Pg>, count: &'b impl QueryFragment<Pg>) -> QueryResult<()> {
    out.push_sql(" AND (SELECT count(*) FROM held) = ");
    count.walk_ast(out.reborrow())
}
