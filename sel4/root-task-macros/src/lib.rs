//! The `#[root_task]` attribute. It only turns its arguments into a call of `sel4_root_task::declare_root_task!`, which holds the code: read
//! that next.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ItemFn, MetaNameValue, ReturnType, Token, Type};

/// Makes a function the main function of a root task: `#[root_task(stack_size = 64 * 1024, heap_size = 1024 * 1024)]`.
///
/// The function takes `&sel4::BootInfoPtr` and returns `!` or an implementation of `sel4_root_task::Termination`. Both sizes are in bytes;
/// without `stack_size` it is 64 KiB, without `heap_size` there is no heap.
#[proc_macro_attribute]
pub fn root_task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

const DEFAULT_STACK_BYTES: usize = 64 * 1024;

#[derive(Default)]
struct Arguments {
    stack_size: Option<Expr>,
    heap_size: Option<Expr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut arguments = Self::default();
        for pair in Punctuated::<MetaNameValue, Token![,]>::parse_terminated(input)? {
            let place = if pair.path.is_ident("stack_size") {
                &mut arguments.stack_size
            } else if pair.path.is_ident("heap_size") {
                &mut arguments.heap_size
            } else {
                return Err(syn::Error::new_spanned(
                    pair.path,
                    "expected stack_size or heap_size",
                ));
            };
            if place.is_some() {
                return Err(syn::Error::new_spanned(pair.path, "given twice"));
            }
            *place = Some(pair.value);
        }
        Ok(arguments)
    }
}

fn expand(arguments: Tokens, item: Tokens) -> syn::Result<Tokens> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let function: ItemFn = syn::parse2(item)?;
    let name = &function.sig.ident;
    let stack = arguments
        .stack_size
        .map_or_else(|| quote!(#DEFAULT_STACK_BYTES), |size| quote!(#size));
    let heap = arguments.heap_size.map(|size| quote!(heap_size = #size,));
    let run = match &function.sig.output {
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => quote!(#name),
        _ => quote!(|bootinfo| ::sel4_root_task::Termination::report(#name(bootinfo))),
    };
    Ok(quote! {
        ::sel4_root_task::declare_root_task! { main = #run, stack_size = #stack, #heap }
        #function
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: Tokens, item: Tokens) -> String {
        expand(arguments, item).map_or_else(
            |error| format!("error: {error}"),
            |tokens| tokens.to_string(),
        )
    }

    #[test]
    fn passes_sizes_on() {
        let code = run(
            quote!(stack_size = 4096, heap_size = 1 << 20),
            quote!(
                fn main(b: &B) -> ! {
                    loop {}
                }
            ),
        );
        assert!(
            code.contains("main = main , stack_size = 4096 , heap_size = 1 << 20 ,"),
            "{code}"
        );
    }

    #[test]
    fn a_result_is_reported_and_sizes_have_defaults() {
        let code = run(
            quote!(),
            quote!(
                fn main(b: &B) -> Result<Never, E> {
                    todo!()
                }
            ),
        );
        assert!(
            code.contains("Termination :: report (main (bootinfo))")
                && code.contains("stack_size = 65536"),
            "{code}"
        );
        assert!(!code.contains("heap_size"), "{code}");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let item = quote!(
            fn main(b: &B) -> ! {
                loop {}
            }
        );
        assert!(run(quote!(heap = 1), item.clone()).starts_with("error"));
        assert!(run(quote!(heap_size = 1, heap_size = 2), item).starts_with("error"));
        assert!(
            run(
                quote!(),
                quote!(
                    struct S;
                )
            )
            .starts_with("error")
        );
    }
}
