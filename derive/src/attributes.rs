//! Reading `#[diesel(…)]` and `#[session(…)]`.

use proc_macro2::Span;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Ident, Lit, Meta, Path, Result, Token, Type, TypePath};

/// An error at a token, with what to do about it.
pub(crate) fn error(span: Span, what: impl std::fmt::Display, help: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(span, format!("{what}\nhelp: {help}"))
}

/// Generated code that errors are to point at `span` for, and that lints still know as generated.
pub(crate) fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// What Diesel's attributes on the struct say.
#[derive(Default)]
pub(crate) struct DieselOnStruct {
    pub(crate) table: Option<Path>,
    pub(crate) primary_key: Option<Ident>,
    pub(crate) backends: Vec<TypePath>,
}

impl DieselOnStruct {
    /// The table alone, where the rest may not be readable.
    pub(crate) fn table(attributes: &[Attribute]) -> Option<Path> {
        metas(attributes, "diesel").ok()?.iter().find_map(|meta| match meta {
            Meta::NameValue(pair) if pair.path.is_ident("table_name") => path_of(&pair.value).ok(),
            _ => None,
        })
    }

    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = DieselOnStruct::default();
        for meta in metas(attributes, "diesel")? {
            match &meta {
                Meta::NameValue(pair) if pair.path.is_ident("table_name") => read.table = Some(path_of(&pair.value)?),
                Meta::List(list) if list.path.is_ident("primary_key") => {
                    let keys = Punctuated::<Ident, Token![,]>::parse_terminated.parse2(list.tokens.clone())?;
                    if keys.len() != 1 {
                        return Err(error(list.tokens.span(), "a session has one key column", "name one: `primary_key(id)`"));
                    }
                    read.primary_key = keys.into_iter().next();
                }
                Meta::List(list) if list.path.is_ident("check_for_backend") => {
                    if let Ok(paths) = Punctuated::<TypePath, Token![,]>::parse_terminated.parse2(list.tokens.clone()) {
                        read.backends.extend(paths);
                    }
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

/// What `#[session(…)]` on the struct says.
#[derive(Default)]
pub(crate) struct SessionOnStruct {
    pub(crate) attributes: Option<Path>,
    pub(crate) columns: Vec<(Ident, Ident)>,
}

impl SessionOnStruct {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = SessionOnStruct::default();
        for meta in metas(attributes, "session")? {
            match &meta {
                Meta::NameValue(pair) if pair.path.is_ident("attributes") => read.attributes = Some(path_of(&pair.value)?),
                Meta::List(list) if list.path.is_ident("columns") => {
                    let pairs = Punctuated::<syn::MetaNameValue, Token![,]>::parse_terminated.parse2(list.tokens.clone())?;
                    for pair in pairs {
                        let column = path_of(&pair.value)?;
                        read.columns.push((ident_of(&pair.path)?, ident_of(&column)?));
                    }
                }
                other => {
                    return Err(error(
                        other.path().span(),
                        "unknown option",
                        "expected `attributes = table` or `columns(data = payload, …)`",
                    ));
                }
            }
        }
        Ok(read)
    }
}

/// Diesel's options for what is not both read and written.
const NO_COLUMNS: &[&str] = &["select_expression", "select_expression_type", "skip_insertion", "skip_update"];

/// What both attributes on a field say.
#[derive(Default)]
pub(crate) struct OnField {
    pub(crate) embed: bool,
    pub(crate) column: Option<Ident>,
    pub(crate) serialize_as: Option<Type>,
    pub(crate) owner: Option<Span>,
    pub(crate) skip: Option<Span>,
    pub(crate) default: Option<FieldDefault>,
}

/// What a new session holds in a field.
pub(crate) enum FieldDefault {
    /// Bare `default`.
    Own(Span),
    /// `default = expression`.
    Given(Box<Expr>),
}

impl OnField {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = OnField::default();
        for meta in metas(attributes, "diesel")? {
            match &meta {
                Meta::Path(path) if path.is_ident("embed") => read.embed = true,
                other if NO_COLUMNS.iter().any(|name| other.path().is_ident(name)) => {
                    return Err(error(
                        other.path().span(),
                        "not a plain column",
                        "every field of a session is a column that is read and written; query this one with a struct of its own",
                    ));
                }
                Meta::NameValue(pair) if pair.path.is_ident("column_name") => {
                    read.column = Some(ident_of(&path_of(&pair.value)?)?);
                }
                Meta::NameValue(pair) if pair.path.is_ident("serialize_as") => {
                    let value = &pair.value;
                    read.serialize_as = Some(syn::parse2(quote::quote!(#value))?);
                }
                _ => {}
            }
        }
        for meta in metas(attributes, "session")? {
            match &meta {
                Meta::Path(path) if path.is_ident("owner") => read.owner = Some(path.span()),
                Meta::Path(path) if path.is_ident("skip") => read.skip = Some(path.span()),
                Meta::Path(path) if path.is_ident("default") => read.default = Some(FieldDefault::Own(path.span())),
                Meta::NameValue(pair) if pair.path.is_ident("default") => {
                    read.default = Some(FieldDefault::Given(Box::new(pair.value.clone())));
                }
                other => {
                    return Err(error(
                        other.path().span(),
                        "unknown option",
                        "expected `owner`, `skip`, `default` or `default = expression`",
                    ));
                }
            }
        }
        Ok(read)
    }
}

fn metas(attributes: &[Attribute], name: &str) -> Result<Vec<Meta>> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            Ok(parsed) => all.extend(parsed),
            // Diesel has options that are no `Meta` (`serialize_as = Vec<u8>`); each is read on its own.
            Err(_) if name == "diesel" => all.extend(tolerant(attribute)?),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Reads `name`, `name(…)` and `name = type` separated by commas, where a type may hold what an expression may not.
fn tolerant(attribute: &Attribute) -> Result<Vec<Meta>> {
    attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
        let mut metas = Vec::new();
        while !input.is_empty() {
            let path: Path = input.parse()?;
            if input.peek(syn::token::Paren) {
                let tokens;
                let paren = syn::parenthesized!(tokens in input);
                metas.push(Meta::List(syn::MetaList {
                    path,
                    delimiter: syn::MacroDelimiter::Paren(paren),
                    tokens: tokens.parse()?,
                }));
            } else if input.peek(Token![=]) {
                let eq_token = input.parse()?;
                let ty: Type = input.parse()?;
                metas.push(Meta::NameValue(syn::MetaNameValue { path, eq_token, value: Expr::Verbatim(quote::quote!(#ty)) }));
            } else {
                metas.push(Meta::Path(path));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(metas)
    })
}

fn path_of(value: &Expr) -> Result<Path> {
    match value {
        Expr::Path(path) => Ok(path.path.clone()),
        // What a `macro_rules!` fragment stands in.
        Expr::Group(group) => path_of(&group.expr),
        Expr::Verbatim(tokens) => syn::parse2(tokens.clone()),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.parse(),
            other => Err(error(other.span(), "expected a path", "write it as `schema::sessions`")),
        },
        other => Err(error(other.span(), "expected a path", "write it as `schema::sessions`")),
    }
}

fn ident_of(path: &Path) -> Result<Ident> {
    path.get_ident().cloned().ok_or_else(|| error(path.span(), "expected a name", "write the column's name alone"))
}
