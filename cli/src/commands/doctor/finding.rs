//! What is wrong, and what to do about it.

use crate::args::sessions::Severity;
use crate::output::field::harmless;
use crate::output::json::Json;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Which check it is, for programs: `column`, `index`, `foreign-key` and so on.
    pub(super) check: &'static str,
    pub(super) severity: Severity,
    /// What it is about: `sessions.expires_at`.
    pub(super) about: String,
    pub(super) what: String,
    /// What to do.
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn to_json(&self) -> Json {
        Json::object([
            ("severity", word(self.severity).into()),
            ("check", self.check.into()),
            ("about", self.about.as_str().into()),
            ("finding", self.what.as_str().into()),
            ("advice", self.advice.as_str().into()),
        ])
    }

    /// For people: two lines. Names come from the database, and steer no terminal.
    pub(super) fn lines(&self) -> [String; 2] {
        let head = format!("{:7}  {}: {}", word(self.severity), harmless(&self.about), harmless(&self.what));
        [head, format!("         {}", harmless(&self.advice))]
    }
}

/// All that is wrong, as it is found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// It does not work, or is not safe.
    pub(super) fn error(
        &mut self,
        check: &'static str,
        about: impl ToString,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(Severity::Error, check, about, what, advice);
    }

    /// It works now, and will not always.
    pub(super) fn warning(
        &mut self,
        check: &'static str,
        about: impl ToString,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(Severity::Warning, check, about, what, advice);
    }

    /// It works, and could work better.
    pub(super) fn advice(
        &mut self,
        check: &'static str,
        about: impl ToString,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(Severity::Advice, check, about, what, advice);
    }

    fn push(
        &mut self,
        severity: Severity,
        check: &'static str,
        about: impl ToString,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.0.push(Finding { check, severity, about: about.to_string(), what: what.into(), advice: advice.into() });
    }

    /// Whether rows can be read as sessions: the columns are there, and of a type that fits.
    pub(super) fn are_readable(&self) -> bool {
        !self.0.iter().any(|finding| finding.severity == Severity::Error && matches!(finding.check, "column" | "type"))
    }

    /// The worst first; what is as bad as another stays in its order.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.0
    }
}

/// How a severity is called.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Advice => "advice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
