//! Every rule that a session model keeps, in one place.

use proc_macro2::Span;
use syn::Result;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::attributes::{FieldDefault, error};
use crate::model::{Model, TypedField, ungrouped};

/// Checks a model against the rules; all that are broken are told at once.
pub(crate) fn check(model: &Model) -> Result<()> {
    let mut errors = Vec::new();
    check_backend(model, &mut errors);
    check_id(model, &mut errors);
    check_owner(model, &mut errors);
    for field in &model.typed {
        check_name(field, model, &mut errors);
        check_default(field, &mut errors);
    }
    match errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    }) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

const BACKENDS: &str = "`diesel::sqlite::Sqlite`, `diesel::pg::Pg` or `diesel::mysql::Mysql`";

fn check_backend(model: &Model, errors: &mut Vec<syn::Error>) {
    match model.backends.as_slice() {
        [] => errors.push(error(
            model.name.span(),
            "no backend",
            format!("add `#[diesel(check_for_backend(…))]` with one of {BACKENDS}"),
        )),
        [backend] => {
            let name = backend.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            let feature = match name.as_str() {
                "Sqlite" => cfg!(feature = "sqlite").then_some("").ok_or("sqlite"),
                "Pg" => cfg!(feature = "postgres").then_some("").ok_or("postgres"),
                "Mysql" => cfg!(feature = "mysql").then_some("").ok_or("mysql"),
                _ => {
                    errors.push(error(
                        backend.span(),
                        "unknown backend",
                        format!("the last word of the path must be that of {BACKENDS}"),
                    ));
                    return;
                }
            };
            if let Err(feature) = feature {
                errors.push(error(
                    backend.span(),
                    format!("diesel-sessions is built without `{name}`"),
                    format!("switch its feature on: `diesel-sessions = {{ features = [\"{feature}\"] }}`"),
                ));
            }
        }
        [_, second, ..] => errors.push(error(
            second.span(),
            "two backends",
            "a session model has one; write a struct for each, or choose with `#[cfg_attr(feature = …, diesel(check_for_backend(…)))]`",
        )),
    }
}

/// Types that a row id is sometimes given; what is not among them may be an alias of `i32` or `i64`.
const NO_ROW_IDS: &[&str] = &[
    "Option", "String", "Uuid", "bool", "char", "f32", "f64", "i8", "i16", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize",
];

fn check_id(model: &Model, errors: &mut Vec<syn::Error>) {
    let name = match ungrouped(&model.id.ty) {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    };
    if name.is_some_and(|name| NO_ROW_IDS.contains(&name.as_str())) {
        errors.push(error(
            model.id.ty.span(),
            "the row id is no `i32` or `i64`",
            "give it the type that the schema prints for the column: `Integer` is `i32`, `BigInt` is `i64`",
        ));
    }
}

fn check_owner(model: &Model, errors: &mut Vec<syn::Error>) {
    let mut owners = model.typed.iter().filter_map(|field| field.owner.map(|span| (span, field)));
    let Some((_, owner)) = owners.next() else { return };
    if owner.within_option.is_none() {
        errors.push(error(
            owner.ty.span(),
            "the owner is no `Option`",
            "a session begins without an owner: make it `Option<…>`, and the column nullable",
        ));
    }
    if let Some(span) = owner.skip {
        errors.push(error(span, "the owner is skipped", "the owner is reached by its key; remove `skip`"));
    }
    if let Some(default) = &owner.default {
        errors.push(error(default_span(default), "the owner has a default", "a new session has no owner; remove `default`"));
    }
    for (span, _) in owners {
        errors.push(error(span, "a second owner", "a session has one owner; leave the mark on one field"));
    }
}

fn check_name(field: &TypedField, model: &Model, errors: &mut Vec<syn::Error>) {
    let name = field.field.unraw().to_string();
    let reserved = name.starts_with('_') || name == "id" || model.columns.reserved().any(|core| core == name);
    if reserved {
        errors.push(error(
            field.field.span(),
            format!("`{name}` is a reserved name"),
            "core columns are in `core`; name the field otherwise, with `#[diesel(column_name = …)]` if the column must keep its name",
        ));
    }
    if model.columns.all().any(|column| *column == field.column) {
        errors.push(error(
            field.column.span(),
            format!("`{}` is a column of the library's", field.column),
            "it is read through `core`; remove the field",
        ));
    }
}

fn check_default(field: &TypedField, errors: &mut Vec<syn::Error>) {
    if field.within_option.is_none() && field.default.is_none() && field.skip.is_none() && field.owner.is_none() {
        errors.push(error(
            field.ty.span(),
            "NOT NULL without a default",
            "say what a new session holds: `#[session(default)]` or `#[session(default = …)]`, or make it an `Option`",
        ));
    }
}

fn default_span(default: &FieldDefault) -> Span {
    match default {
        FieldDefault::Own(span) => *span,
        FieldDefault::Given(expression) => expression.span(),
    }
}
