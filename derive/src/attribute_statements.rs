//! Prints the statements over attributes. What differs by engine is how the session's row is locked, in which form attributes
//! are given, and how several are changed at once.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::attributes::at;
use crate::fields::connection;
use crate::model::{Engine, Model};

/// The attribute table and its columns, by names that nothing else has. What is missing is told where the user names the table.
pub(crate) fn imports(model: &Model) -> Option<TokenStream> {
    let table = model.attributes.as_ref()?;
    let row_id = &model.id.ty;
    Some(quote_spanned! {at(table.span())=>
        use #table::{
            table as __attribute_table, session_id as __attribute_session_id, name as __attribute_name, value as __attribute_value,
            sealed as __attribute_sealed, created_at as __attribute_created_at, updated_at as __attribute_updated_at,
            expires_at as __attribute_expires_at,
        };
        const _: fn() = || {
            fn __refers_to_the_session<__Id: __sessions::RowIdOf<diesel::dsl::SqlTypeOf<__attribute_session_id>>>() {}
            __refers_to_the_session::<#row_id>();
        };
    })
}

/// The body of `purge_attributes`, which every model has.
pub(crate) fn purge(model: &Model) -> TokenStream {
    if model.attributes.is_none() {
        return quote! {
            let _ = (__conn, __now, __limit, __reached);
            ::core::result::Result::Ok(0)
        };
    }
    let (id, expires_at) = (&model.id.column, model.columns.get("expires_at"));
    let columns = columns();
    // The order of each engine's index on the expiry, and the end of the batch before, as for sessions.
    let (locked, longest_expired, from) = if model.engine() == Engine::Postgres {
        let from = quote!(__attribute_expires_at.ge(*__reached).assume_not_null().and(__expired));
        (quote!(.for_update().skip_locked()), quote!(__attribute_expires_at), from)
    } else {
        (
            quote!(),
            quote!((__attribute_expires_at, __attribute_session_id, __attribute_name)),
            quote!({
                let _ = __reached;
                __expired
            }),
        )
    };
    let batch = quote! {
        let __expired = __attribute_expires_at.le(__now).assume_not_null();
        let __batch = __attribute_table
            .filter(#from)
            .filter(__statement::attributes::within(
                __attribute_session_id,
                __table::table.filter(__table::#expires_at.gt(__now)).select(__table::#id),
            ))
            .order(#longest_expired)
            .limit(__limit)
            #locked
            .select((__attribute_session_id, __attribute_name));
    };
    match model.engine() {
        Engine::Postgres => quote! {
            #batch
            let __delete = __statement::attributes::delete_held((__attribute_table, #columns), __batch);
            let __deleted: ::std::vec::Vec<__sessions::Reached> =
                diesel::RunQueryDsl::load(__statement::returning(__delete, __attribute_expires_at.assume_not_null()), __conn)?;
            *__reached = __deleted.iter().copied().fold(*__reached, ::core::cmp::Ord::max);
            ::core::result::Result::Ok(__deleted.len())
        },
        Engine::Sqlite => quote! {
            #batch
            diesel::RunQueryDsl::execute(__statement::attributes::delete_pairs((__attribute_table, #columns), __batch), __conn)
        },
        // MySQL neither deletes from the table that a subselect reads, nor in the order of the primary key by another index.
        Engine::Mysql => quote! {
            #batch
            let mut __keys: ::std::vec::Vec<(<Self as ::diesel_sessions::SessionModel>::RowId, ::std::string::String)> =
                diesel::RunQueryDsl::load(__batch, __conn)?;
            __keys.sort_unstable();
            let mut __rows = 0;
            for __chunk in __keys.chunks(__statement::attributes::ROWS_IN_STATEMENT) {
                let __sessions = __chunk.chunk_by(|__one, __other| __one.0 == __other.0).map(|__same| __same[0].0);
                let __delete = __statement::attributes::delete_keys(
                    (__attribute_table, #columns),
                    (__statement::lock_by_key(__table::table, __table::#id, __sessions), __table::#id),
                    __chunk.iter().map(|(__session, __name)| (
                        __statement::attributes::bind(__attribute_session_id, *__session),
                        __statement::attributes::bind(__attribute_name, __name),
                    )),
                    __expired,
                );
                __rows += diesel::RunQueryDsl::execute(__delete, __conn)?;
            }
            ::core::result::Result::Ok(__rows)
        },
    }
}

/// The body of `look_at_attributes`, which every model has.
pub(crate) fn look(model: &Model) -> TokenStream {
    if model.attributes.is_none() {
        return quote! {
            let _ = __conn;
            ::core::result::Result::Ok(())
        };
    }
    let stored = stored();
    quote! {
        let __none = __attribute_table
            .filter(__attribute_session_id.eq(<Self as ::diesel_sessions::SessionModel>::RowId::default()))
            .filter(__attribute_name.eq(""))
            .select(#stored);
        diesel::RunQueryDsl::get_result::<__sessions::StoredAttribute>(__none, __conn).optional().map(::core::mem::drop)
    }
}

/// The implementation of `DbAttributes`.
pub(crate) fn print(model: &Model) -> Option<TokenStream> {
    model.attributes.as_ref()?;
    let (name, backend, engine) = (&model.name, model.backends.first(), model.engine());
    let id = &model.id.column;
    let (uuid, expires_at) = (model.columns.get("uuid"), model.columns.get("expires_at"));
    let engine_module = format_ident!("{}", connection(model).1.to_string().to_lowercase());

    let guard = quote! {
        __table::#id.eq(__place.id)
            .and(__table::#uuid.eq(__statement::coalesce(__place.digest, __table::#uuid)))
            .and(__table::#expires_at.gt(__place.now))
    };
    let lock = match engine {
        Engine::Sqlite => quote!(),
        Engine::Postgres => quote!(.for_key_share()),
        // The limit keeps the derived table from being merged into the statement, which would lock in another order.
        Engine::Mysql => quote!(.limit(1).for_update()),
    };
    let unlocked = quote!(__table::table.filter(#guard).select(__table::#id));
    let live = quote!(#unlocked #lock);
    // MySQL's lock keeps every other writer away as it is.
    let live_alone = if engine == Engine::Postgres { quote!(#unlocked.for_update()) } else { live.clone() };
    let columns = columns();
    let to = quote!((__attribute_table, #columns));
    let session_of = |live: &TokenStream| quote!((#live, __table::#id));
    let stored = stored();
    let live_attribute = quote!(__attribute_expires_at.is_null().or(__attribute_expires_at.gt(__place.now)));
    let named = quote!(__attribute_name.eq_any(__names.iter().copied()).and(#live_attribute));
    let now = |column: TokenStream| quote!(__statement::attributes::bind(#column, __place.now));
    let (created_now, updated_now) = (now(quote!(__attribute_created_at)), now(quote!(__attribute_updated_at)));
    let given = given(engine);
    let held = |live: &TokenStream| {
        quote! {
            __attribute_table
                .filter(__statement::attributes::within(__attribute_session_id, #live))
                .filter(#named)
                .order(__attribute_name)
                .select((__attribute_session_id, __attribute_name))
                .for_update()
        }
    };
    let count = |all: TokenStream| {
        quote! {
            diesel::expression::AsExpression::<diesel::sql_types::BigInt>::as_expression(
                ::core::convert::TryInto::<i64>::try_into(#all.len()).unwrap_or(i64::MAX),
            )
        }
    };
    let (all_given, all_names) = (count(quote!(__given)), count(quote!(__names)));

    let how = |how: &str| {
        let how = format_ident!("{how}");
        quote!(::core::marker::PhantomData::<__statement::attributes::#how>)
    };
    let upsert = |existing: &str, live: &TokenStream| {
        let (session, how) = (session_of(live), how(existing));
        quote!(diesel::RunQueryDsl::execute(__statement::attributes::upsert(#to, #session, #given, #created_now, #how), __conn))
    };
    let set = upsert("Keeping", &live);
    let set_alone = upsert("Keeping", &live_alone);
    let set_replacing = upsert("Replacing", &live);
    let create = upsert("Creating", &live);
    let update = |existing: &str, live: &TokenStream| {
        let how = how(existing);
        let statement = if engine == Engine::Postgres {
            let held = held(live);
            quote!({
                let __names: ::std::vec::Vec<&str> = __given.iter().map(|__one| __one.name.as_str()).collect();
                __statement::attributes::update_held(#to, #held, #given, #updated_now, #all_given, #how)
            })
        } else {
            let session = session_of(live);
            quote!(__statement::attributes::update_given(#to, #session, #given, #updated_now, #live_attribute, #how))
        };
        quote!(diesel::RunQueryDsl::execute(#statement, __conn))
    };
    let update_keeping = update("Keeping", &live);
    let update_alone = update("Keeping", &live_alone);
    let update_replacing = update("Replacing", &live);
    let (session, held) = (session_of(&live), held(&live));
    let expire = match engine {
        Engine::Sqlite => quote! {
            __statement::update(
                __attribute_table,
                (__statement::set(__attribute_expires_at, __expires_at),),
                __statement::attributes::within(__attribute_session_id, #live).and(#named),
            )
        },
        Engine::Postgres => quote! {
            __statement::attributes::expire_held(#to, #held, (__statement::set(__attribute_expires_at, __expires_at),), #all_names)
        },
        Engine::Mysql => quote! {
            __statement::attributes::joined(
                #to,
                #session,
                #named,
                __statement::attributes::Change(__statement::set(__attribute_expires_at, __expires_at)),
            )
        },
    };
    let delete = match engine {
        Engine::Sqlite => {
            quote!(diesel::delete(__attribute_table.filter(__statement::attributes::within(__attribute_session_id, #live).and(#named))))
        }
        Engine::Postgres => quote!(__statement::attributes::delete_held(#to, #held)),
        Engine::Mysql => quote!(__statement::attributes::joined(#to, #session, #named, __statement::attributes::Delete)),
    };
    let delete_expired = match engine {
        Engine::Mysql => quote!(__statement::attributes::joined(#to, #session, __expired, __statement::attributes::Delete)),
        _ => quote! {
            diesel::delete(__attribute_table.filter(__statement::attributes::within(__attribute_session_id, #live).and(__expired)))
        },
    };
    let taken = quote!(__attribute_name.eq(__name).and(#live_attribute));
    let take = match engine {
        Engine::Mysql => quote! {
            let __taken = __statement::attributes::joined(#to, #session, #taken, __statement::attributes::Lock(#stored));
            let __taken = diesel::RunQueryDsl::get_result::<__sessions::StoredAttribute>(__taken, __conn).optional()?;
            if __taken.is_some() {
                let __key = __attribute_session_id.eq(__place.id).and(__attribute_name.eq(__name));
                diesel::RunQueryDsl::execute(diesel::delete(__attribute_table.filter(__key)), __conn)?;
            }
            ::core::result::Result::Ok(__taken)
        },
        _ => quote! {
            let __deleted = diesel::delete(__attribute_table.filter(__statement::attributes::within(__attribute_session_id, #live).and(#taken)));
            diesel::RunQueryDsl::get_result(__statement::returning(__deleted, #stored), __conn).optional()
        },
    };
    let found = |live: &TokenStream, on: TokenStream, selected: TokenStream| quote!(__statement::attributes::found(#to, (#live, __table::#id), #on, #selected.nullable()));
    let unlocked = quote!(__table::table.filter(#guard).select(__table::#id));
    let find = |on, selected| found(&unlocked, on, selected);
    let find_attribute = find(taken, stored.clone());
    let find_attributes = find(named.clone(), stored);
    let find_names = find(named.clone(), quote!(__attribute_name));
    let find_all_names = find(live_attribute, quote!(__attribute_name));
    let sealed_anew = quote!(__statement::set(__attribute_sealed, __new));
    let same = quote!(__attribute_name.eq(__name).and(__attribute_sealed.eq(__old)));
    let reseal = match engine {
        // The cascade of a session's deletion locks an attribute twice, and must not find anybody waiting in between.
        Engine::Mysql => {
            let row = quote!(__table::table.filter(__table::#id.eq(__id)).select(__table::#id).limit(1).for_update());
            let (session, change) = (session_of(&row), quote!(__statement::attributes::Change(#sealed_anew)));
            quote!(__statement::attributes::joined(#to, #session, #same, #change))
        }
        _ => quote!(__statement::update(__attribute_table, (#sealed_anew,), __attribute_session_id.eq(__id).and(#same))),
    };
    let reseal = quote!(diesel::RunQueryDsl::execute(#reseal, __conn));
    // The beginning of an empty blob is NULL on SQLite.
    let beginning = quote!(__statement::attributes::substr(__attribute_sealed, 1, __length));
    let otherwise = quote! {
        __attribute_sealed.is_not_null().and(#beginning.ne(__beginning).or(#beginning.is_null()))
    };
    let standing = quote!(__table::table.filter(__table::#id.eq(__id)).select((__table::#uuid, __table::#expires_at)));
    let row_id = quote!(<Self as ::diesel_sessions::SessionModel>::RowId);
    let place = quote!(__place: &__sessions::Place<Self>);
    let find_names_again = match engine {
        Engine::Mysql => {
            let found = found(&live, named, quote!(__attribute_name));
            quote!(__statement::attributes::ForUpdate(#found))
        }
        _ => find_names.clone(),
    };
    let again = if engine == Engine::Mysql { quote!(.for_update()) } else { quote!() };

    Some(quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<__C> ::diesel_sessions::DbAttributes<__C> for #name
        where
            __C: diesel::connection::Connection<Backend = #backend> + diesel::connection::LoadConnection,
        {
            fn attribute_table() -> diesel::QueryResult<::std::string::String> {
                ::diesel_sessions::__private::#engine_module::table_name(__attribute_table)
            }

            fn find_attribute(__conn: &mut __C, #place, __name: &str) -> diesel::QueryResult<::core::option::Option<::core::option::Option<__sessions::StoredAttribute>>> {
                diesel::RunQueryDsl::get_result(#find_attribute, __conn).optional()
            }

            fn find_attributes(__conn: &mut __C, #place, __names: &[&str]) -> diesel::QueryResult<::std::vec::Vec<::core::option::Option<__sessions::StoredAttribute>>> {
                diesel::RunQueryDsl::load(#find_attributes, __conn)
            }

            fn find_names(__conn: &mut __C, #place, __names: &[&str]) -> diesel::QueryResult<::std::vec::Vec<::core::option::Option<::std::string::String>>> {
                diesel::RunQueryDsl::load(#find_names, __conn)
            }

            fn find_names_again(__conn: &mut __C, #place, __names: &[&str]) -> diesel::QueryResult<::std::vec::Vec<::core::option::Option<::std::string::String>>> {
                diesel::RunQueryDsl::load(#find_names_again, __conn)
            }

            fn all_names(__conn: &mut __C, #place) -> diesel::QueryResult<::std::vec::Vec<::core::option::Option<::std::string::String>>> {
                diesel::RunQueryDsl::load(#find_all_names, __conn)
            }

            fn set_attributes(__conn: &mut __C, #place, __given: &[__sessions::NewAttribute], __expiry: __sessions::StoredExpiry) -> diesel::QueryResult<usize> {
                match __expiry {
                    __sessions::StoredExpiry::Kept => #set,
                    __sessions::StoredExpiry::KeptAlone => #set_alone,
                    __sessions::StoredExpiry::Replaced => #set_replacing,
                }
            }

            fn create_attributes(__conn: &mut __C, #place, __given: &[__sessions::NewAttribute]) -> diesel::QueryResult<usize> {
                #create
            }

            fn update_attributes(__conn: &mut __C, #place, __given: &[__sessions::NewAttribute], __expiry: __sessions::StoredExpiry) -> diesel::QueryResult<usize> {
                match __expiry {
                    __sessions::StoredExpiry::Kept => #update_keeping,
                    __sessions::StoredExpiry::KeptAlone => #update_alone,
                    __sessions::StoredExpiry::Replaced => #update_replacing,
                }
            }

            fn expire_attributes(__conn: &mut __C, #place, __names: &[&str], __expires_at: ::core::option::Option<::diesel_sessions::Timestamp6>) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(#expire, __conn)
            }

            fn delete_attributes(__conn: &mut __C, #place, __names: &[&str]) -> diesel::QueryResult<usize> {
                diesel::RunQueryDsl::execute(#delete, __conn)
            }

            fn take_attribute(__conn: &mut __C, #place, __name: &str) -> diesel::QueryResult<::core::option::Option<__sessions::StoredAttribute>> {
                #take
            }

            fn delete_expired(__conn: &mut __C, #place, __names: &[&str]) -> diesel::QueryResult<usize> {
                let __expired = __attribute_name.eq_any(__names.iter().copied()).and(__attribute_expires_at.le(__place.now));
                diesel::RunQueryDsl::execute(#delete_expired, __conn)
            }

            fn standing(__conn: &mut __C, __id: #row_id) -> diesel::QueryResult<::core::option::Option<(::diesel_sessions::TokenDigest, ::diesel_sessions::Timestamp6)>> {
                diesel::RunQueryDsl::get_result(#standing, __conn).optional()
            }

            fn standing_again(__conn: &mut __C, __id: #row_id) -> diesel::QueryResult<::core::option::Option<(::diesel_sessions::TokenDigest, ::diesel_sessions::Timestamp6)>> {
                diesel::RunQueryDsl::get_result(#standing #again, __conn).optional()
            }

            fn sealed_otherwise(__conn: &mut __C, __beginning: &[u8], __after: ::core::option::Option<(#row_id, &str)>, __limit: i64) -> diesel::QueryResult<::std::vec::Vec<__sessions::SealedValue<#row_id>>> {
                let __length = ::core::convert::TryInto::<i32>::try_into(__beginning.len()).unwrap_or(i32::MAX);
                let __rows = __attribute_table
                    .filter(#otherwise)
                    .order((__attribute_session_id, __attribute_name))
                    .limit(__limit)
                    .select((__attribute_session_id, __attribute_name, __attribute_sealed));
                match __after {
                    ::core::option::Option::None => diesel::RunQueryDsl::load(__rows, __conn),
                    ::core::option::Option::Some((__id, __name)) => {
                        // The first condition is what leads to the place in the index.
                        let __later = __attribute_session_id.ge(__id)
                            .and(__attribute_session_id.gt(__id).or(__attribute_name.gt(__name)));
                        diesel::RunQueryDsl::load(__rows.filter(__later), __conn)
                    }
                }
            }

            fn count_sealed_otherwise(__conn: &mut __C, __beginning: &[u8]) -> diesel::QueryResult<i64> {
                let __length = ::core::convert::TryInto::<i32>::try_into(__beginning.len()).unwrap_or(i32::MAX);
                diesel::RunQueryDsl::get_result(__attribute_table.filter(#otherwise).count(), __conn)
            }

            fn reseal(__conn: &mut __C, __id: #row_id, __name: &str, __old: &[u8], __new: &[u8]) -> diesel::QueryResult<usize> {
                #reseal
            }
        }
    })
}

/// What a `StoredAttribute` is read from.
fn stored() -> TokenStream {
    quote! {
        (__attribute_name, __attribute_value, __attribute_sealed, __attribute_created_at, __attribute_updated_at, __attribute_expires_at)
    }
}

/// The columns in the order of `AttributeColumns`.
fn columns() -> TokenStream {
    quote! {
        (
            __attribute_session_id,
            __attribute_name,
            __attribute_value,
            __attribute_sealed,
            __attribute_created_at,
            __attribute_updated_at,
            __attribute_expires_at,
        )
    }
}

/// The attributes that are to be written, as a table.
fn given(engine: Engine) -> TokenStream {
    let columns =
        [quote!(__attribute_name), quote!(__attribute_value), quote!(__attribute_sealed), quote!(__attribute_expires_at)];
    let values =
        [quote!(__one.name.as_str()), quote!(__one.value.as_ref()), quote!(__one.sealed.as_deref()), quote!(__one.expires_at)];
    if engine == Engine::Postgres {
        quote! {
            __statement::attributes::arrays(
                #(__statement::attributes::bind_array(#columns, __given.iter().map(|__one| #values).collect()),)*
            )
        }
    } else {
        quote! {
            __statement::attributes::rows(__given.iter().map(|__one| (
                #(__statement::attributes::bind(#columns, #values),)*
            )))
        }
    }
}
