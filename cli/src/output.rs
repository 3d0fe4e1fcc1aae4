//! Answers: tables for people, JSON for programs, on standard output.

pub(crate) mod field;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod table;

use std::io::{self, Write};

use crate::args::options::Format;
use crate::failure::Failure;
use field::Field;
use json::Json;

/// Standard output. A reader that has gone is no failure: see [`Failure::is_broken_pipe`].
pub(crate) struct Output {
    format: Format,
    out: io::BufWriter<io::Stdout>,
    /// Whether it shows colours: a terminal does, unless NO_COLOR is set.
    is_colourful: bool,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let is_colourful = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        Output { format, out: io::BufWriter::new(io::stdout()), is_colourful }
    }

    /// What was asked for with `--format`.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// A line of text. Of its colours, those that standard output can show.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.text(text)?;
        self.text("\n")
    }

    /// Text with its own line breaks.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_colourful || !text.contains('\u{1b}') {
            return self.out.write_all(text.as_bytes()).map_err(gone);
        }
        let plain = anstream::adapter::strip_str(text).to_string();
        self.out.write_all(plain.as_bytes()).map_err(gone)
    }

    /// A JSON document on lines of its own.
    pub(crate) fn json(&mut self, document: &Json) -> Result<(), Failure> {
        self.line(&format!("{document:#}"))
    }

    /// One thing with its properties: a line for each, or an object.
    pub(crate) fn properties(&mut self, properties: &[(&str, Field)]) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&Json::fields(properties.iter().map(|(name, field)| (*name, field)))),
            Format::Table => {
                let width = properties.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
                properties.iter().try_for_each(|(name, field)| self.line(format!("{name:width$}  {}", field.shown()).trim_end()))
            }
        }
    }

    /// Sends out what is buffered.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(gone)
    }
}

fn gone(error: io::Error) -> Failure {
    Failure::io("cannot write the answer", error)
}
