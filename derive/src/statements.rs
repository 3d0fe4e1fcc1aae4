//! Prints the statements: one-liners of Diesel's DSL with concrete types. What differs by engine is the insert, the second
//! read and the bounded delete.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::attributes::at;
use crate::fields::connection;
use crate::model::{Model, TypedField};

/// The implementations of `DbSession` and, with an owner, of `DbOwnedSession`.
pub(crate) fn print(model: &Model) -> TokenStream {
    let db_session = db_session(model);
    let owned = model.owner().map(|owner| db_owned_session(model, owner));
    quote! {
        const _: () = {
            use ::diesel_sessions::__private::diesel::prelude::*;
            use ::diesel_sessions::__private::{Findings, Guard, SaveShape, Write, diesel, statement};
            use ::diesel_sessions::{Result, SessionModel, Timestamp6, TokenDigest};
            use diesel::QueryResult;
            #db_session
            #owned
        };
    }
}

fn db_session(model: &Model) -> TokenStream {
    let (name, table, backend) = (&model.name, &model.table, model.backends.first());
    let id = &model.id.column;
    let core = |name: &str| model.columns.get(name).clone();
    let (uuid, previous_uuid, data, version) = (core("uuid"), core("previous_uuid"), core("data"), core("version"));
    let (authenticated_at, rotated_at) = (core("authenticated_at"), core("rotated_at"));
    let (last_seen_at, expires_at, deadline_at) = (core("last_seen_at"), core("expires_at"), core("deadline_at"));
    let (idle_timeout, persistent) = (core("idle_timeout"), core("persistent"));

    let typed: Vec<TokenStream> = model.typed.iter().map(|field| set_typed(table, field)).collect();
    let owner = model.owner().map(|owner| set_typed(table, owner)).map(|set| quote!(#set,));
    let bump = quote!(statement::set(#table::#version, #table::#version + 1));
    let set_data = quote!(statement::set(#table::#data, write.data));
    let set_touch = quote! {
        statement::set(#table::#last_seen_at, write.last_seen_at),
        statement::set(#table::#expires_at, write.expires_at)
    };
    let set_token = quote! {
        statement::set(#table::#uuid, write.digest),
        statement::set(#table::#previous_uuid, write.previous),
        statement::set(#table::#rotated_at, write.rotated_at)
    };
    let set_limits = quote! {
        statement::set(#table::#deadline_at, write.deadline_at),
        statement::set(#table::#idle_timeout, write.idle_timeout),
        statement::set(#table::#persistent, write.persistent)
    };
    let live_row = quote! {
        #table::#id.eq(guard.id).and(#table::#uuid.eq(guard.digest)).and(#table::#expires_at.gt(guard.now))
    };
    let seen_before = quote!(#live_row.and(#table::#last_seen_at.le(write.last_seen_at)));
    let seen_row = quote!(#live_row.and(#table::#version.eq(guard.version)));
    let touched_row = quote!(#seen_row.and(#table::#last_seen_at.le(write.last_seen_at)));

    let is_mysql = connection(model).1 == "Mysql";
    let is_postgres = connection(model).1 == "Postgres";
    let engine_module = format_ident!("{}", connection(model).1.to_string().to_lowercase());
    // On PostgreSQL a unique violation would abort the caller's transaction, so the taken digest is looked for first.
    let (another, untaken) = if is_mysql {
        (quote!(), quote!())
    } else {
        (
            quote!(diesel::alias!(#table as another_session: AnotherSession);),
            quote! {
                .and(diesel::dsl::not(diesel::dsl::exists(
                    another_session
                        .filter(another_session.field(#table::#uuid).eq(write.digest))
                        .select(another_session.field(#table::#id)),
                )))
            },
        )
    };
    let table_name = table.segments.last().map(|segment| segment.ident.to_string());
    let blocking_references = if is_mysql || is_postgres {
        quote!({
            let _ = conn;
            Ok(None)
        })
    } else {
        quote!(::diesel_sessions::__private::sqlite::blocking_references(conn, #table_name))
    };
    let insert = insert(model, is_mysql);
    let for_update = if is_mysql { quote!(.for_update()) } else { quote!() };
    let skip_locked = if is_postgres { quote!(.for_update().skip_locked()) } else { quote!() };
    let purge = if is_mysql {
        quote!(statement::delete_batch(#table::table, #table::#expires_at.le(now), (#table::#expires_at, #table::#id), limit).execute(conn))
    } else {
        quote! {
            diesel::alias!(#table as expired: Expired);
            let batch = expired
                .filter(expired.field(#table::#expires_at).le(now))
                .order((expired.field(#table::#expires_at), expired.field(#table::#id)))
                .limit(limit)
                #skip_locked
                .select(expired.field(#table::#id));
            diesel::delete(#table::table.filter(#table::#id.eq_any(batch))).execute(conn)
        }
    };
    let connection_bounds = quote!(C: diesel::connection::Connection<Backend = #backend> + diesel::connection::LoadConnection);

    quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<C> ::diesel_sessions::DbSession<C> for #name
        where
            #connection_bounds,
        {
            fn find(conn: &mut C, digest: TokenDigest, now: Timestamp6) -> QueryResult<Option<Self>> {
                #table::table
                    .filter(#table::#uuid.eq(digest).and(#table::#expires_at.gt(now)))
                    .select(Self::as_select())
                    .get_result(conn)
                    .optional()
            }

            fn find_replaced(
                conn: &mut C,
                digest: TokenDigest,
                now: Timestamp6,
            ) -> QueryResult<Option<(Self::RowId, Option<Timestamp6>)>> {
                #table::table
                    .filter(#table::#previous_uuid.eq(digest).and(#table::#expires_at.gt(now)))
                    .select((#table::#id, #table::#rotated_at))
                    .get_result(conn)
                    .optional()
            }

            fn is_live(conn: &mut C, digest: TokenDigest, now: Timestamp6) -> QueryResult<bool> {
                let live = #table::table.filter(#table::#uuid.eq(digest).and(#table::#expires_at.gt(now)));
                diesel::select(diesel::dsl::exists(live)).get_result(conn)
            }

            fn read_again(conn: &mut C, id: Self::RowId) -> QueryResult<Option<Self>> {
                #table::table.filter(#table::#id.eq(id)).select(Self::as_select())#for_update.get_result(conn).optional()
            }

            fn is_taken(conn: &mut C, digest: TokenDigest) -> QueryResult<bool> {
                let row = #table::table.filter(#table::#uuid.eq(digest));
                diesel::select(diesel::dsl::exists(row)).get_result(conn)
            }

            fn insert(conn: &mut C, write: &Write<'_, Self>) -> QueryResult<Option<Self::RowId>> {
                #insert
            }

            fn touch(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>, idle_since: Timestamp6) -> QueryResult<usize> {
                statement::update(#table::table, (#set_touch,), #seen_row.and(#table::#last_seen_at.le(idle_since))).execute(conn)
            }

            fn save(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>, shape: SaveShape) -> QueryResult<usize> {
                match shape {
                    SaveShape::Data => {
                        statement::update(#table::table, (#set_data, #bump,), #seen_row).execute(conn)
                    }
                    SaveShape::DataTouch => {
                        statement::update(#table::table, (#set_data, #set_touch, #bump,), #touched_row).execute(conn)
                    }
                    SaveShape::Columns => {
                        statement::update(#table::table, (#set_data, #(#typed,)* #bump,), #seen_row).execute(conn)
                    }
                    SaveShape::ColumnsTouch => {
                        statement::update(#table::table, (#set_data, #(#typed,)* #set_touch, #bump,), #touched_row).execute(conn)
                    }
                    SaveShape::Policy => {
                        let sets = (#set_data, #(#typed,)* #set_touch, #set_limits, #bump,);
                        statement::update(#table::table, sets, #touched_row).execute(conn)
                    }
                }
            }

            fn rotate(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>) -> QueryResult<usize> {
                #another
                statement::update(#table::table, (#set_token, #bump,), #live_row #untaken).execute(conn)
            }

            fn authenticate(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>) -> QueryResult<usize> {
                #another
                let sets = (
                    #set_token,
                    statement::set(#table::#authenticated_at, write.authenticated_at),
                    #set_touch,
                    #set_limits,
                    #owner
                    #bump,
                );
                statement::update(#table::table, sets, #seen_before #untaken).execute(conn)
            }

            fn renew(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>) -> QueryResult<usize> {
                #another
                let sets = (
                    #set_token,
                    #set_data,
                    statement::set(#table::#authenticated_at, write.authenticated_at),
                    #set_touch,
                    #set_limits,
                    #(#typed,)*
                    #bump,
                );
                statement::update(#table::table, sets, #touched_row #untaken).execute(conn)
            }

            fn end(conn: &mut C, id: Self::RowId) -> QueryResult<usize> {
                diesel::delete(#table::table.filter(#table::#id.eq(id))).execute(conn)
            }

            fn end_known(conn: &mut C, id: Self::RowId, digest: TokenDigest) -> QueryResult<usize> {
                let known = #table::#uuid.eq(digest).or(#table::#previous_uuid.eq(digest).assume_not_null());
                diesel::delete(#table::table.filter(#table::#id.eq(id).and(known))).execute(conn)
            }

            fn end_guarded(conn: &mut C, guard: &Guard<Self>) -> QueryResult<usize> {
                diesel::delete(#table::table.filter(#live_row)).execute(conn)
            }

            fn end_everyone(conn: &mut C) -> QueryResult<usize> {
                diesel::delete(#table::table).execute(conn)
            }

            fn purge(conn: &mut C, now: Timestamp6, limit: i64) -> QueryResult<usize> {
                #purge
            }

            fn blocking_references(conn: &mut C) -> QueryResult<Option<String>> {
                #blocking_references
            }

            fn findings(conn: &mut C) -> QueryResult<Findings> {
                ::diesel_sessions::__private::#engine_module::findings(conn)
            }

            fn transaction_depth(conn: &mut C) -> QueryResult<u32> {
                ::diesel_sessions::__private::transaction_depth(conn)
            }

            fn set_in_error(conn: &mut C) {
                ::diesel_sessions::__private::set_in_error(conn);
            }

            fn transaction<T>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<T>) -> Result<T> {
                diesel::connection::Connection::transaction(conn, work)
            }
        }
    }
}

fn insert(model: &Model, is_mysql: bool) -> TokenStream {
    let (table, id) = (&model.table, &model.id.column);
    let core = |name: &str| model.columns.get(name).clone();
    let (uuid, version) = (core("uuid"), core("version"));
    let values =
        ["data", "created_at", "authenticated_at", "last_seen_at", "expires_at", "deadline_at", "idle_timeout", "persistent"]
            .map(|name| {
                let (column, value) = (core(name), format_ident!("{name}"));
                quote!(#table::#column.eq(write.#value))
            });
    let typed = model.typed.iter().map(|field| {
        let (column, value) = (&field.column, bound(field));
        quote!(#table::#column.eq(#value))
    });
    let row = quote! {
        (#table::#uuid.eq(write.digest), #table::#version.eq(0), #(#values,)* #(#typed,)*)
    };
    if is_mysql {
        quote! {
            diesel::insert_into(#table::table).values(#row).execute(conn)?;
            #table::table.filter(#table::#uuid.eq(write.digest)).select(#table::#id).get_result(conn).optional()
        }
    } else {
        quote!(statement::insert_new(#table::table, #row, #table::#uuid, #table::#id).get_result(conn).optional())
    }
}

fn db_owned_session(model: &Model, owner: &TypedField) -> TokenStream {
    let (name, table, backend) = (&model.name, &model.table, model.backends.first());
    let (id, expires_at) = (&model.id.column, model.columns.get("expires_at"));
    let (column, owner_type) = (&owner.column, &owner.within_option);
    let owner_value = match &owner.serialize_as {
        Some(ty) => quote!(::core::convert::Into::<#ty>::into(::core::option::Option::Some(owner.clone()))),
        None => quote!(owner),
    };
    let mine = quote!(#table::#column.eq(#owner_value));
    quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<C> ::diesel_sessions::DbOwnedSession<C> for #name
        where
            C: diesel::connection::Connection<Backend = #backend> + diesel::connection::LoadConnection,
        {
            fn list(conn: &mut C, owner: &#owner_type, now: Timestamp6) -> QueryResult<Vec<Self>> {
                #table::table
                    .filter(#mine)
                    .filter(#table::#expires_at.gt(now))
                    .order(#table::#id.desc())
                    .select(Self::as_select())
                    .load(conn)
            }

            fn count(conn: &mut C, owner: &#owner_type, now: Timestamp6) -> QueryResult<i64> {
                #table::table.filter(#mine).filter(#table::#expires_at.gt(now)).count().get_result(conn)
            }

            fn revoke(conn: &mut C, owner: &#owner_type, id: Self::RowId) -> QueryResult<usize> {
                diesel::delete(#table::table.filter(#table::#id.eq(id)).filter(#mine)).execute(conn)
            }

            fn revoke_all(conn: &mut C, owner: &#owner_type) -> QueryResult<usize> {
                diesel::delete(#table::table.filter(#mine)).execute(conn)
            }

            fn revoke_except(conn: &mut C, owner: &#owner_type, id: Self::RowId) -> QueryResult<usize> {
                diesel::delete(#table::table.filter(#mine).filter(#table::#id.ne(id))).execute(conn)
            }
        }
    }
}

fn set_typed(table: &syn::Path, field: &TypedField) -> TokenStream {
    let (column, value) = (&field.column, bound(field));
    quote_spanned!(at(field.ty.span())=> statement::set(#table::#column, #value))
}

/// What is bound for a typed column: a reference, or the type that `serialize_as` asks for.
fn bound(field: &TypedField) -> TokenStream {
    let name = &field.field;
    match &field.serialize_as {
        Some(ty) => {
            quote_spanned!(at(ty.span())=> ::core::convert::Into::<#ty>::into(::core::clone::Clone::clone(&write.model.#name)))
        }
        None => quote_spanned!(at(field.ty.span())=> &write.model.#name),
    }
}
