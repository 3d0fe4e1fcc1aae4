//! Lists of any length: columns that are as wide as the first page asks, or a JSON array.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::field::Field;
use super::{Output, json};
use crate::args::options::Format;
use crate::failure::Failure;

/// A list under way. Pages are printed as they come, so that no list is ever in memory as a whole.
pub(crate) struct Listing {
    heads: Vec<String>,
    /// How wide the columns are; known after the first page.
    widths: Option<Vec<u16>>,
    array: json::Array,
}

impl Listing {
    /// A list with these columns.
    pub(crate) fn new(heads: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Listing { heads: heads.into_iter().map(Into::into).collect(), widths: None, array: json::Array::default() }
    }

    /// Some rows, each with a field for every column.
    pub(crate) fn page(&mut self, out: &mut Output, rows: &[Vec<Field>]) -> Result<(), Failure> {
        match out.format() {
            Format::Json => rows.iter().try_for_each(|row| {
                let element = json::Json::fields(self.heads.iter().map(String::as_str).zip(row));
                self.array.push(out, &element)
            })?,
            Format::Table if !rows.is_empty() => self.lines(out, rows)?,
            Format::Table => {}
        }
        // Whoever reads along sees each page at once.
        out.finish()
    }

    /// The end: of an array, its bracket; a table without rows has said nothing.
    pub(crate) fn finish(self, out: &mut Output) -> Result<(), Failure> {
        match out.format() {
            Format::Json => self.array.finish(out),
            Format::Table => Ok(()),
        }
    }

    fn lines(&mut self, out: &mut Output, rows: &[Vec<Field>]) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if self.widths.is_none() {
            table.set_header(self.heads.iter().map(|head| head.to_uppercase().replace('_', " ")));
        }
        for row in rows {
            table.add_row(row.iter().map(|field| {
                let alignment = if field.is_number() { CellAlignment::Right } else { CellAlignment::Left };
                Cell::new(field.shown()).set_alignment(alignment)
            }));
        }
        let widths = self.widths.get_or_insert_with(|| table.column_max_content_widths());
        for (column, width) in table.column_iter_mut().zip(widths.iter()) {
            column.set_padding((0, 2));
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width.saturating_add(2))));
        }
        table.lines().try_for_each(|line| out.line(line.trim_end()))
    }
}
