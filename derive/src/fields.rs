//! Prints what needs no connection: the core columns, and access to typed columns by name.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

use crate::attributes::{DieselOnStruct, FieldDefault, SessionOnStruct, at};
use crate::model::{CoreNames, Engine, Model, TypedField};

/// The implementations of `CoreColumns`, `SessionModel` and, with an owner, `OwnedModel`; and `live`.
pub(crate) fn print(model: &Model) -> TokenStream {
    let (core_columns, session_model, live) = (core_columns(model), session_model(model), live(model));
    let owned = model.owner().map(|_| {
        let name = &model.name;
        quote! {
            #[automatically_derived]
            impl ::diesel_sessions::OwnedModel for #name {}
        }
    });
    quote!(#core_columns #session_model #owned #live)
}

/// The implementation of `CoreColumns`: alone it keeps a refused model from a heap of follow-up errors.
pub(crate) fn core_columns(model: &Model) -> TokenStream {
    let columns: Vec<_> = model.columns.all().collect();
    print_core_columns(&model.name, &model.table, &columns)
}

/// The same for a struct that could not be read, as well as its attributes say.
pub(crate) fn core_columns_of(item: &syn::DeriveInput) -> Option<TokenStream> {
    let table = DieselOnStruct::table(&item.attrs)?;
    let session = SessionOnStruct::read(&item.attrs).unwrap_or_default();
    let columns = CoreNames::new(&session.columns).or_else(|_| CoreNames::new(&[])).ok()?;
    let is_plain_struct = matches!(item.data, syn::Data::Struct(_)) && item.generics.params.is_empty();
    is_plain_struct.then(|| print_core_columns(&item.ident, &table, &columns.all().collect::<Vec<_>>()))
}

fn print_core_columns(name: &syn::Ident, table: &syn::Path, columns: &[&syn::Ident]) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::diesel_sessions::CoreColumns for #name {
            type Columns = (#(#table::#columns,)*);
            fn columns() -> Self::Columns {
                (#(#table::#columns,)*)
            }
        }
    }
}

fn live(model: &Model) -> TokenStream {
    let (name, visibility, table) = (&model.name, &model.visibility, &model.table);
    let expires_at = model.columns.get("expires_at");
    quote! {
        #[automatically_derived]
        #[allow(dead_code)]
        impl #name {
            /// The sessions that are live at `now`, for queries of the application's own: `expires_at > now`.
            #visibility fn live(
                __now: ::diesel_sessions::__private::DateTime<::diesel_sessions::__private::Utc>,
            ) -> ::diesel_sessions::__private::diesel::dsl::Gt<#table::#expires_at, ::diesel_sessions::Timestamp6> {
                ::diesel_sessions::__private::diesel::ExpressionMethods::gt(
                    #table::#expires_at,
                    ::diesel_sessions::Timestamp6::from(__now),
                )
            }
        }
    }
}

