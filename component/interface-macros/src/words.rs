//! The derive of `Wire`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Member, Result};

pub fn derive(item: &DeriveInput) -> Result<TokenStream> {
    if !item.generics.params.is_empty() {
        return Err(Error::new(
            item.generics.span(),
            "`Wire` can be derived for types without generic parameters",
        ));
    }
    let name = &item.ident;
    let (words, shape, write, read) = match &item.data {
        Data::Struct(data) => structure(&name.to_string(), &data.fields),
        Data::Enum(data) => enumeration(item, data)?,
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span(),
                "a union cannot be carried: nobody can tell what is in it",
            ));
        }
    };
    Ok(quote! {
        impl ::isthmus_interface::Wire for #name {
            const MAX_WORDS: usize = #words;
            const SHAPE: ::isthmus_interface::Shape = #shape;

            #[inline]
            fn write(
                &self,
                writer: &mut ::isthmus_interface::Writer<'_>,
            ) -> ::core::result::Result<(), ::isthmus_interface::TooLong> {
                #write
            }

            #[inline]
            fn read(
                reader: &mut ::isthmus_interface::Reader<'_>,
            ) -> ::core::result::Result<Self, ::isthmus_interface::Malformed> {
                #read
            }
        }
    })
}

/// Words, shape, how it is written, and how it is read.
type Parts = (TokenStream, TokenStream, TokenStream, TokenStream);

fn structure(name: &str, fields: &Fields) -> Parts {
    let members = fields.members().collect::<Vec<_>>();
    let types = fields.iter().map(|field| &field.ty).collect::<Vec<_>>();
    let words = types
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> + <#ty as ::isthmus_interface::Wire>::MAX_WORDS));
    let names = members.iter().map(|member| match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => format!("field{}", index.index),
    });
    (
        quote!(0 #(#words)*),
        quote! {
            ::isthmus_interface::Shape::Struct(
                #name,
                &[#((#names, <#types as ::isthmus_interface::Wire>::SHAPE)),*],
            )
        },
        quote! {
            let _ = &writer;
            #(::isthmus_interface::Wire::write(&self.#members, writer)?;)*
            ::core::result::Result::Ok(())
        },
        quote! {
            let _ = &reader;
            ::core::result::Result::Ok(Self {
                #(#members: <#types as ::isthmus_interface::Wire>::read(reader)?,)*
            })
        },
    )
}

fn enumeration(item: &DeriveInput, data: &syn::DataEnum) -> Result<Parts> {
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(
                variant.span(),
                "an enum with fields is carried by serde: derive `Serialize` and `Deserialize`",
            ));
        }
    }
    if data.variants.is_empty() {
        return Err(Error::new(
            item.ident.span(),
            "an enum without variants has no values to carry",
        ));
    }
    let names = data.variants.iter().map(|v| &v.ident).collect::<Vec<_>>();
    let shape_name = item.ident.to_string();
    let variant_names = names.iter().map(|name| name.to_string());
    Ok((
        quote!(1),
        quote! {
            ::isthmus_interface::Shape::Choice(
                #shape_name,
                &[#((#variant_names, Self::#names as u64)),*],
            )
        },
        quote! {
            // The numbers are written out where the enum is declared, or count from 0.
            writer.word(match self { #(Self::#names => Self::#names as u64,)* })
        },
        quote! {
            let word = reader.word()?;
            #(if word == Self::#names as u64 { return ::core::result::Result::Ok(Self::#names); })*
            ::core::result::Result::Err(::isthmus_interface::Malformed)
        },
    ))
}
