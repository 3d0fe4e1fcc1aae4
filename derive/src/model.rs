//! The session model as the user wrote it: attributes and fields, with their places.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, GenericArgument, Ident, Path, PathArguments, Result, Type, TypePath, Visibility};

use crate::attributes::{DieselOnStruct, FieldDefault, OnField, SessionOnStruct, error};

/// A parsed model.
pub(crate) struct Model {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) table: Path,
    pub(crate) attributes: Option<Path>,
    pub(crate) backends: Vec<TypePath>,
    pub(crate) columns: CoreNames,
    pub(crate) id: IdField,
    pub(crate) core: Ident,
    pub(crate) typed: Vec<TypedField>,
}

/// The engine of a model, as the statements tell them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
}

/// The key column.
pub(crate) struct IdField {
    pub(crate) field: Ident,
    pub(crate) column: Ident,
    pub(crate) ty: Type,
}

/// A typed column of the application's.
pub(crate) struct TypedField {
    pub(crate) field: Ident,
    pub(crate) column: Ident,
    pub(crate) ty: Type,
    /// `T` of an `Option<T>`.
    pub(crate) within_option: Option<Type>,
    pub(crate) serialize_as: Option<Type>,
    pub(crate) owner: Option<Span>,
    pub(crate) skip: Option<Span>,
    pub(crate) default: Option<FieldDefault>,
}

/// The names of the library's columns, in the order in which the core is read.
pub(crate) struct CoreNames(Vec<(&'static str, Ident)>);

const CORE: [(&str, &str); 12] = [
    ("uuid", "_uuid"),
    ("previous_uuid", "_previous_uuid"),
    ("data", "_data"),
    ("version", "_version"),
    ("created_at", "created_at"),
    ("authenticated_at", "authenticated_at"),
    ("rotated_at", "rotated_at"),
    ("last_seen_at", "last_seen_at"),
    ("expires_at", "expires_at"),
    ("deadline_at", "deadline_at"),
    ("idle_timeout", "idle_timeout"),
    ("persistent", "persistent"),
];

impl CoreNames {
    pub(crate) fn new(renamed: &[(Ident, Ident)]) -> Result<Self> {
        for (name, _) in renamed {
            if !CORE.iter().any(|(core, _)| name == core) {
                let known: Vec<&str> = CORE.iter().map(|(core, _)| *core).collect();
                return Err(error(
                    name.span(),
                    format!("`{name}` is no column of the library's"),
                    format!("expected one of {}", known.join(", ")),
                ));
            }
        }
        let names = CORE.iter().map(|(core, column)| {
            let given = renamed.iter().find(|(name, _)| name == core).map(|(_, column)| column.clone());
            (*core, given.unwrap_or_else(|| Ident::new(column, Span::call_site())))
        });
        Ok(CoreNames(names.collect()))
    }

    /// The column that a name of the library's stands for.
    pub(crate) fn get(&self, name: &str) -> &Ident {
        let found = self.0.iter().find(|(core, _)| *core == name);
        &found.expect("every name that the macro asks for stands in CORE").1
    }

    /// All columns.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Ident> {
        self.0.iter().map(|(_, column)| column)
    }

    /// The library's own names of the columns, whatever this table calls them.
    pub(crate) fn reserved(&self) -> impl Iterator<Item = &'static str> {
        CORE.iter().map(|(_, column)| *column)
    }
}

