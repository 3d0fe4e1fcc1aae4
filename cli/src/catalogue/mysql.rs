//! Tables as MySQL and MariaDB describe them.

use super::{Column, Index, KeyColumn, Table, TableName, action, indices, keys, kind, linked};
use crate::database::Database;
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::failure::Failure;

const COLUMNS: &str = "\
    SELECT TABLE_SCHEMA AS of_schema, TABLE_NAME AS of_table, COLUMN_NAME AS name, COLUMN_TYPE AS sql_type, IS_NULLABLE = 'YES' AS nullable, \
           COALESCE(COLUMN_DEFAULT, NULLIF(GENERATION_EXPRESSION, '')) AS initial, \
           COLLATION_NAME AS collation, EXTRA LIKE '%auto_increment%' AS numbered, \
           COALESCE(GENERATION_EXPRESSION, '') <> '' AS generated \
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

const INDICES: &str = "\
    SELECT INDEX_NAME AS name, NON_UNIQUE = 0 AS is_unique, INDEX_NAME = 'PRIMARY' AS is_primary, COLUMN_NAME AS member \
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? \
    ORDER BY INDEX_NAME, SEQ_IN_INDEX";

const KEYS: &str = "\
    SELECT k.CONSTRAINT_NAME AS name, k.TABLE_SCHEMA AS from_schema, k.TABLE_NAME AS from_table, k.COLUMN_NAME AS from_column, \
           k.REFERENCED_TABLE_SCHEMA AS to_schema, k.REFERENCED_TABLE_NAME AS to_table, k.REFERENCED_COLUMN_NAME AS to_column, \
           r.DELETE_RULE AS on_delete, k.TABLE_SCHEMA = DATABASE() AS from_visible, \
           k.REFERENCED_TABLE_SCHEMA = DATABASE() AS to_visible \
    FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r \
         ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME \
    WHERE ";

const FROM: &str = "k.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND k.TABLE_NAME = ?";
const TO: &str = "k.REFERENCED_TABLE_SCHEMA = COALESCE(?, DATABASE()) AND k.REFERENCED_TABLE_NAME = ?";
const ORDER: &str = "ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION";

pub(super) fn read(database: &mut Database, name: &TableName) -> Result<Option<Table>, Failure> {
    let about = |sql: String| Statement::new(sql).bind(name.schema.clone()).bind(name.name.as_str());
    let columns = database.rows(&about(COLUMNS.to_owned()))?;
    let Some(first) = columns.first() else { return Ok(None) };
    let own_name = name.clone().at(first.text("of_schema")?, first.text("of_table")?);
    let members = database.rows(&about(INDICES.to_owned()))?;
    let from = database.rows(&about(format!("{KEYS} {FROM} {ORDER}")))?;
    let to = database.rows(&about(format!("{KEYS} {TO} {ORDER}")))?;
    Ok(Some(Table {
        name: own_name,
        columns: columns.iter().map(column).collect::<Result<_, _>>()?,
        indices: indices(members.iter().map(member).collect::<Result<Vec<_>, _>>()?),
        foreign_keys: keys(from.iter().map(|row| key_column(row, name)).collect::<Result<Vec<_>, _>>()?),
        references: keys(to.iter().map(|row| key_column(row, name)).collect::<Result<Vec<_>, _>>()?),
    }))
}

fn column(row: &Row) -> Result<Column, Failure> {
    let sql_type = row.text("sql_type")?.to_owned();
    Ok(Column {
        name: row.text("name")?.to_owned(),
        kind: kind(&sql_type),
        bare_type: sql_type.clone(),
        sql_type,
        nullable: row.boolean("nullable")?,
        // MariaDB spells "no default" of a nullable column as NULL.
        default: row.maybe_text("initial")?.filter(|text| *text != "NULL").map(ToOwned::to_owned),
        collation: row.maybe_text("collation")?.map(ToOwned::to_owned),
        numbered: row.boolean("numbered")?,
        generated: row.boolean("generated")?,
    })
}

fn member(row: &Row) -> Result<Index, Failure> {
    Ok(Index {
        name: row.text("name")?.to_owned(),
        unique: row.boolean("is_unique")?,
        primary: row.boolean("is_primary")?,
        columns: vec![row.maybe_text("member")?.map(ToOwned::to_owned)],
        predicate: None,
    })
}

fn key_column(row: &Row, asked: &TableName) -> Result<KeyColumn, Failure> {
    let from = linked(row, ["from_visible", "from_schema", "from_table"], asked)?;
    let name = row.text("name")?;
    Ok(KeyColumn {
        key: format!("{from}.{name}"),
        name: Some(name.to_owned()),
        column: row.text("from_column")?.to_owned(),
        to: linked(row, ["to_visible", "to_schema", "to_table"], asked)?,
        to_column: row.text("to_column")?.to_owned(),
        on_delete: action(row.text("on_delete")?),
        from,
    })
}
