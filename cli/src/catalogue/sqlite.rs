//! Tables as SQLite describes them.

use super::{Column, ForeignKey, Index, KeyColumn, Table, TableName, action, indices, keys, kind};
use crate::database::Database;
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::failure::Failure;

const INDICES: &str = "\
    SELECT l.name AS name, l.\"unique\" AS is_unique, l.origin = 'pk' AS is_primary, i.name AS member, \
           CASE WHEN l.partial THEN m.sql END AS predicate \
    FROM pragma_index_list(?, ?) AS l JOIN pragma_index_info(l.name, ?) AS i LEFT JOIN ";

const KEYS: &str = "\
    SELECT m.name AS from_table, k.id AS key, k.\"from\" AS from_column, k.\"table\" AS to_table, k.\"to\" AS to_column, \
           k.on_delete AS on_delete \
    FROM ";

pub(super) fn read(database: &mut Database, name: &TableName) -> Result<Option<Table>, Failure> {
    let schema = name.schema.clone().unwrap_or_else(|| "main".to_owned());
    let schemas = database
        .rows(&Statement::new("SELECT name FROM pragma_database_list WHERE lower(name) = lower(?)").bind(schema.as_str()))?;
    if schemas.is_empty() {
        return Ok(None);
    }
    let master = format!("{}.sqlite_master", database.engine().quoted(&schema));
    let found = Statement::new(format!("SELECT name, sql FROM {master} WHERE type = 'table' AND lower(name) = lower(?)"));
    let Some(row) = database.row(&found.bind(name.name.as_str()))? else { return Ok(None) };
    let own = row.text("name")?.to_owned();
    let is_numbered = row.maybe_text("sql")?.is_some_and(|sql| sql.to_ascii_uppercase().contains("AUTOINCREMENT"));

    let columns = "SELECT name, type AS sql_type, \"notnull\" AS is_required, dflt_value AS initial, pk, hidden IN (2, 3) AS generated FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid";
    let columns = database.rows(&Statement::new(columns).bind(own.as_str()).bind(schema.as_str()))?;
    let indices_sql = format!("{INDICES} {master} AS m ON m.type = 'index' AND m.name = l.name ORDER BY l.name, i.seqno");
    let members = database.rows(&Statement::new(indices_sql).bind(own.as_str()).bind(schema.as_str()).bind(schema.as_str()))?;
    let all = format!(
        "{KEYS} {master} AS m JOIN pragma_foreign_key_list(m.name, ?) AS k WHERE m.type = 'table' ORDER BY m.name, k.id, k.seq"
    );
    let all = database.rows(&Statement::new(all).bind(schema.as_str()))?;
    let all = all.iter().map(|row| key_column(row, name.schema.as_deref(), &schema)).collect::<Result<Vec<_>, _>>()?;
    let (mut foreign_keys, mut references) = (Vec::new(), Vec::new());
    for key in keys(all) {
        let is = |table: &TableName| table.name.eq_ignore_ascii_case(&own);
        if is(&key.to) {
            references.push(ForeignKey { ..key.clone() });
        }
        if is(&key.from) {
            foreign_keys.push(key);
        }
    }
    let columns: Vec<Column> = columns.iter().map(|row| column(row, is_numbered)).collect::<Result<_, _>>()?;
    let mut indices = indices(members.iter().map(member).collect::<Result<Vec<_>, _>>()?);
    // An INTEGER PRIMARY KEY is the table itself and has no index of its own.
    if !indices.iter().any(|index| index.primary) {
        let key = Statement::new("SELECT name FROM pragma_table_info(?, ?) WHERE pk > 0 ORDER BY pk");
        let key = database.rows(&key.bind(own.as_str()).bind(schema.as_str()))?;
        let members = key.iter().map(|row| Ok(Some(row.text("name")?.to_owned()))).collect::<Result<Vec<_>, Failure>>()?;
        if !members.is_empty() {
            indices.push(Index {
                name: "primary key".to_owned(),
                unique: true,
                primary: true,
                columns: members,
                predicate: None,
            });
        }
    }
    let name = found_name(name.schema.as_deref(), &schema, &own);
    Ok(Some(Table { name, columns, indices, foreign_keys, references }))
}

fn column(row: &Row, is_numbered: bool) -> Result<Column, Failure> {
    let sql_type = row.text("sql_type")?.to_owned();
    let is_key = row.integer("pk")? > 0;
    Ok(Column {
        name: row.text("name")?.to_owned(),
        kind: kind(&sql_type),
        bare_type: sql_type.clone(),
        nullable: !row.boolean("is_required")?,
        default: row.maybe_text("initial")?.map(ToOwned::to_owned),
        collation: None,
        numbered: is_key && is_numbered,
        generated: row.boolean("generated")?,
        sql_type,
    })
}

fn member(row: &Row) -> Result<Index, Failure> {
    Ok(Index {
        name: row.text("name")?.to_owned(),
        unique: row.boolean("is_unique")?,
        primary: row.boolean("is_primary")?,
        columns: vec![row.maybe_text("member")?.map(ToOwned::to_owned)],
        predicate: row.maybe_text("predicate")?.map(condition),
    })
}

/// What stands behind the last WHERE of a CREATE INDEX: the condition, unless a text in it has that word.
fn condition(sql: &str) -> String {
    let at = sql.to_ascii_lowercase().rfind("where").map_or(0, |at| at + "where".len());
    sql.get(at..).unwrap_or(sql).trim().to_owned()
}

/// A table of this schema, which is told if it was asked for. Capitals make no difference here.
fn found_name(told: Option<&str>, schema: &str, name: &str) -> TableName {
    TableName::new(told.map(ToOwned::to_owned), name).at(&schema.to_lowercase(), &name.to_lowercase())
}

fn key_column(row: &Row, told: Option<&str>, schema: &str) -> Result<KeyColumn, Failure> {
    let table = |name: &str| found_name(told, schema, name);
    let from = row.text("from_table")?;
    Ok(KeyColumn {
        key: format!("{from}.{}", row.integer("key")?),
        name: None,
        from: table(from),
        column: row.text("from_column")?.to_owned(),
        to: table(row.text("to_table")?),
        // Left out, it is the other table's key.
        to_column: row.maybe_text("to_column")?.unwrap_or("id").to_owned(),
        on_delete: action(row.text("on_delete")?),
    })
}