impl Model {
    /// Reads the struct; what makes no sense in itself is an error at its place.
    pub(crate) fn parse(item: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &item.data else {
            return Err(error(item.ident.span(), "a session model is a struct", "derive `DbSession` on the struct of a row"));
        };
        let Fields::Named(named) = &data.fields else {
            return Err(error(item.ident.span(), "a session model has named fields", "keys are field names: name them"));
        };
        if !item.generics.params.is_empty() {
            return Err(error(
                item.generics.span(),
                "a session model has no generic parameters",
                "write one struct for each table and backend",
            ));
        }
        let diesel = DieselOnStruct::read(&item.attrs)?;
        let session = SessionOnStruct::read(&item.attrs)?;
        let id_name = diesel.primary_key.unwrap_or_else(|| Ident::new("id", Span::call_site()));
        let (mut id, mut core, mut typed) = (None, None, Vec::new());
        for field in &named.named {
            let name = field.ident.clone().ok_or_else(|| syn::Error::new(field.span(), "a field without a name"))?;
            let on = OnField::read(&field.attrs)?;
            let column = on.column.clone().unwrap_or_else(|| name.clone());
            if on.embed {
                check_core_type(&field.ty, &item.ident)?;
                if core.replace(name.clone()).is_some() {
                    return Err(error(name.span(), "a second embedded core", "a session has one field of type `SessionCore`"));
                }
            } else if column == id_name {
                id = Some(IdField { field: name, column, ty: field.ty.clone() });
            } else {
                typed.push(TypedField {
                    field: name,
                    column,
                    within_option: within_option(&field.ty).cloned(),
                    ty: field.ty.clone(),
                    serialize_as: on.serialize_as,
                    owner: on.owner,
                    skip: on.skip,
                    default: on.default,
                });
            }
        }
        let id = id.ok_or_else(|| {
            error(item.ident.span(), "no key column", format!("add `pub {id_name}: i64`, or name another with `primary_key`"))
        })?;
        let core = core.ok_or_else(|| {
            let name = &item.ident;
            error(
                name.span(),
                "no embedded core",
                format!("add `#[diesel(embed)] pub core: SessionCore<{name}>`: the library's columns"),
            )
        })?;
        let default_table = Ident::new(&format!("{}s", snake_case(&item.ident.to_string())), item.ident.span());
        Ok(Model {
            name: item.ident.clone(),
            visibility: item.vis.clone(),
            table: diesel.table.unwrap_or_else(|| default_table.into()),
            attributes: session.attributes,
            backends: diesel.backends,
            columns: CoreNames::new(&session.columns)?,
            id,
            core,
            typed,
        })
    }

    /// The engine of the backend, which `check` has found to be one of the three.
    pub(crate) fn engine(&self) -> Engine {
        let backend = self.backends.first().and_then(|path| path.path.segments.last());
        match backend.map(|segment| segment.ident.to_string()).as_deref() {
            Some("Pg") => Engine::Postgres,
            Some("Mysql") => Engine::Mysql,
            _ => Engine::Sqlite,
        }
    }

    /// The owner, if a field is marked so.
    pub(crate) fn owner(&self) -> Option<&TypedField> {
        self.typed.iter().find(|field| field.owner.is_some())
    }
}

fn check_core_type(ty: &Type, model: &Ident) -> Result<()> {
    let help = format!("its type is `SessionCore<{model}>`; other embedded structs have no place in a session");
    let segment = match ungrouped(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let Some(segment) = segment.filter(|segment| segment.ident == "SessionCore") else {
        return Err(error(ty.span(), "what is embedded is not the session's core", help));
    };
    match generic_argument(&segment.arguments).map(ungrouped) {
        Some(Type::Path(path)) if path.path.segments.last().is_some_and(|last| last.ident == *model) => Ok(()),
        _ => Err(error(ty.span(), "the core belongs to another model", help)),
    }
}

/// The type within the invisible group that a `macro_rules!` fragment puts around it.
pub(crate) fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(syn::TypeGroup { elem, .. }) | Type::Paren(syn::TypeParen { elem, .. }) = ty {
        ty = elem;
    }
    ty
}

fn within_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ungrouped(ty) else { return None };
    let last = path.path.segments.last()?;
    if last.ident == "Option" { generic_argument(&last.arguments) } else { None }
}

fn generic_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Diesel's default: `AppSession` lives in `app_sessions`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && place > 0 {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
