//! Tables and numbers that can also be read as plain text.

/// Where what is in a column stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Align {
    Left,
    Right,
}

/// A table of Markdown whose columns are as wide as what is in them; a row has a cell for each of `columns`.
pub fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([columns[column].0.chars().count(), 3]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let mut line = String::from("|");
        for ((cell, width), (_name, align)) in cells.into_iter().zip(&widths).zip(columns) {
            line += &match align {
                Align::Left => format!(" {cell:<width$} |"),
                Align::Right => format!(" {cell:>width$} |"),
            };
        }
        line + "\n"
    };
    let rules: Vec<String> = columns.iter().zip(&widths).map(|((_name, align), width)| rule(*align, *width)).collect();
    let head = line(columns.iter().map(|(name, _align)| *name).collect());
    let under = line(rules.iter().map(String::as_str).collect());
    rows.iter().fold(head + &under, |table, row| table + &line(row.iter().map(String::as_str).collect()))
}

fn rule(align: Align, width: usize) -> String {
    match align {
        Align::Left => "-".repeat(width),
        Align::Right => "-".repeat(width - 1) + ":",
    }
}

/// A number with so many decimals, its thousands separated.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if value < 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) { "−" } else { "" };
    let mut grouped = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// A number with as many decimals as it takes, two at most; three below one.
pub fn counted(value: f64) -> String {
    let decimals = match value.abs() {
        many if many >= 1_000.0 => 0,
        some if some >= 1.0 => 2,
        _few => 3,
    };
    let text = number(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_table_is_as_long() {
        let rows = [vec!["load".to_owned(), "4.20".to_owned()], vec!["purge – all".to_owned(), "1,234,567.00".to_owned()]];
        let table = table(&[("work", Align::Left), ("µs", Align::Right)], &rows);
        let expected = "\
| work        |           µs |
| ----------- | -----------: |
| load        |         4.20 |
| purge – all | 1,234,567.00 |
";
        assert_eq!(table, expected);
    }

    #[test]
    fn thousands_are_separated() {
        let written =
            [(0.0, 0, "0"), (999.0, 0, "999"), (1_000.0, 2, "1,000.00"), (-1_234_567.8, 1, "−1,234,567.8"), (-0.001, 2, "0.00")];
        for (value, decimals, text) in written {
            assert_eq!(number(value, decimals), text);
        }
    }

    #[test]
    fn a_count_has_no_decimals_that_say_nothing() {
        for (value, text) in [(0.0, "0"), (1.0, "1"), (0.0125, "0.013"), (100.0, "100"), (17.5, "17.5"), (62_345.6, "62,346")] {
            assert_eq!(counted(value), text);
        }
    }
}
