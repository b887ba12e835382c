//! The attribute `#[interface]`, and the derive of `Wire`. Use them from `isthmus-interface`, which re-exports both.
//!
//! It reads a trait (`parse`), says at the user's own lines what is wrong with it, and writes a module with a type for each method, the
//! `dispatch` of a server, and the client (`emit`). It decides nothing about how a value travels: the crate `isthmus-interface` does. What can
//! be written is in `docs/interfaces.md`.
#![forbid(unsafe_code)]

mod emit;
mod parse;
mod words;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes an interface of a trait: what a server implements. See `docs/interfaces.md`.
///
/// `#[interface(name = "kv")]`: the name by which a system description knows it, and which is part of every label.
///
/// Each method has an ordinal, `#[method(0)]`, that stays with it for ever; it takes `&mut self` or `&self` and owned arguments, and returns `Result<T, E>` with
/// its own error. Beside the arguments of a call it may ask for the `Caller`. `#[one_way]` makes a method that nobody waits for. A method that has an argument `Later<T, E>`
/// in place of a return type answers when it likes.
///
/// For a trait `Kv` there are then `KvClient<T>`, and the module `kv` with `dispatch`, `LABELS`, `knows`, and of each method `put` a type
/// of the same name, whose values are requests: `kv::put { key, value }`.
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as parse::Arguments);
    let item = parse_macro_input!(item as syn::ItemTrait);
    match parse::Interface::new(arguments, &item) {
        Ok(interface) => emit::interface(&interface).into(),
        Err(errors) => {
            // The trait stays, so that what uses it brings no further errors.
            let errors = errors.into_compile_error();
            let item = parse::bare(item);
            quote::quote!(#errors #item).into()
        }
    }
}

/// Carries a struct as its fields, one after the other, or an enum without fields as the word of its number.
#[proc_macro_derive(Wire)]
pub fn wire(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    words::derive(&item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
