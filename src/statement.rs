//! Query fragments whose plans are cached.
//!
//! Diesel never caches the plan of an UPDATE that its DSL builds, nor of an INSERT with ON CONFLICT: each would be prepared
//! anew, two round trips on PostgreSQL. These fragments print the same SQL from the same expressions and carry a static
//! query id. They have no `Debug`, which would print bound values. They are few and of fixed shape, because Diesel's cache has no bound.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, AsExpression, Expression};
use diesel::insertable::Insertable;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{Nullable, SingleValue, SqlType};
use diesel::{Column, QueryResult, QuerySource, Table};

pub mod attributes;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod returning;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use returning::*;

/// Most rows in one statement that names the key of each.
pub const KEYS_IN_STATEMENT: usize = 1_000;

diesel::define_sql_function! {
    /// `given`, or `otherwise` where that is NULL.
    fn coalesce<ST: SqlType + SingleValue>(given: Nullable<ST>, otherwise: ST) -> ST;
}

/// `table.column`.
pub(crate) fn of_table<'b, DB: Backend>(
    out: &mut AstPass<'_, 'b, DB>,
    table: &'b impl QueryFragment<DB>,
    column: &str,
) -> QueryResult<()> {
    table.walk_ast(out.reborrow())?;
    out.push_sql(".");
    out.push_identifier(column)
}

/// `column = value` in the SET clause of an [`Update`].
#[derive(Clone, Copy)]
pub struct Set<Col, Expr> {
    value: Expr,
    column: PhantomData<Col>,
}

/// Makes a [`Set`] of a column and what Diesel can turn into an expression of its type.
pub fn set<Col, Value>(_column: Col, value: Value) -> Set<Col, Value::Expression>
where
    Col: Column,
    Col::SqlType: SqlType,
    Value: AsExpression<Col::SqlType>,
    Value::Expression: AppearsOnTable<Col::Table>,
{
    Set { value: value.as_expression(), column: PhantomData }
}

impl<Col, Expr, DB> QueryFragment<DB> for Set<Col, Expr>
where
    DB: Backend,
    Col: Column,
    Expr: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_identifier(Col::NAME)?;
        out.push_sql(" = ");
        self.value.walk_ast(out)
    }
}

impl<Col, Expr> QueryId for Set<Col, Expr>
where
    Col: QueryId,
    Expr: QueryId,
{
    type QueryId = Set<Col::QueryId, Expr::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Col::HAS_STATIC_QUERY_ID && Expr::HAS_STATIC_QUERY_ID;
}

/// `UPDATE table SET … WHERE guard`.
pub struct Update<T: QuerySource, Sets, Guard> {
    from: T::FromClause,
    sets: Sets,
    guard: Guard,
}

/// Makes an [`Update`] of a table, a tuple of [`Set`]s and the guard that a row must pass.
pub fn update<T, Sets, Guard>(table: T, sets: Sets, guard: Guard) -> Update<T, Sets, Guard>
where
    T: Table,
    Guard: AppearsOnTable<T>,
{
    Update { from: table.from_clause(), sets, guard }
}

impl<T, Sets, Guard, DB> QueryFragment<DB> for Update<T, Sets, Guard>
where
    DB: Backend,
    T: Table,
    T::FromClause: QueryFragment<DB>,
    Sets: QueryFragment<DB>,
    Guard: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.sets.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.guard.walk_ast(out)
    }
}

impl<T, Sets, Guard> QueryId for Update<T, Sets, Guard>
where
    T: QuerySource + QueryId,
    Sets: QueryId,
    Guard: QueryId,
{
    type QueryId = (UpdateId, T::QueryId, Sets::QueryId, Guard::QueryId);
    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID && Sets::HAS_STATIC_QUERY_ID && Guard::HAS_STATIC_QUERY_ID;
}

impl<T: QuerySource, Sets, Guard, Conn> RunQueryDsl<Conn> for Update<T, Sets, Guard> {}

/// Tells the id of an [`Update`] from any other query's.
#[derive(Debug, Clone, Copy)]
pub struct UpdateId;

/// `INSERT INTO table (…) VALUES (…) ON CONFLICT (unique) DO NOTHING RETURNING key`.
pub struct InsertNew<T: QuerySource, Values, Unique, Key> {
    into: T::FromClause,
    values: Values,
    columns: PhantomData<(Unique, Key)>,
}

/// Makes an [`InsertNew`]: no row comes back when the unique column's value is taken.
pub fn insert_new<T, Row, Unique, Key>(table: T, row: Row, _unique: Unique, _key: Key) -> InsertNew<T, Row::Values, Unique, Key>
where
    T: Table,
    Row: Insertable<T>,
    Unique: Column<Table = T>,
    Key: Column<Table = T>,
{
    InsertNew { into: table.from_clause(), values: row.values(), columns: PhantomData }
}

