//! What is made of an interface: the trait, the module with its methods' types and `dispatch`, the client.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::parse::{Capability, Ending, Interface, Method, Parameter, Parts, Reply, snake};

/// `quote!` whose local variables are none of the user's, whatever the arguments of the methods are called.
macro_rules! hygienic {
    ($($token:tt)*) => {
        quote_spanned!(Span::mixed_site()=> $($token)*)
    };
}

/// Everything.
pub fn interface(interface: &Interface) -> TokenStream {
    let Interface {
        name,
        vis,
        ident,
        bare,
        ..
    } = interface;
    let module = snake(ident);
    let methods = interface
        .methods
        .iter()
        .map(|method| method_type(interface, method));
    let types = interface
        .methods
        .iter()
        .map(|m| &m.ident)
        .collect::<Vec<_>>();
    let described = interface.methods.iter().map(described);
    let dispatch = dispatch(interface);
    let client = client(interface);
    let kind = format!("a capability of interface `{}`", name.value());
    let about = format!("The methods of [`{ident}`], and how a server runs them.");
    hygienic! {
        #bare

        impl ::isthmus_interface::Kind for dyn #ident {
            const KIND: &'static str = #kind;
            const OWN: ::isthmus_interface::OwnEndpoint = ::isthmus_interface::OwnEndpoint::Maybe;
        }

        #[doc = #about]
        #[allow(non_camel_case_types)]
        #vis mod #module {
            #[allow(unused_imports)]
            use super::*;
            #[allow(unused_imports)]
            use ::isthmus_interface::private::BySerde as _;

            /// The interface's name.
            pub const NAME: &str = #name;
            const _: () = ::core::assert!(
                NAME.len() <= ::isthmus_interface::abi::limits::NAME_BYTES,
                "the interface's name is too long",
            );

            #(#methods)*

            /// The labels of all methods.
            pub const LABELS: &[::isthmus_interface::abi::Label] =
                &[#(<#types as ::isthmus_interface::Method>::LABEL),*];

            /// All methods, for tools and tests.
            pub const METHODS: &[::isthmus_interface::Described] = &[#(#described),*];

            /// Whether a label is one of this interface's methods: for a server of several interfaces.
            #[must_use]
            pub fn knows(label: ::isthmus_interface::abi::Label) -> bool {
                LABELS.contains(&label.untraced())
            }

            #dispatch
        }

        #client
    }
}

