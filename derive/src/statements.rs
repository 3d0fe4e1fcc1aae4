//! Prints the statements: one-liners of Diesel's DSL with concrete types. What differs by engine is the insert, the second
//! read and the bounded delete.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::attribute_statements;
use crate::attributes::at;
use crate::fields::connection;
use crate::model::{Engine, Model, TypedField};

/// The implementations of `DbSession` and, with an owner, of `DbOwnedSession`.
pub(crate) fn print(model: &Model) -> TokenStream {
    let table = &model.table;
    let db_session = db_session(model);
    let owned = model.owner().map(|owner| db_owned_session(model, owner));
    let db_attributes = attribute_statements::print(model);
    let attributes = attribute_statements::imports(model);
    quote! {
        const _: () = {
            use ::diesel_sessions::__private as __sessions;
            use __sessions::diesel::{
                self, BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _,
                QueryDsl as _, SelectableHelper as _,
            };
            use __sessions::statement as __statement;
            use #table as __table;
            #attributes
            #db_session
            #owned
            #db_attributes
        };
    }
}

fn db_session(model: &Model) -> TokenStream {
    let (name, backend) = (&model.name, model.backends.first());
    let id = &model.id.column;
    let core = |name: &str| model.columns.get(name).clone();
    let (uuid, previous_uuid, data, version) = (core("uuid"), core("previous_uuid"), core("data"), core("version"));
    let (created_at, authenticated_at, rotated_at) = (core("created_at"), core("authenticated_at"), core("rotated_at"));
    let (last_seen_at, expires_at, deadline_at) = (core("last_seen_at"), core("expires_at"), core("deadline_at"));
    let (idle_timeout, persistent) = (core("idle_timeout"), core("persistent"));

    let typed: Vec<TokenStream> = model.typed.iter().map(set_typed).collect();
    let owner = model.owner().map(set_typed).map(|set| quote!(#set,));
    let bump = quote!(__statement::set(__table::#version, __table::#version + 1));
    let set_data = quote!(__statement::set(__table::#data, __write.data));
    let set_touch = quote! {
        __statement::set(__table::#last_seen_at, __write.last_seen_at),
        __statement::set(__table::#expires_at, __write.expires_at)
    };
    // Whatever the version: another request may have been seen later, and its sign of life stays.
    let set_touch_never_back = quote! {
        __statement::set(
            __table::#last_seen_at,
            diesel::dsl::case_when(__table::#last_seen_at.gt(__write.last_seen_at), __table::#last_seen_at).otherwise(__write.last_seen_at),
        ),
        __statement::set(__table::#expires_at, __write.expires_at)
    };
    let set_token = quote! {
        __statement::set(__table::#uuid, __write.digest),
        __statement::set(__table::#previous_uuid, __write.previous),
        __statement::set(__table::#rotated_at, __write.rotated_at)
    };
    let set_limits = quote! {
        __statement::set(__table::#deadline_at, __write.deadline_at),
        __statement::set(__table::#idle_timeout, __write.idle_timeout),
        __statement::set(__table::#persistent, __write.persistent)
    };
    let is_mysql = model.engine() == Engine::Mysql;
    // Not in a form that its index would serve: InnoDB locks the index that leads to a row before the row, and a deletion by
    // the primary key locks them the other way round.
    let known_digest = if is_mysql {
        quote!(__table::#uuid.eq(__statement::coalesce(::core::option::Option::Some(__guard.digest), __table::#uuid)))
    } else {
        quote!(__table::#uuid.eq(__guard.digest))
    };
    let live_row = quote! {
        __table::#id.eq(__guard.id).and(#known_digest).and(__table::#expires_at.gt(__guard.now))
    };
    // Ended by a save after this request has read its clock, perhaps while it waited for the row: to be as good as gone.
    let not_ended_row = quote!(#live_row.and(__table::#expires_at.gt(__table::#last_seen_at)));
    let seen_row = quote!(#live_row.and(__table::#version.eq(__guard.version)));
    let touched_row = quote!(#seen_row.and(__table::#last_seen_at.le(__write.last_seen_at)));

    let is_postgres = model.engine() == Engine::Postgres;
    let engine_module = format_ident!("{}", connection(model).1.to_string().to_lowercase());
    // On PostgreSQL a unique violation would abort the caller's transaction, so the taken __digest is looked for first.
    let (another, untaken) = if is_mysql {
        (quote!(), quote!())
    } else {
        (
            quote!(diesel::alias!(__table as another_session: AnotherSession);),
            quote! {
                .and(diesel::dsl::not(diesel::dsl::exists(
                    another_session
                        .filter(another_session.field(__table::#uuid).eq(__write.digest))
                        .select(another_session.field(__table::#id)),
                )))
            },
        )
    };
    let blocking_references = if is_mysql || is_postgres {
        quote!({
            let _ = __conn;
            ::core::result::Result::Ok(::core::option::Option::None)
        })
    } else {
        quote!(::diesel_sessions::__private::sqlite::blocking_references(__conn, __table::table))
    };
    let insert = insert(model, is_mysql);
    let for_update = if is_mysql { quote!(.for_update()) } else { quote!() };
    let purge = if is_mysql {
        quote! {
            let _ = __reached;
            let __expired = __table::#expires_at.le(__now);
            let __batch = __table::table.filter(__expired).order((__table::#expires_at, __table::#id)).limit(__limit).select(__table::#id);
            let mut __ids: ::std::vec::Vec<<Self as ::diesel_sessions::SessionModel>::RowId> = diesel::RunQueryDsl::load(__batch, __conn)?;
            __ids.sort_unstable();
            let mut __rows = 0;
            for __chunk in __ids.chunks(__statement::KEYS_IN_STATEMENT) {
                let __locked = __statement::lock_by_key(__table::table, __table::#id, __chunk.iter().copied());
                let __delete = __statement::delete_locked(__table::table, __table::#id, __locked, __expired);
                __rows += diesel::RunQueryDsl::execute(__delete, __conn)?;
            }
            ::core::result::Result::Ok(__rows)
        }
    } else if is_postgres {
        // The index has no row ids to go by: among rows that expire at the same time it would sort them all for each batch.
        quote! {
            diesel::alias!(__table as expired: Expired);
            let __expires_at = expired.field(__table::#expires_at);
            let __batch = expired
                .filter(__expires_at.ge(*__reached).and(__expires_at.le(__now)))
                .order(__expires_at)
                .limit(__limit)
                .for_update()
                .skip_locked()
                .select(expired.field(__table::#id));
            let __delete = __statement::delete_selected(__table::table, __table::#id, __batch);
            let __deleted: ::std::vec::Vec<__sessions::Reached> =
                diesel::RunQueryDsl::load(__statement::returning(__delete, __table::#expires_at), __conn)?;
            *__reached = __deleted.iter().copied().fold(*__reached, ::core::cmp::Ord::max);
            ::core::result::Result::Ok(__deleted.len())
        }
    } else {
        quote! {
            let _ = __reached;
            diesel::alias!(__table as expired: Expired);
            let __batch = expired
                .filter(expired.field(__table::#expires_at).le(__now))
                .order((expired.field(__table::#expires_at), expired.field(__table::#id)))
                .limit(__limit)
                .select(expired.field(__table::#id));
            diesel::RunQueryDsl::execute(diesel::delete(__table::table.filter(__table::#id.eq_any(__batch))), __conn)
        }
    };
    let (purge_attributes, look_at_attributes) = (attribute_statements::purge(model), attribute_statements::look(model));
    let try_purge_lock = is_postgres.then(|| {
        quote! {
            fn try_purge_lock(__conn: &mut __C) -> diesel::QueryResult<bool> {
                ::diesel_sessions::__private::postgres::try_purge_lock(__conn, __table::table)
            }
        }
    });
    let connection_bounds = quote!(__C: diesel::connection::Connection<Backend = #backend> + diesel::connection::LoadConnection);

    quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<__C> ::diesel_sessions::DbSession<__C> for #name
        where
            #connection_bounds,
        {
            fn find(__conn: &mut __C, __digest: ::diesel_sessions::TokenDigest, __now: ::diesel_sessions::Timestamp6) -> diesel::QueryResult<::core::option::Option<Self>> {
                let __row = __table::table
                    .filter(__table::#uuid.eq(__digest).and(__table::#expires_at.gt(__now)))
                    .select(Self::as_select());
                diesel::RunQueryDsl::get_result(__row, __conn).optional()
            }

            fn find_replaced(
                __conn: &mut __C,
                __digest: ::diesel_sessions::TokenDigest,
                __now: ::diesel_sessions::Timestamp6,
            ) -> diesel::QueryResult<::core::option::Option<__sessions::Replaced<<Self as ::diesel_sessions::SessionModel>::RowId>>> {
                let __row = __table::table
                    .filter(__table::#previous_uuid.eq(__digest).and(__table::#expires_at.gt(__now)))
                    .select((__table::#id, __table::#rotated_at, __table::#created_at));
                diesel::RunQueryDsl::get_result(__row, __conn).optional()
            }

            fn is_live(__conn: &mut __C, __digest: ::diesel_sessions::TokenDigest, __now: ::diesel_sessions::Timestamp6) -> diesel::QueryResult<bool> {
                let __live = __table::table.filter(__table::#uuid.eq(__digest).and(__table::#expires_at.gt(__now)));
                diesel::RunQueryDsl::get_result(diesel::select(diesel::dsl::exists(__live)), __conn)
            }

            fn read_again(__conn: &mut __C, __id: <Self as ::diesel_sessions::SessionModel>::RowId) -> diesel::QueryResult<::core::option::Option<Self>> {
                diesel::RunQueryDsl::get_result(__table::table.filter(__table::#id.eq(__id)).select(Self::as_select())#for_update, __conn).optional()
            }

            fn is_taken(__conn: &mut __C, __digest: ::diesel_sessions::TokenDigest) -> diesel::QueryResult<bool> {
                let __row = __table::table.filter(__table::#uuid.eq(__digest)).select(__table::#id)#for_update;
                let __row: ::core::option::Option<<Self as ::diesel_sessions::SessionModel>::RowId> = diesel::RunQueryDsl::get_result(__row, __conn).optional()?;
                ::core::result::Result::Ok(__row.is_some())
            }

            fn insert(__conn: &mut __C, __write: &__sessions::Write<'_, Self>) -> diesel::QueryResult<::core::option::Option<<Self as ::diesel_sessions::SessionModel>::RowId>> {
                #insert
            }

            fn touch(__conn: &mut __C, __guard: &__sessions::Guard<Self>, __write: &__sessions::Write<'_, Self>, __idle_since: ::diesel_sessions::Timestamp6) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(__statement::update(__table::table, (#set_touch,), #seen_row.and(__table::#last_seen_at.le(__idle_since))), __conn)
            }

            fn save(__conn: &mut __C, __guard: &__sessions::Guard<Self>, __write: &__sessions::Write<'_, Self>, __shape: __sessions::SaveShape) -> diesel::QueryResult<usize> {
                match __shape {
                    __sessions::SaveShape::Data => {
                        diesel::RunQueryDsl::execute(__statement::update(__table::table, (#set_data, #bump,), #seen_row), __conn)
                    }
                    __sessions::SaveShape::DataTouch => {
                        diesel::RunQueryDsl::execute(__statement::update(__table::table, (#set_data, #set_touch, #bump,), #touched_row), __conn)
                    }
                    __sessions::SaveShape::Columns => {
                        diesel::RunQueryDsl::execute(__statement::update(__table::table, (#set_data, #(#typed,)* #bump,), #seen_row), __conn)
                    }
                    __sessions::SaveShape::ColumnsTouch => {
                        diesel::RunQueryDsl::execute(__statement::update(__table::table, (#set_data, #(#typed,)* #set_touch, #bump,), #touched_row), __conn)
                    }
                    __sessions::SaveShape::Policy => {
                        let __sets = (#set_data, #(#typed,)* #set_touch, #set_limits, #bump,);
                        diesel::RunQueryDsl::execute(__statement::update(__table::table, __sets, #touched_row), __conn)
                    }
                }
            }

            fn rotate(__conn: &mut __C, __guard: &__sessions::Guard<Self>, __write: &__sessions::Write<'_, Self>) -> diesel::QueryResult<usize> {
                #another
                diesel::RunQueryDsl::execute(__statement::update(__table::table, (#set_token, #bump,), #live_row #untaken), __conn)
            }

            fn authenticate(__conn: &mut __C, __guard: &__sessions::Guard<Self>, __write: &__sessions::Write<'_, Self>) -> diesel::QueryResult<usize> {
                #another
                let __sets = (
                    #set_token,
                    __statement::set(__table::#authenticated_at, __write.authenticated_at),
                    #set_touch_never_back,
                    #set_limits,
                    #owner
                    #bump,
                );
                diesel::RunQueryDsl::execute(__statement::update(__table::table, __sets, #not_ended_row #untaken), __conn)
            }

            fn renew(__conn: &mut __C, __guard: &__sessions::Guard<Self>, __write: &__sessions::Write<'_, Self>) -> diesel::QueryResult<usize> {
                #another
                let __sets = (
                    #set_token,
                    #set_data,
                    __statement::set(__table::#authenticated_at, __write.authenticated_at),
                    #set_touch,
                    #set_limits,
                    #(#typed,)*
                    #bump,
                );
                diesel::RunQueryDsl::execute(__statement::update(__table::table, __sets, #touched_row #untaken), __conn)
            }

            fn end(__conn: &mut __C, __id: <Self as ::diesel_sessions::SessionModel>::RowId) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(diesel::delete(__table::table.filter(__table::#id.eq(__id))), __conn)
            }

            fn end_known(__conn: &mut __C, __id: <Self as ::diesel_sessions::SessionModel>::RowId, __digest: ::diesel_sessions::TokenDigest) -> diesel::QueryResult<usize> {
                let __known = __table::#uuid.eq(__digest).or(__table::#previous_uuid.eq(__digest).assume_not_null());
                diesel::RunQueryDsl::execute(diesel::delete(__table::table.filter(__table::#id.eq(__id).and(__known))), __conn)
            }

            fn end_guarded(__conn: &mut __C, __guard: &__sessions::Guard<Self>) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(diesel::delete(__table::table.filter(#live_row)), __conn)
            }

            fn end_everyone(__conn: &mut __C) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(diesel::delete(__table::table), __conn)
            }

            fn purge(__conn: &mut __C, __now: ::diesel_sessions::Timestamp6, __limit: i64, __reached: &mut __sessions::Reached) -> diesel::QueryResult<usize> {
                #purge
            }

            fn purge_attributes(__conn: &mut __C, __now: ::diesel_sessions::Timestamp6, __limit: i64, __reached: &mut __sessions::Reached) -> diesel::QueryResult<usize> {
                #purge_attributes
            }

            #try_purge_lock

            fn blocking_references(__conn: &mut __C) -> diesel::QueryResult<::core::option::Option<::std::string::String>> {
                #blocking_references
            }

            fn look_at_attributes(__conn: &mut __C) -> diesel::QueryResult<()> {
                #look_at_attributes
            }

            fn findings(__conn: &mut __C) -> diesel::QueryResult<__sessions::Findings> {
                ::diesel_sessions::__private::#engine_module::findings(__conn)
            }

            fn transaction_depth(__conn: &mut __C) -> diesel::QueryResult<u32> {
                ::diesel_sessions::__private::transaction_depth(__conn)
            }

            fn set_in_error(__conn: &mut __C) {
                ::diesel_sessions::__private::set_in_error(__conn);
            }

            fn transaction<__T>(__conn: &mut __C, __work: impl ::core::ops::FnOnce(&mut __C) -> ::diesel_sessions::Result<__T>) -> ::diesel_sessions::Result<__T> {
                diesel::connection::Connection::transaction(__conn, __work)
            }
        }
    }
}

fn insert(model: &Model, is_mysql: bool) -> TokenStream {
    let id = &model.id.column;
    let core = |name: &str| model.columns.get(name).clone();
    let (uuid, version) = (core("uuid"), core("version"));
    let values =
        ["data", "created_at", "authenticated_at", "last_seen_at", "expires_at", "deadline_at", "idle_timeout", "persistent"]
            .map(|name| {
                let (column, value) = (core(name), format_ident!("{name}"));
                quote!(__table::#column.eq(__write.#value))
            });
    let typed = model.typed.iter().map(|field| {
        let (column, value) = (&field.column, bound(field));
        quote!(__table::#column.eq(#value))
    });
    let row = quote! {
        (__table::#uuid.eq(__write.digest), __table::#version.eq(0), #(#values,)* #(#typed,)*)
    };
    if is_mysql {
        quote! {
            diesel::RunQueryDsl::execute(diesel::insert_into(__table::table).values(#row), __conn)?;
            diesel::RunQueryDsl::get_result(__table::table.filter(__table::#uuid.eq(__write.digest)).select(__table::#id), __conn).optional()
        }
    } else {
        quote!(diesel::RunQueryDsl::get_result(__statement::insert_new(__table::table, #row, __table::#uuid, __table::#id), __conn).optional())
    }
}

fn db_owned_session(model: &Model, owner: &TypedField) -> TokenStream {
    let (name, backend) = (&model.name, model.backends.first());
    let (id, expires_at) = (&model.id.column, model.columns.get("expires_at"));
    let (column, owner_type) = (&owner.column, &owner.within_option);
    let owner_value = match &owner.serialize_as {
        Some(ty) => quote!(::core::convert::Into::<#ty>::into(::core::option::Option::Some(__owner.clone()))),
        None => quote!(__owner),
    };
    let mine = quote!(__table::#column.eq(#owner_value));
    let delete = |guard: TokenStream| {
        if model.engine() == Engine::Mysql {
            quote!({
                let __locked = __table::table.filter(#guard).order(__table::#id).limit(i64::MAX).select(__table::#id).for_update();
                __statement::delete_locked(__table::table, __table::#id, __locked, #guard)
            })
        } else {
            quote!(diesel::delete(__table::table.filter(#guard)))
        }
    };
    let (all, others) = (delete(mine.clone()), delete(quote!(#mine.and(__table::#id.ne(__id)))));
    quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<__C> ::diesel_sessions::DbOwnedSession<__C> for #name
        where
            __C: diesel::connection::Connection<Backend = #backend> + diesel::connection::LoadConnection,
        {
            fn list(__conn: &mut __C, __owner: &#owner_type, __now: ::diesel_sessions::Timestamp6) -> diesel::QueryResult<::std::vec::Vec<Self>> {
                let __rows = __table::table
                    .filter(#mine)
                    .filter(__table::#expires_at.gt(__now))
                    .order(__table::#id.desc())
                    .select(Self::as_select());
                diesel::RunQueryDsl::load(__rows, __conn)
            }

            fn count(__conn: &mut __C, __owner: &#owner_type, __now: ::diesel_sessions::Timestamp6) -> diesel::QueryResult<i64> {
                diesel::RunQueryDsl::get_result(__table::table.filter(#mine).filter(__table::#expires_at.gt(__now)).count(), __conn)
            }

            fn revoke(__conn: &mut __C, __owner: &#owner_type, __id: <Self as ::diesel_sessions::SessionModel>::RowId) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(diesel::delete(__table::table.filter(__table::#id.eq(__id)).filter(#mine)), __conn)
            }

            fn revoke_all(__conn: &mut __C, __owner: &#owner_type) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(#all, __conn)
            }

            fn revoke_except(__conn: &mut __C, __owner: &#owner_type, __id: <Self as ::diesel_sessions::SessionModel>::RowId) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(#others, __conn)
            }
        }
    }
}

fn set_typed(field: &TypedField) -> TokenStream {
    let (column, value) = (&field.column, bound(field));
    quote_spanned!(at(field.ty.span())=> __statement::set(__table::#column, #value))
}

/// What is bound for a typed column: a reference, or the type that `serialize_as` asks for.
fn bound(field: &TypedField) -> TokenStream {
    let name = &field.field;
    match &field.serialize_as {
        Some(ty) => {
            quote_spanned!(at(ty.span())=> ::core::convert::Into::<#ty>::into(::core::clone::Clone::clone(&__write.model.#name)))
        }
        None => quote_spanned!(at(field.ty.span())=> &__write.model.#name),
    }
}
