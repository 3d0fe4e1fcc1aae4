//! The derive macro of diesel-sessions: parse, check, print. No decision of the library lives in generated code.

use proc_macro::TokenStream;

mod attribute_statements;
mod attributes;
mod check;
mod fields;
mod model;
mod statements;

use model::Model;

/// Makes a Diesel model a session model: emits its statements, and access to its typed columns by name.
///
/// On the struct, beside Diesel's own `table_name`, `primary_key` and `check_for_backend` (which must name one backend):
///
/// * `#[session(attributes = session_attributes)]`: the table of this model's attributes;
/// * `#[session(columns(data = payload, uuid = digest))]`: other names of the library's columns. Left of the `=` stand `uuid`,
///   `previous_uuid`, `data`, `version`, `created_at`, `authenticated_at`, `rotated_at`, `last_seen_at`, `expires_at`,
///   `deadline_at`, `idle_timeout` and `persistent`.
///
/// On a field:
///
/// * `#[session(owner)]`: an `Option`, it links the session to its user;
/// * `#[session(default = "text")]` gets `.into()`, any other expression is taken as it is, bare `#[session(default)]` is
///   `Default::default()`: what a new session holds. A field that is no `Option` needs one;
/// * `#[session(skip)]`: no access by key, so the type needs no serde. It starts with its `Default`.
///
/// Diesel's `column_name`, `serialize_as` and `deserialize_as` are honoured. The crate's own documentation shows a whole model.
#[proc_macro_derive(DbSession, attributes(session, diesel))]
pub fn derive_db_session(input: TokenStream) -> TokenStream {
    expand(input.into()).into()
}

fn expand(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let item = match syn::parse2(input) {
        Ok(item) => item,
        Err(error) => return syn::Error::into_compile_error(error),
    };
    let model = match Model::parse(&item) {
        Ok(model) => model,
        Err(error) => {
            let (error, core_columns) = (error.into_compile_error(), fields::core_columns_of(&item));
            return quote::quote!(#error #core_columns);
        }
    };
    if let Err(error) = check::check(&model) {
        let (error, core_columns) = (error.into_compile_error(), fields::core_columns(&model));
        return quote::quote!(#error #core_columns);
    }
    let (fields, statements) = (fields::print(&model), statements::print(&model));
    quote::quote!(#fields #statements)
}