impl<T, Values, Unique, Key, DB> QueryFragment<DB> for InsertNew<T, Values, Unique, Key>
where
    DB: Backend,
    T: Table,
    T::FromClause: QueryFragment<DB>,
    Values: QueryFragment<DB>,
    Unique: Column,
    Key: Column,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        self.into.walk_ast(out.reborrow())?;
        out.push_sql(" ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT (");
        out.push_identifier(Unique::NAME)?;
        out.push_sql(") DO NOTHING RETURNING ");
        out.push_identifier(Key::NAME)
    }
}

impl<T, Values, Unique, Key> QueryId for InsertNew<T, Values, Unique, Key>
where
    T: QuerySource + QueryId,
    Values: QueryId,
    Unique: QueryId,
    Key: QueryId,
{
    type QueryId = (InsertNewId, T::QueryId, Values::QueryId, Unique::QueryId, Key::QueryId);
    const HAS_STATIC_QUERY_ID: bool =
        T::HAS_STATIC_QUERY_ID && Values::HAS_STATIC_QUERY_ID && Unique::HAS_STATIC_QUERY_ID && Key::HAS_STATIC_QUERY_ID;
}

impl<T: QuerySource, Values, Unique, Key: Expression> Query for InsertNew<T, Values, Unique, Key> {
    type SqlType = Key::SqlType;
}

impl<T: QuerySource, Values, Unique, Key, Conn> RunQueryDsl<Conn> for InsertNew<T, Values, Unique, Key> {}

/// Tells the id of an [`InsertNew`] from any other query's.
#[derive(Debug, Clone, Copy)]
pub struct InsertNewId;

/// `DELETE table FROM (locked) STRAIGHT_JOIN table`: MySQL's deletion of several rows, all locked before any is deleted.
///
/// A deletion that locked each row in its turn would hold the gaps beside the attributes of one session, in which another
/// request may want to insert, while it waits for the row of the next session, which that request holds.
#[cfg(feature = "mysql")]
pub struct DeleteLocked<T: QuerySource, Key, Locked, Guard> {
    from: T::FromClause,
    key: PhantomData<(T, Key)>,
    locked: Locked,
    guard: Guard,
}

/// Makes a [`DeleteLocked`] of the rows whose keys `locked` selects, in their order, and that pass the guard.
#[cfg(feature = "mysql")]
pub fn delete_locked<T, Key, Locked, Guard>(
    table: T,
    _key: Key,
    locked: Locked,
    guard: Guard,
) -> DeleteLocked<T, Key, Locked, Guard>
where
    T: Table,
    Key: Column<Table = T>,
    Guard: AppearsOnTable<T>,
{
    DeleteLocked { from: table.from_clause(), key: PhantomData, locked, guard }
}