/// What tools are told about a method.
fn described(method: &Method) -> TokenStream {
    let ty = &method.ident;
    let name = ty.to_string();
    let parameters = method.values().map(|(name, ty)| {
        let (name, ty) = (name.to_string(), ty.to_token_stream().to_string());
        hygienic!((#name, #ty))
    });
    let (reply, error): (Type, Type) = match &method.ending {
        Ending::OneWay => (
            syn::parse_quote!(()),
            syn::parse_quote!(::core::convert::Infallible),
        ),
        Ending::Answer { reply, error } => (in_words(reply), error.clone()),
    };
    let (reply_shape, error_shape) = (codec(&reply, "SHAPE"), codec(&error, "SHAPE"));
    let text = |ty: &Type| ty.to_token_stream().to_string();
    let (reply, error) = (text(&reply), text(&error));
    let shapes = method.values().map(|(_, ty)| codec(ty, "SHAPE"));
    hygienic! {
        ::isthmus_interface::Described::of::<#ty>(
            #name,
            &[#(#parameters),*],
            &[#(#shapes),*],
            (#reply, #reply_shape),
            (#error, #error_shape),
        )
    }
}

fn passes(capability: Option<&Capability>) -> TokenStream {
    match capability {
        None => hygienic!(::isthmus_interface::Passes::Nothing),
        Some(Capability { optional: true, .. }) => hygienic!(::isthmus_interface::Passes::Optional),
        Some(_) => hygienic!(::isthmus_interface::Passes::Capability),
    }
}

/// Part of a type's codec, at the user's own place, so that an error shows it.
fn codec(ty: &Type, part: &str) -> TokenStream {
    let part = Ident::new(part, ty.span());
    quote_spanned!(ty.span()=> ::isthmus_interface::private::Carried::<#ty>::#part)
}

/// The part of a reply that is in its words.
fn in_words(reply: &Reply) -> Type {
    match &reply.parts {
        Parts::Value => reply.whole.clone(),
        Parts::Capability(_) => syn::parse_quote!(()),
        Parts::Tuple(types, places) => {
            let rest = types.iter().enumerate();
            let rest = rest.filter(|(i, _)| places.iter().all(|(place, _)| place != i));
            let rest = rest.map(|(_, ty)| ty.clone()).collect::<Vec<_>>();
            let rest: Type = match <[Type; 1]>::try_from(rest) {
                Ok([one]) => one,
                Err(rest) => syn::parse_quote!((#(#rest,)*)),
            };
            match reply.parts.fetched() {
                0 => rest,
                tickets => syn::parse_quote!((#rest, [u64; #tickets])),
            }
        }
    }
}

fn method_type(interface: &Interface, method: &Method) -> TokenStream {
    let Method {
        ident,
        docs,
        ordinal,
        ..
    } = method;
    let ty = ident;
    let full_name = format!("{}.{ident}", interface.name.value());
    let signature = format!("{} {}", interface.name.value(), method.signature);
    let (takes, gives) = (
        passes(method.takes().next().map(|t| t.1)),
        passes(method.gives().first().copied()),
    );
    let (names, types): (Vec<_>, Vec<_>) = method.values().unzip();
    let tickets = method.takes().count().saturating_sub(1);
    let codecs = |part: &'static str| types.iter().map(move |ty| codec(ty, part));
    let (sizes, writes, reads) = (codecs("SIZE"), codecs("write"), codecs("read"));
    let field_docs = names.iter().map(|name| format!("Its argument `{name}`."));
    let (way, reply, error): (_, Type, Type) = match &method.ending {
        Ending::OneWay => (
            hygienic!(OneWay),
            syn::parse_quote!(()),
            syn::parse_quote!(::core::convert::Infallible),
        ),
        Ending::Answer { reply, error } => (hygienic!(Call), in_words(reply), error.clone()),
    };
    let [reply_size, write_reply, read_reply] = ["SIZE", "write", "read"].map(|p| codec(&reply, p));
    let [error_size, write_error, read_error] = ["SIZE", "write", "read"].map(|p| codec(&error, p));
    let request = hygienic!(<#ty as ::isthmus_interface::Method>);
    let check = quote_spanned! {ident.span()=>
        const _: () = ::isthmus_interface::private::must_fit(
            #request::ARGUMENTS, #request::REPLY, #request::ERROR,
        );
    };
    let put_answer = put_answer(method);
    let interface_name = &interface.ident;
    let (ticket_field, ticket_size, write_tickets, read_tickets) = ticket_parts(tickets);
    hygienic! {
        #(#docs)*
        pub struct #ty {
            #(#[doc = #field_docs] pub #names: #types,)*
            #ticket_field
        }

        impl ::isthmus_interface::Method for #ty {
            const NAME: &'static str = #full_name;
            const LABEL: ::isthmus_interface::abi::Label = ::isthmus_interface::abi::Label::method(
                #signature,
                #ordinal,
                ::isthmus_interface::abi::label::Way::#way,
            );
            const TAKES: ::isthmus_interface::Passes = #takes;
            const GIVES: ::isthmus_interface::Passes = #gives;
            const ARGUMENTS: ::isthmus_interface::Size =
                ::isthmus_interface::Size::sum(&[#(#sizes,)* #ticket_size]);
            const REPLY: ::isthmus_interface::Size = #reply_size;
            const ERROR: ::isthmus_interface::Size = #error_size;
            type Interface = dyn super::#interface_name;
            type Reply = #reply;
            type Error = #error;

            #[inline]
            fn write(
                &self,
                writer: &mut ::isthmus_interface::Writer<'_>,
            ) -> ::core::result::Result<(), ::isthmus_interface::TooLong> {
                let _ = &writer;
                #(#writes(&self.#names, writer)?;)*
                #write_tickets
                ::core::result::Result::Ok(())
            }

            #[inline]
            fn read(
                reader: &mut ::isthmus_interface::Reader<'_>,
            ) -> ::core::result::Result<Self, ::isthmus_interface::Malformed> {
                let _ = &reader;
                ::core::result::Result::Ok(Self { #(#names: #reads(reader)?,)* #read_tickets })
            }

            #[inline]
            fn write_reply(
                reply: &#reply,
                writer: &mut ::isthmus_interface::Writer<'_>,
            ) -> ::core::result::Result<(), ::isthmus_interface::TooLong> {
                #write_reply(reply, writer)
            }

            #[inline]
            fn read_reply(
                reader: &mut ::isthmus_interface::Reader<'_>,
            ) -> ::core::result::Result<#reply, ::isthmus_interface::Malformed> {
                #read_reply(reader)
            }

            #[inline]
            fn write_error(
                error: &#error,
                writer: &mut ::isthmus_interface::Writer<'_>,
            ) -> ::core::result::Result<(), ::isthmus_interface::TooLong> {
                #write_error(error, writer)
            }

            #[inline]
            fn read_error(
                reader: &mut ::isthmus_interface::Reader<'_>,
            ) -> ::core::result::Result<#error, ::isthmus_interface::Malformed> {
                #read_error(reader)
            }
        }

        #check
        #put_answer
    }
}

/// The tickets of capabilities that were sent ahead, as part of a request: field, size, how it is written, how it is read.
fn ticket_parts(tickets: usize) -> (TokenStream, TokenStream, TokenStream, TokenStream) {
    if tickets == 0 {
        return Default::default();
    }
    let codec = hygienic!(::isthmus_interface::private::Carried::<[u64; #tickets]>);
    (
        hygienic!(#[doc = "The tickets of the capabilities that were sent ahead."] pub __tickets: [u64; #tickets],),
        hygienic!(#codec::SIZE),
        hygienic!(#codec::write(&self.__tickets, writer)?;),
        hygienic!(__tickets: #codec::read(reader)?,),
    )
}

/// The name of the function that makes a method's result an answer.
fn put_answer_name(method: &Method) -> Ident {
    format_ident!("__answer_{}", method.ident)
}

/// A function that makes a method's result an answer.
fn put_answer(method: &Method) -> TokenStream {
    let Ending::Answer { reply, error } = &method.ending else {
        return TokenStream::new();
    };
    let (name, ty) = (put_answer_name(method), &method.ident);
    let whole = &reply.whole;
    let keep = |value: &TokenStream| {
        hygienic! {
            match keeper.keep(#value.into_capability()) {
                ::core::result::Result::Ok(ticket) => ticket,
                ::core::result::Result::Err(_) => {
                    let lost = ::isthmus_interface::abi::Unknown::ReplyLost;
                    return answer.outcome(lost.into());
                }
            }
        }
    };
    let (value, capability) = match &reply.parts {
        Parts::Value => (hygienic!(&result), hygienic!(::core::option::Option::None)),
        Parts::Capability(capability) => (hygienic!(&()), outgoing(capability, &hygienic!(result))),
        Parts::Tuple(types, places) => {
            let part = |i: usize| {
                let i = syn::Index::from(i);
                hygienic!(result.#i)
            };
            let rest = (0..types.len()).filter(|i| places.iter().all(|(place, _)| place != i));
            let rest = rest.map(part).collect::<Vec<_>>();
            let rest = match &rest[..] {
                [one] => hygienic!(#one),
                _ => hygienic!((#(#rest,)*)),
            };
            let (first, capability) = &places[0];
            let kept = places[1..].iter().map(|(place, _)| keep(&part(*place)));
            let words = match reply.parts.fetched() {
                0 => hygienic!(&#rest),
                _ => hygienic!(&(#rest, [#(#kept),*])),
            };
            (words, outgoing(capability, &part(*first)))
        }
    };
    hygienic! {
        #[inline]
        fn #name(
            result: ::core::result::Result<#whole, #error>,
            answer: &mut ::isthmus_interface::Answer,
            keeper: ::isthmus_interface::staging::Keeper,
        ) {
            let _ = &keeper;
            match result {
                ::core::result::Result::Ok(result) => {
                    answer.reply::<#ty>(#value, #capability);
                }
                ::core::result::Result::Err(error) => answer.error::<#ty>(&error),
            }
        }
    }
}

/// A typed capability, of an `Option` of one, as what a message carries.
fn outgoing(capability: &Capability, value: &TokenStream) -> TokenStream {
    if capability.optional {
        hygienic!(#value.map(::isthmus_interface::Cap::into_capability))
    } else {
        hygienic!(::core::option::Option::Some(#value.into_capability()))
    }
}

fn dispatch(interface: &Interface) -> TokenStream {
    let ident = &interface.ident;
    let arms = interface
        .methods
        .iter()
        .map(|method| arm(interface, method));
    let stages = |method: &Method| method.takes().count() > 1 || method.gives().len() > 1;
    let staging = interface.methods.iter().any(stages).then(|| {
        hygienic! {
            if let ::core::option::Option::Some(disposition) =
                ::isthmus_interface::staging::handle(request, answer)
            {
                return disposition;
            }
        }
    });
    hygienic! {
        /// Has `server` run the method that `request` asks for. The answer is in `answer`, if one is to be sent. A capability that
        /// is left in the request was not wanted.
        // Into the server's loop, so that the words of a short call stay in registers.
        #[inline(always)]
        pub fn dispatch<S: #ident + ?::core::marker::Sized>(
            server: &mut S,
            request: &mut ::isthmus_interface::Request<'_>,
            answer: &mut ::isthmus_interface::Answer,
        ) -> ::isthmus_interface::Disposition {
            let label = request.label.untraced();
            let refused = 'run: {
                // By the ordinal, which is small, and then whether it is the very method.
                match label.ordinal() {
                    #(#arms)*
                    _ => {}
                }
                #staging
                ::isthmus_interface::refuse(label, LABELS)
            };
            let _ = server;
            answer.outcome(refused.into());
            ::isthmus_interface::Disposition::of(label)
        }
    }
}

fn arm(interface: &Interface, method: &Method) -> TokenStream {
    let (trait_name, ty) = (&interface.ident, &method.ident);
    let names = method.values().map(|v| v.0);
    let received = method.takes().enumerate().map(|(i, (ident, capability))| {
        let kind = &capability.kind;
        let received = hygienic! {
            match ::isthmus_interface::Cap::<#kind>::received(capability) {
                ::core::result::Result::Ok(capability) => capability,
                ::core::result::Result::Err(reason) => break 'run reason,
            }
        };
        if capability.optional {
            return hygienic! {
                let #ident = match capability {
                    ::core::option::Option::Some(capability) => ::core::option::Option::Some(#received),
                    ::core::option::Option::None => ::core::option::Option::None,
                };
            };
        }
        let came = match i.checked_sub(1) {
            None => hygienic!(capability.expect("`decode` has checked that it came")),
            Some(ticket) => hygienic! {
                match request.staged(__tickets[#ticket]) {
                    ::core::result::Result::Ok(capability) => capability,
                    ::core::result::Result::Err(reason) => break 'run reason,
                }
            },
        };
        hygienic! {
            let #ident = {
                let capability = #came;
                #received
            };
        }
    });
    let tickets = (method.takes().count() > 1).then(|| hygienic!(__tickets));
    let arguments = method.parameters.iter().map(|parameter| match parameter {
        Parameter::Value(ident, _) | Parameter::Capability(ident, _) => hygienic!(#ident),
        Parameter::Caller => hygienic!(::isthmus_interface::Caller::new(request.badge)),
        Parameter::Later => hygienic!(later),
    });
    let run = hygienic!(<S as #trait_name>::#ty(server #(, #arguments)*));
    let put_answer = put_answer_name(method);
    let finish = match &method.ending {
        Ending::OneWay => hygienic! {
            #run;
            return ::isthmus_interface::Disposition::Nothing;
        },
        Ending::Answer { .. } if method.is_later() => hygienic! {
            let later = match request.later(#put_answer) {
                ::core::result::Result::Ok(later) => later,
                ::core::result::Result::Err(reason) => break 'run reason,
            };
            #run;
            return ::isthmus_interface::Disposition::Nothing;
        },
        Ending::Answer { .. } => hygienic! {
            #put_answer(#run, answer, request.keeper());
            return ::isthmus_interface::Disposition::Reply;
        },
    };
    let ordinal = &method.ordinal;
    hygienic! {
        #ordinal => if label == <#ty as ::isthmus_interface::Method>::LABEL {
            let (#ty { #(#names,)* #tickets }, capability) = match ::isthmus_interface::decode::<#ty>(request) {
                ::core::result::Result::Ok(decoded) => decoded,
                ::core::result::Result::Err(reason) => break 'run reason,
            };
            let _ = &capability;
            #(#received)*
            #finish
        }
    }
}

fn client(interface: &Interface) -> TokenStream {
    let Interface {
        name,
        vis,
        ident,
        attributes,
        ..
    } = interface;
    let client = format_ident!("{ident}Client");
    let docs = attributes.iter().filter(|a| a.path().is_ident("doc"));
    let methods = interface
        .methods
        .iter()
        .map(|method| client_method(interface, method));
    hygienic! {
        #(#docs)*
        ///
        /// This is the client's side.
        #[derive(Debug)]
        #vis struct #client<T> {
            transport: T,
            endpoint: ::isthmus_interface::Cap<dyn #ident>,
        }

        impl<T: ::isthmus_interface::Transport> #client<T> {
            /// The interface's name.
            pub const INTERFACE: &'static str = #name;

            /// A client of the server behind `endpoint`: a slot, or a capability, which it owns then if it was owned.
            pub fn new(
                transport: T,
                endpoint: impl ::core::convert::Into<::isthmus_interface::Cap<dyn #ident>>,
            ) -> Self {
                Self { transport, endpoint: endpoint.into() }
            }

            /// A client of whatever `transport` leads to: one that has its target with it, and looks at no capability.
            pub fn over(transport: T) -> Self {
                Self::new(transport, ::isthmus_interface::abi::slots::NULL)
            }

            /// The capability that it calls through.
            pub const fn endpoint(&self) -> &::isthmus_interface::Cap<dyn #ident> {
                &self.endpoint
            }

            #(#methods)*
        }
    }
}

fn client_method(interface: &Interface, method: &Method) -> TokenStream {
    let Method { ident, docs, .. } = method;
    let module = snake(&interface.ident);
    let ty = ident;
    let parameters = method
        .parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Parameter::Value(ident, ty) => Some(hygienic!(#ident: #ty)),
            Parameter::Capability(
                ident,
                Capability {
                    kind,
                    optional: false,
                    ..
                },
            ) => {
                Some(hygienic!(#ident: impl ::core::convert::Into<::isthmus_interface::Cap<#kind>>))
            }
            Parameter::Capability(ident, Capability { kind, .. }) => {
                Some(hygienic!(#ident: ::core::option::Option<::isthmus_interface::Cap<#kind>>))
            }
            Parameter::Caller | Parameter::Later => None,
        });
    let names = method.values().map(|v| v.0);
    let mut sent = hygienic!(::core::option::Option::None);
    let mut stage = TokenStream::new();
    let mut tickets = Vec::new();
    for (i, (ident, Capability { kind, optional, .. })) in method.takes().enumerate() {
        if *optional {
            sent = hygienic!(#ident.as_ref().map(::isthmus_interface::Cap::slot));
            continue;
        }
        // It lives until the call has ended.
        stage.extend(hygienic!(let #ident: ::isthmus_interface::Cap<#kind> = #ident.into();));
        if i == 0 {
            sent = hygienic!(::core::option::Option::Some(#ident.slot()));
        } else {
            tickets.push(hygienic! {
                ::isthmus_interface::staging::stage(&self.transport, self.endpoint.slot(), #ident.slot())?
            });
        }
    }
    let tickets = (!tickets.is_empty()).then(|| hygienic!(__tickets: [#(#tickets),*]));
    let call = hygienic!(&self.transport, self.endpoint.slot(), &#module::#ty { #(#names,)* #tickets }, #sent);
    let (returns, body) = match &method.ending {
        Ending::OneWay => (
            hygienic!((), ::isthmus_interface::abi::NotExecuted),
            hygienic!(::isthmus_interface::send(#call)),
        ),
        Ending::Answer { reply, error } => {
            let whole = &reply.whole;
            let result = result(&reply.parts);
            (
                hygienic!(#whole, ::isthmus_interface::CallError<#error>),
                hygienic! {
                    let (reply, capability) = ::isthmus_interface::call(#call)?;
                    let _ = &capability;
                    ::core::result::Result::Ok(#result)
                },
            )
        }
    };
    hygienic! {
        #(#docs)*
        #[inline]
        pub fn #ident(&self #(, #parameters)*) -> ::core::result::Result<#returns> {
            #stage
            #body
        }
    }
}

/// A method's result, from `reply` and `capability`.
fn result(parts: &Parts) -> TokenStream {
    let given = |capability: &Capability| {
        if capability.optional {
            hygienic!(capability.map(::isthmus_interface::Cap::new))
        } else {
            hygienic!(::isthmus_interface::Cap::new(
                capability.expect("`call` has checked that it came")
            ))
        }
    };
    match parts {
        Parts::Value => hygienic!(reply),
        Parts::Capability(capability) => {
            let given = given(capability);
            hygienic!({ let () = reply; #given })
        }
        Parts::Tuple(types, places) => {
            let values = types.len() - places.len();
            let mut at = 0;
            let parts = (0..types.len()).map(|i| {
                match places.iter().position(|(place, _)| *place == i) {
                    Some(0) => given(&places[0].1),
                    Some(fetched) => {
                        let ticket = fetched - 1;
                        hygienic!(::isthmus_interface::Cap::new(::isthmus_interface::staging::collect(
                            &self.transport,
                            self.endpoint.slot(),
                            tickets[#ticket],
                        )?))
                    }
                    None if values == 1 => hygienic!(reply),
                    None => {
                        let index = syn::Index::from(at);
                        at += 1;
                        hygienic!(reply.#index)
                    }
                }
            });
            let parts = parts.collect::<Vec<_>>();
            let split = (places.len() > 1).then(|| hygienic!(let (reply, tickets) = reply;));
            let unused = (values == 0).then(|| hygienic!(let () = reply;));
            hygienic!({ #split #unused (#(#parts,)*) })
        }
    }
}
