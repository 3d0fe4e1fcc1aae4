//! Tables as PostgreSQL describes them.

use super::{Column, Index, KeyColumn, Table, TableName, action, indices, keys, kind, linked};
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;

const COLUMNS: &str = "\
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS sql_type, NOT a.attnotnull AS nullable, \
           (WITH RECURSIVE below AS (SELECT a.atttypid AS type UNION ALL SELECT t.typbasetype FROM below \
                JOIN pg_type t ON t.oid = below.type AND t.typtype = 'd') \
            SELECT format_type(below.type, -1) FROM below JOIN pg_type t ON t.oid = below.type AND t.typtype <> 'd') AS bare_type, \
           pg_get_expr(d.adbin, d.adrelid) AS initial, c.collname AS collation, \
           a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AS numbered, \
           a.attgenerated <> '' AS generated \
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         LEFT JOIN pg_collation c ON c.oid = a.attcollation \
    WHERE a.attrelid = CAST(? AS oid) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const INDICES: &str = "\
    SELECT i.relname AS name, x.indisunique AS is_unique, x.indisprimary AS is_primary, a.attname AS member, \
           pg_get_expr(x.indpred, x.indrelid) AS predicate \
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid CROSS JOIN LATERAL generate_series(0, x.indnkeyatts - 1) AS k (at) \
         LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k.at] AND a.attnum > 0 \
    WHERE x.indrelid = CAST(? AS oid) AND x.indisvalid ORDER BY i.relname, k.at";

const KEYS: &str = "\
    SELECT c.oid AS key, c.conname AS name, fn.nspname AS from_schema, f.relname AS from_table, a.attname AS from_column, \
           tn.nspname AS to_schema, t.relname AS to_table, b.attname AS to_column, CAST(c.confdeltype AS text) AS on_delete, \
           pg_table_is_visible(f.oid) AS from_visible, pg_table_is_visible(t.oid) AS to_visible \
    FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (from_at, to_at, place) \
         JOIN pg_class f ON f.oid = c.conrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace \
         JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.from_at \
         JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.to_at \
    WHERE c.contype = 'f' AND ";

pub(super) fn read(database: &mut Database, name: &TableName) -> Result<Option<Table>, Failure> {
    let found = Statement::new(
        "SELECT CAST(c.oid AS bigint) AS oid, n.nspname AS schema, c.relname AS name \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(?) AND c.relkind IN ('r', 'p')",
    )
    .bind(name.quoted(Engine::Postgres));
    let Some(row) = database.row(&found)? else { return Ok(None) };
    let oid = row.integer("oid")?;

    let columns = database.rows(&Statement::new(COLUMNS).bind(oid))?;
    let members = database.rows(&Statement::new(INDICES).bind(oid))?;
    let from = database
        .rows(&Statement::new(format!("{KEYS} c.conrelid = CAST(? AS oid) ORDER BY c.conname, c.oid, k.place")).bind(oid))?;
    let to = database
        .rows(&Statement::new(format!("{KEYS} c.confrelid = CAST(? AS oid) ORDER BY c.conname, c.oid, k.place")).bind(oid))?;

    Ok(Some(Table {
        name: name.clone().at(row.text("schema")?, row.text("name")?),
        columns: columns.iter().map(column).collect::<Result<_, _>>()?,
        indices: indices(members.iter().map(member).collect::<Result<Vec<_>, _>>()?),
        foreign_keys: keys(from.iter().map(|row| key_column(row, name)).collect::<Result<Vec<_>, _>>()?),
        references: keys(to.iter().map(|row| key_column(row, name)).collect::<Result<Vec<_>, _>>()?),
    }))
}

fn column(row: &Row) -> Result<Column, Failure> {
    let sql_type = row.text("sql_type")?.to_owned();
    let bare_type = row.text("bare_type")?.to_owned();
    Ok(Column {
        name: row.text("name")?.to_owned(),
        kind: kind(&bare_type),
        sql_type,
        bare_type,
        nullable: row.boolean("nullable")?,
        default: row.maybe_text("initial")?.map(ToOwned::to_owned),
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
        predicate: row.maybe_text("predicate")?.map(ToOwned::to_owned),
    })
}

fn key_column(row: &Row, asked: &TableName) -> Result<KeyColumn, Failure> {
    Ok(KeyColumn {
        key: row.integer("key")?.to_string(),
        name: Some(row.text("name")?.to_owned()),
        from: linked(row, ["from_visible", "from_schema", "from_table"], asked)?,
        column: row.text("from_column")?.to_owned(),
        to: linked(row, ["to_visible", "to_schema", "to_table"], asked)?,
        to_column: row.text("to_column")?.to_owned(),
        on_delete: action(row.text("on_delete")?),
    })
}