#[cfg(feature = "mysql")]
impl<T, Key, Locked, Guard> QueryFragment<diesel::mysql::Mysql> for DeleteLocked<T, Key, Locked, Guard>
where
    T: Table,
    T::FromClause: QueryFragment<diesel::mysql::Mysql>,
    Key: Column,
    Locked: QueryFragment<diesel::mysql::Mysql>,
    Guard: QueryFragment<diesel::mysql::Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, diesel::mysql::Mysql>) -> QueryResult<()> {
        out.push_sql("DELETE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" FROM (");
        self.locked.walk_ast(out.reborrow())?;
        out.push_sql(") AS locked STRAIGHT_JOIN ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" FORCE INDEX (PRIMARY) ON ");
        of_table(&mut out, &self.from, Key::NAME)?;
        out.push_sql(" = locked.");
        out.push_identifier(Key::NAME)?;
        out.push_sql(" WHERE ");
        self.guard.walk_ast(out)
    }
}

#[cfg(feature = "mysql")]
impl<T, Key, Locked, Guard> QueryId for DeleteLocked<T, Key, Locked, Guard>
where
    T: QuerySource + QueryId,
    Key: QueryId,
    Locked: QueryId,
    Guard: QueryId,
{
    type QueryId = (DeleteLockedId, T::QueryId, Key::QueryId, Locked::QueryId, Guard::QueryId);
    const HAS_STATIC_QUERY_ID: bool =
        T::HAS_STATIC_QUERY_ID && Key::HAS_STATIC_QUERY_ID && Locked::HAS_STATIC_QUERY_ID && Guard::HAS_STATIC_QUERY_ID;
}

#[cfg(feature = "mysql")]
impl<T: QuerySource, Key, Locked, Guard, Conn> RunQueryDsl<Conn> for DeleteLocked<T, Key, Locked, Guard> {}

/// Tells the id of a [`DeleteLocked`] from any other query's.
#[cfg(feature = "mysql")]
#[derive(Debug, Clone, Copy)]
pub struct DeleteLockedId;

/// `SELECT key FROM table FORCE INDEX (PRIMARY) WHERE key IN (…) ORDER BY key LIMIT n FOR UPDATE`: MySQL's lock on rows whose
/// keys are known.
///
/// By the primary key and no other index: a row is then locked before its entries in the other indices, as an update by the
/// primary key locks them. The limit keeps a derived table from being merged into its statement, and its order with it.
#[cfg(feature = "mysql")]
pub struct LockByKey<T: QuerySource, Key, Bound> {
    from: T::FromClause,
    key: PhantomData<(T, Key)>,
    keys: Vec<Bound>,
    limit: i64,
}

/// Makes a [`LockByKey`].
#[cfg(feature = "mysql")]
pub fn lock_by_key<T, Key, Value>(
    table: T,
    _key: Key,
    keys: impl IntoIterator<Item = Value>,
) -> LockByKey<T, Key, Value::Expression>
where
    T: Table,
    Key: Column<Table = T>,
    Key::SqlType: SqlType,
    Value: AsExpression<Key::SqlType>,
{
    let keys: Vec<_> = keys.into_iter().map(AsExpression::as_expression).collect();
    let limit = keys.len().try_into().unwrap_or(i64::MAX);
    LockByKey { from: table.from_clause(), key: PhantomData, keys, limit }
}

#[cfg(feature = "mysql")]
impl<T, Key, Bound> QueryFragment<diesel::mysql::Mysql> for LockByKey<T, Key, Bound>
where
    T: Table,
    T::FromClause: QueryFragment<diesel::mysql::Mysql>,
    Key: Column,
    Bound: QueryFragment<diesel::mysql::Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, diesel::mysql::Mysql>) -> QueryResult<()> {
        // Each number of keys would be a plan of its own.
        out.unsafe_to_cache_prepared();
        out.push_sql("SELECT ");
        out.push_identifier(Key::NAME)?;
        out.push_sql(" FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" FORCE INDEX (PRIMARY) WHERE ");
        out.push_identifier(Key::NAME)?;
        let mut before = " IN (";
        for key in &self.keys {
            out.push_sql(before);
            key.walk_ast(out.reborrow())?;
            before = ", ";
        }
        out.push_sql(") ORDER BY ");
        out.push_identifier(Key::NAME)?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<diesel::sql_types::BigInt, _>(&self.limit)?;
        out.push_sql(" FOR UPDATE");
        Ok(())
    }
}

#[cfg(feature = "mysql")]
impl<T: QuerySource, Key, Bound> QueryId for LockByKey<T, Key, Bound> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// `DELETE FROM table WHERE key = ANY(ARRAY(batch))`: PostgreSQL's bounded delete.
///
/// The array is what bounds it: PostgreSQL evaluates it once. A subselect behind `IN` may be run again for every row that a
/// nested loop tries, and with SKIP LOCKED each run finds other rows.
#[cfg(feature = "postgres")]
pub struct DeleteSelected<T: QuerySource, Key, Batch> {
    from: T::FromClause,
    key: Key,
    batch: Batch,
}

/// Makes a [`DeleteSelected`] of the rows whose key the batch selects.
#[cfg(feature = "postgres")]
pub fn delete_selected<T, Key, Batch>(table: T, key: Key, batch: Batch) -> DeleteSelected<T, Key, Batch>
where
    T: Table,
    Key: Column<Table = T>,
    Batch: Query<SqlType = Key::SqlType>,
{
    DeleteSelected { from: table.from_clause(), key, batch }
}

#[cfg(feature = "postgres")]
impl<T, Key, Batch> QueryFragment<diesel::pg::Pg> for DeleteSelected<T, Key, Batch>
where
    T: Table,
    T::FromClause: QueryFragment<diesel::pg::Pg>,
    Key: QueryFragment<diesel::pg::Pg>,
    Batch: QueryFragment<diesel::pg::Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, diesel::pg::Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.key.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(ARRAY(");
        self.batch.walk_ast(out.reborrow())?;
        out.push_sql("))");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<T, Key, Batch> QueryId for DeleteSelected<T, Key, Batch>
where
    T: QuerySource + QueryId,
    Key: QueryId,
    Batch: QueryId,
{
    type QueryId = (DeleteSelectedId, T::QueryId, Key::QueryId, Batch::QueryId);
    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID && Key::HAS_STATIC_QUERY_ID && Batch::HAS_STATIC_QUERY_ID;
}

#[cfg(feature = "postgres")]
impl<T: QuerySource, Key, Batch, Conn> RunQueryDsl<Conn> for DeleteSelected<T, Key, Batch> {}

/// Tells the id of a [`DeleteSelected`] from any other query's.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone, Copy)]
pub struct DeleteSelectedId;