fn session_model(model: &Model) -> TokenStream {
    let name = &model.name;
    let (id, id_type, core) = (&model.id.field, &model.id.ty, &model.core);
    let (connection, engine) = connection(model);
    let reserved = model.columns.all().map(ToString::to_string).chain([model.id.column.to_string()]);
    let columns = model.typed.iter().map(|field| {
        let (name, by_key) = (field.field.unraw().to_string(), field.skip.is_none());
        quote!(::diesel_sessions::TypedColumn { name: #name, by_key: #by_key })
    });
    let fresh = model.typed.iter().map(|field| {
        let (name, value) = (&field.field, default_value(field));
        quote!(#name: #value)
    });
    let (owner_type, owner_place, owner_get, owner_set) = match model.owner() {
        Some(owner) => {
            let (field, ty) = (&owner.field, &owner.within_option);
            let place = model.typed.iter().position(|field| field.owner.is_some());
            (
                quote!(#ty),
                quote!(::core::option::Option::Some(#place)),
                quote!(self.#field.as_ref()),
                quote!(self.#field = __owner;),
            )
        }
        None => (
            quote!(::diesel_sessions::NoOwner),
            quote!(::core::option::Option::None),
            quote!(::core::option::Option::None),
            quote!(let _ = __owner;),
        ),
    };
    let value = arms(model, |field| {
        let name = &field.field;
        if field.skip.is_some() {
            quote!(::core::result::Result::Ok(::diesel_sessions::__private::Value::Null))
        } else {
            quote_spanned!(at(field.ty.span())=> ::diesel_sessions::__private::to_value(&self.#name))
        }
    });
    let set = arms(model, |field| {
        let (name, ty) = (&field.field, &field.ty);
        if field.skip.is_some() {
            quote!(::core::result::Result::Ok(()))
        } else {
            quote_spanned!(at(ty.span())=> ::diesel_sessions::__private::from_value::<#ty>(__value).map(|__value| self.#name = __value))
        }
    });
    let reset = arms(model, |field| {
        let (name, default) = (&field.field, default_value(field));
        quote!(self.#name = #default)
    });
    let is_default = arms(model, |field| {
        let (name, ty, default) = (&field.field, &field.ty, default_value(field));
        quote!({ let __default: #ty = #default; self.#name == __default })
    });
    let same = arms(model, |field| {
        let name = &field.field;
        quote!(self.#name == __other.#name)
    });
    let copy = arms(model, |field| {
        let name = &field.field;
        quote!(self.#name = ::core::clone::Clone::clone(&__other.#name))
    });
    quote! {
        #[automatically_derived]
        impl ::diesel_sessions::SessionModel for #name {
            type RowId = #id_type;
            type Owner = #owner_type;
            type Connection = #connection;
            const ENGINE: ::diesel_sessions::Engine = ::diesel_sessions::Engine::#engine;
            const RESERVED: &'static [&'static str] = &[#(#reserved),*];
            const COLUMNS: &'static [::diesel_sessions::TypedColumn] = &[#(#columns),*];
            const OWNER: ::core::option::Option<usize> = #owner_place;

            fn fresh(__core: ::diesel_sessions::SessionCore<Self>) -> Self {
                #name { #id: 0, #core: __core, #(#fresh,)* }
            }
            fn id_field(&self) -> Self::RowId {
                self.#id
            }
            fn set_id_field(&mut self, __id: Self::RowId) {
                self.#id = __id;
            }
            fn core_field(&self) -> &::diesel_sessions::SessionCore<Self> {
                &self.#core
            }
            fn core_field_mut(&mut self) -> &mut ::diesel_sessions::SessionCore<Self> {
                &mut self.#core
            }
            fn owner_field(&self) -> ::core::option::Option<&Self::Owner> {
                #owner_get
            }
            fn set_owner_field(&mut self, __owner: ::core::option::Option<Self::Owner>) {
                #owner_set
            }
            fn column_value(
                &self,
                __column: usize,
            ) -> ::core::result::Result<::diesel_sessions::__private::Value, ::diesel_sessions::__private::JsonError> {
                match __column { #value }
            }
            fn set_column(
                &mut self,
                __column: usize,
                __value: &::diesel_sessions::__private::Value,
            ) -> ::core::result::Result<(), ::diesel_sessions::__private::JsonError> {
                let _ = __value;
                match __column { #set }
            }
            fn reset_column(&mut self, __column: usize) {
                match __column { #reset }
            }
            fn is_default(&self, __column: usize) -> bool {
                match __column { #is_default }
            }
            fn same_column(&self, __other: &Self, __column: usize) -> bool {
                let _ = __other;
                match __column { #same }
            }
            fn copy_column(&mut self, __other: &Self, __column: usize) {
                let _ = __other;
                match __column { #copy }
            }
        }
    }
}

/// One arm for each typed column, and one for a number that no column has.
fn arms(model: &Model, print: impl Fn(&TypedField) -> TokenStream) -> TokenStream {
    let arms = model.typed.iter().enumerate().map(|(place, field)| {
        let arm = print(field);
        quote!(#place => #arm)
    });
    quote!(#(#arms,)* _ => ::diesel_sessions::__private::no_such_column(__column),)
}

fn default_value(field: &TypedField) -> TokenStream {
    match &field.default {
        Some(FieldDefault::Given(expression)) => match (&**expression, &field.within_option) {
            (text @ Expr::Lit(ExprLit { lit: Lit::Str(_), .. }), None) => quote!(::core::convert::Into::into(#text)),
            (text @ Expr::Lit(ExprLit { lit: Lit::Str(_), .. }), Some(_)) => {
                quote!(::core::option::Option::Some(::core::convert::Into::into(#text)))
            }
            (expression, _) => quote!(#expression),
        },
        Some(FieldDefault::Own(_)) => quote!(::core::default::Default::default()),
        None if field.within_option.is_some() => quote!(::core::option::Option::None),
        None => quote!(::core::default::Default::default()),
    }
}

/// The connection that Diesel has for the backend, and the engine's name.
pub(crate) fn connection(model: &Model) -> (TokenStream, syn::Ident) {
    let span = proc_macro2::Span::call_site();
    match model.engine() {
        Engine::Postgres => (quote!(::diesel_sessions::__private::diesel::PgConnection), syn::Ident::new("Postgres", span)),
        Engine::Mysql => (quote!(::diesel_sessions::__private::diesel::MysqlConnection), syn::Ident::new("Mysql", span)),
        Engine::Sqlite => (quote!(::diesel_sessions::__private::diesel::SqliteConnection), syn::Ident::new("Sqlite", span)),
    }
}
