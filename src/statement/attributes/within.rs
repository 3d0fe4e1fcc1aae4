//! A column within what a subselect gives.
//!
//! It stands for a subselect of the DSL, which would want the application's two tables declared together.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Bool;
use diesel::{Column, Expression, QueryResult};

/// `column IN (subselect)`, whichever table the subselect reads.
#[derive(Clone, Copy, QueryId)]
pub struct Within<Col, Subselect> {
    column: Col,
    subselect: Subselect,
}

/// Makes a [`Within`].
pub fn within<Col, Subselect>(column: Col, subselect: Subselect) -> Within<Col, Subselect>
where
    Col: Column,
    Subselect: Query<SqlType = Col::SqlType>,
{
    Within { column, subselect }
}

impl<Col, Subselect, DB> QueryFragment<DB> for Within<Col, Subselect>
where
    DB: Backend,
    Col: QueryFragment<DB>,
    Subselect: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (");
        self.subselect.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<Col, Subselect> Expression for Within<Col, Subselect> {
    type SqlType = Bool;
}

impl<Col: AppearsOnTable<Source>, Subselect, Source> AppearsOnTable<Source> for Within<Col, Subselect> {}

impl<Col: SelectableExpression<Source>, Subselect, Source> SelectableExpression<Source> for Within<Col, Subselect> {}

impl<Col, Subselect> ValidGrouping<()> for Within<Col, Subselect> {
    type IsAggregate = is_aggregate::No;
}
