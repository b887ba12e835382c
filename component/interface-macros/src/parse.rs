//! What is written in the trait, or at which of its lines something is wrong.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, GenericArgument, ItemTrait, LitInt, LitStr, MetaNameValue, Pat,
    PathArguments, Result, ReturnType, Token, TraitItem, TraitItemFn, Type, Visibility,
};

/// Bytes of an interface's name: `isthmus_abi::limits::NAME_BYTES`, which the generated code checks again.
const NAME_BYTES: usize = 24;
/// Capabilities of a method, each way: `isthmus_abi::limits::METHOD_CAPABILITIES`, which the generated code checks again.
pub const CAPABILITIES: usize = 4;
/// The ordinals above are kept for the system.
const ORDINAL_LAST: u8 = 239;

/// The attribute's arguments.
pub struct Arguments {
    name: LitStr,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let whole = input.span();
        let mut name = None;
        for pair in Punctuated::<MetaNameValue, Token![,]>::parse_terminated(input)? {
            if !pair.path.is_ident("name") {
                return Err(Error::new_spanned(
                    pair.path,
                    "the only argument is `name = \"…\"`",
                ));
            }
            name = Some(syn::parse2::<LitStr>(pair.value.to_token_stream())?);
        }
        let name = name.ok_or_else(|| {
            Error::new(
                whole,
                "an interface has a name: `#[interface(name = \"kv\")]`",
            )
        })?;
        let length = name.value().len();
        if length == 0 || length > NAME_BYTES {
            let text = format!("an interface's name has 1 to {NAME_BYTES} bytes");
            return Err(Error::new(name.span(), text));
        }
        Ok(Self { name })
    }
}

/// A trait that can be an interface.
pub struct Interface {
    pub name: LitStr,
    pub vis: Visibility,
    pub ident: Ident,
    pub attributes: Vec<Attribute>,
    pub methods: Vec<Method>,
    /// The trait as the server sees it.
    pub bare: ItemTrait,
}

/// One of its methods.
pub struct Method {
    pub ident: Ident,
    pub docs: Vec<Attribute>,
    pub ordinal: LitInt,
    pub number: u8,
    /// In the order of the handler's arguments.
    pub parameters: Vec<Parameter>,
    pub ending: Ending,
    /// What is hashed, but for the interface's name.
    pub signature: String,
}

/// What a handler is given.
// There are a handful of them, while a program is compiled.
#[allow(clippy::large_enum_variant)]
pub enum Parameter {
    /// A value that the client sends.
    Value(Ident, Type),
    /// The capability that the client sends.
    Capability(Ident, Capability),
    /// Through which capability the call came.
    Caller,
    /// The caller, who waits.
    Later,
}

/// `Cap<kind>`, or an `Option` of it.
#[derive(Clone)]
pub struct Capability {
    /// As it is written.
    pub written: Type,
    pub kind: Type,
    pub optional: bool,
}

/// How a method ends for its caller.
// There are a handful of them, while a program is compiled.
#[allow(clippy::large_enum_variant)]
pub enum Ending {
    /// Nobody waits.
    OneWay,
    /// With a result.
    Answer { reply: Reply, error: Type },
}

/// A reply's type.
pub struct Reply {
    /// As it is written.
    pub whole: Type,
    /// The parts in order, of which at most one is the capability.
    pub parts: Parts,
}

/// What a reply consists of.
// There are a handful of them, while a program is compiled.
#[allow(clippy::large_enum_variant)]
pub enum Parts {
    /// A value.
    Value,
    /// A capability.
    Capability(Capability),
    /// A tuple with capabilities at these places.
    Tuple(Vec<Type>, Vec<(usize, Capability)>),
}

impl Parts {
    /// The capabilities among them.
    pub fn capabilities(&self) -> Vec<&Capability> {
        match self {
            Self::Value => Vec::new(),
            Self::Capability(capability) => vec![capability],
            Self::Tuple(_, places) => places.iter().map(|(_, capability)| capability).collect(),
        }
    }

    /// Capabilities that the client fetches.
    pub fn fetched(&self) -> usize {
        self.capabilities().len().saturating_sub(1)
    }
}

impl Method {
    /// The values that the client sends.
    pub fn values(&self) -> impl Iterator<Item = (&Ident, &Type)> {
        self.parameters.iter().filter_map(|p| match p {
            Parameter::Value(ident, ty) => Some((ident, ty)),
            _ => None,
        })
    }

    /// The capabilities that the client sends: the first one with the message, the others ahead.
    pub fn takes(&self) -> impl Iterator<Item = (&Ident, &Capability)> {
        self.parameters.iter().filter_map(|p| match p {
            Parameter::Capability(ident, capability) => Some((ident, capability)),
            _ => None,
        })
    }

    /// The capabilities that the server sends: the first one with the message, the others are fetched.
    pub fn gives(&self) -> Vec<&Capability> {
        match &self.ending {
            Ending::Answer { reply, .. } => reply.parts.capabilities(),
            Ending::OneWay => Vec::new(),
        }
    }

    /// Whether its handler answers when it likes.
    pub fn is_later(&self) -> bool {
        self.parameters
            .iter()
            .any(|p| matches!(p, Parameter::Later))
    }
}

/// Errors are gathered, so that the user sees all of them at once.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }
}

impl Interface {
    pub fn new(arguments: Arguments, item: &ItemTrait) -> Result<Self> {
        let mut errors = Errors::default();
        if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
            errors.push(Error::new(
                item.generics.span(),
                "an interface has no generic parameters: its messages have fixed types",
            ));
        }
        if let Some(supertrait) = item.supertraits.first() {
            errors.push(Error::new_spanned(
                supertrait,
                "an interface has no supertraits",
            ));
        }
        if let Some(auto) = item.unsafety.as_ref() {
            errors.push(Error::new_spanned(auto, "an interface is not unsafe"));
        }
        let mut methods = Vec::<Method>::new();
        for item in &item.items {
            let TraitItem::Fn(function) = item else {
                errors.push(Error::new_spanned(
                    item,
                    "an interface has methods, and nothing else",
                ));
                continue;
            };
            let Some(method) = errors.take(method(function)) else {
                continue;
            };
            if let Some(other) = methods.iter().find(|other| other.number == method.number) {
                let text = format!(
                    "ordinal {} is the one of `{}`: each method has its own, for ever",
                    method.number, other.ident
                );
                errors.push(Error::new(method.ordinal.span(), text));
            }
            methods.push(method);
        }
        match errors.0 {
            Some(error) => Err(error),
            None => Ok(Self {
                name: arguments.name,
                vis: item.vis.clone(),
                ident: item.ident.clone(),
                attributes: item.attrs.clone(),
                methods,
                bare: bare(item.clone()),
            }),
        }
    }
}

/// The trait without our attributes.
pub fn bare(mut item: ItemTrait) -> ItemTrait {
    for item in &mut item.items {
        if let TraitItem::Fn(function) = item {
            function.attrs.retain(|a| !is_ours(a));
        }
    }
    item
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("method") || attribute.path().is_ident("one_way")
}

fn method(function: &TraitItemFn) -> Result<Method> {
    let signature = &function.sig;
    if let Some(body) = &function.default {
        return Err(Error::new_spanned(
            body,
            "an interface's method has no body: servers implement it",
        ));
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        return Err(Error::new(
            signature.generics.span(),
            "an interface's method has no generic parameters: its messages have fixed types",
        ));
    }
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new_spanned(
            keyword,
            "a handler is not async: to answer later it has an argument `Later<T, E>`",
        ));
    }
    if signature.constness.is_some() || signature.unsafety.is_some() || signature.abi.is_some() {
        return Err(Error::new_spanned(
            signature,
            "an interface's method is a plain `fn`",
        ));
    }
    let (ordinal, number) = ordinal(function)?;
    let parameters = parameters(function)?;
    let one_way = function.attrs.iter().find(|a| a.path().is_ident("one_way"));
    let ending = ending(function, one_way)?;
    let capabilities = parameters.iter().filter_map(|p| match p {
        Parameter::Capability(_, capability) => Some(&capability.written),
        _ => None,
    });
    if let (Ending::OneWay, Some(second)) = (&ending, capabilities.clone().nth(1)) {
        let text = "a one-way message carries one capability: nobody hears whether further ones have arrived";
        return Err(Error::new_spanned(second, text));
    }
    // Docs, and what the user may want on the client's method too.
    let docs = function
        .attrs
        .iter()
        .filter(|a| !is_ours(a))
        .cloned()
        .collect();
    Ok(Method {
        ident: signature.ident.clone(),
        docs,
        ordinal,
        number,
        signature: hashed(&signature.ident, &parameters, &ending),
        parameters,
        ending,
    })
}

/// What identifies a method: its arguments that travel, and its result. Who asks for a `Caller`, or answers later, sends the same messages.
fn hashed(ident: &Ident, parameters: &[Parameter], ending: &Ending) -> String {
    let arguments = parameters.iter().filter_map(|p| match p {
        Parameter::Value(ident, ty) => Some(format!("{ident}: {}", ty.to_token_stream())),
        Parameter::Capability(ident, capability) => {
            Some(format!("{ident}: {}", capability.written.to_token_stream()))
        }
        Parameter::Caller | Parameter::Later => None,
    });
    let arguments = arguments.collect::<Vec<_>>().join(", ");
    match ending {
        Ending::OneWay => format!("one_way {ident}({arguments})"),
        Ending::Answer { reply, error } => format!(
            "{ident}({arguments}) -> Result<{}, {}>",
            reply.whole.to_token_stream(),
            error.to_token_stream()
        ),
    }
}

fn ordinal(function: &TraitItemFn) -> Result<(LitInt, u8)> {
    let mut found = None;
    for attribute in function
        .attrs
        .iter()
        .filter(|a| a.path().is_ident("method"))
    {
        if found.is_some() {
            return Err(Error::new_spanned(attribute, "a method has one ordinal"));
        }
        found = Some(attribute.parse_args::<LitInt>()?);
    }
    let name = &function.sig.ident;
    let ordinal = found.ok_or_else(|| {
        let text = format!("`{name}` has no ordinal: write `#[method(0)]` above it, with a number that stays with it for ever");
        Error::new(name.span(), text)
    })?;
    match ordinal.base10_parse::<u8>() {
        Ok(number) if number <= ORDINAL_LAST => Ok((ordinal, number)),
        _ => Err(Error::new(
            ordinal.span(),
            format!("an ordinal is 0 to {ORDINAL_LAST}"),
        )),
    }
}

fn parameters(function: &TraitItemFn) -> Result<Vec<Parameter>> {
    let mut inputs = function.sig.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver))
            if receiver.reference.is_some() && receiver.colon_token.is_none() => {}
        Some(other) => {
            return Err(Error::new_spanned(
                other,
                "a handler takes `&mut self` first",
            ));
        }
        None => {
            return Err(Error::new(
                function.sig.paren_token.span.join(),
                "a handler takes `&mut self` first",
            ));
        }
    }
    let mut parameters = Vec::new();
    for input in inputs {
        let FnArg::Typed(input) = input else {
            return Err(Error::new_spanned(input, "`self` comes first"));
        };
        let Pat::Ident(pattern) = &*input.pat else {
            return Err(Error::new_spanned(
                &input.pat,
                "an argument has a plain name",
            ));
        };
        let parameter = parameter(pattern.ident.clone(), &input.ty)?;
        let twice =
            |p: &Parameter| core::mem::discriminant(p) == core::mem::discriminant(&parameter);
        let again = parameters.iter().any(twice);
        match &parameter {
            Parameter::Capability(_, capability) if again => {
                if capability.optional {
                    return Err(Error::new_spanned(
                        &input.ty,
                        "only the first capability of a message may be missing",
                    ));
                }
                if parameters.iter().filter(|p| twice(p)).count() == CAPABILITIES {
                    return Err(Error::new_spanned(
                        &input.ty,
                        format!("a method takes at most {CAPABILITIES} capabilities"),
                    ));
                }
                parameters.push(parameter);
            }
            Parameter::Caller | Parameter::Later if again => {
                return Err(Error::new_spanned(&input.ty, "there is one caller"));
            }
            _ => parameters.push(parameter),
        }
    }
    Ok(parameters)
}

fn parameter(ident: Ident, ty: &Type) -> Result<Parameter> {
    if let Type::Reference(reference) = ty {
        return Err(Error::new_spanned(
            reference,
            "an argument is sent by value: use an owned type, for example `heapless::String<32>`",
        ));
    }
    if let Some(capability) = capability(ty) {
        return Ok(Parameter::Capability(ident, capability));
    }
    if generics(ty, "Caller").is_some() {
        return Ok(Parameter::Caller);
    }
    if generics(ty, "Later").is_some() {
        return Ok(Parameter::Later);
    }
    Ok(Parameter::Value(ident, ty.clone()))
}

fn ending(function: &TraitItemFn, one_way: Option<&Attribute>) -> Result<Ending> {
    let later = function.sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(input) => generics(&input.ty, "Later").map(|g| (&*input.ty, g)),
        FnArg::Receiver(_) => None,
    });
    let name = &function.sig.ident;
    match (&function.sig.output, later, one_way) {
        (ReturnType::Type(_, ty), _, Some(_)) => Err(Error::new_spanned(
            ty,
            "nobody waits for the result of a one-way method",
        )),
        (_, Some((ty, _)), Some(_)) => Err(Error::new_spanned(
            ty,
            "nobody waits for the answer of a one-way method",
        )),
        (ReturnType::Default, None, Some(_)) => Ok(Ending::OneWay),
        (ReturnType::Type(_, ty), Some(_), None) => Err(Error::new_spanned(
            ty,
            "a method answers now, by its return type, or later, by its argument `Later<T, E>`: not both",
        )),
        (ReturnType::Default, Some((ty, generics)), None) => {
            answer(ty, generics, "write `Later<T, E>` in full")
        }
        (ReturnType::Type(_, ty), None, None) => {
            let text = "a method returns `Result<T, E>`, written in full; an error that never happens is `core::convert::Infallible`";
            match generics(ty, "Result") {
                Some(generics) => answer(ty, generics, text),
                None => Err(Error::new_spanned(ty, text)),
            }
        }
        (ReturnType::Default, None, None) => {
            let text = format!("`{name}` returns `Result<T, E>`, or is `#[one_way]`");
            Err(Error::new(name.span(), text))
        }
    }
}

fn answer(ty: &Type, generics: Vec<Type>, otherwise: &str) -> Result<Ending> {
    let Ok([whole, error]) = <[Type; 2]>::try_from(generics) else {
        return Err(Error::new_spanned(ty, otherwise));
    };
    if let Some(capability) = capability(&error) {
        return Err(Error::new_spanned(
            capability.written,
            "an error carries no capability",
        ));
    }
    let parts = parts(&whole)?;
    Ok(Ending::Answer {
        reply: Reply { whole, parts },
        error,
    })
}

fn parts(whole: &Type) -> Result<Parts> {
    if let Some(capability) = capability(whole) {
        return Ok(Parts::Capability(capability));
    }
    let Type::Tuple(tuple) = whole else {
        return Ok(Parts::Value);
    };
    let types = tuple.elems.iter().cloned().collect::<Vec<_>>();
    let mut found = Vec::new();
    for (place, ty) in types.iter().enumerate() {
        let Some(capability) = capability(ty) else {
            continue;
        };
        if capability.optional && !found.is_empty() {
            return Err(Error::new_spanned(
                ty,
                "only the first capability of a message may be missing",
            ));
        }
        if found.len() == CAPABILITIES {
            return Err(Error::new_spanned(
                ty,
                format!("a method gives at most {CAPABILITIES} capabilities"),
            ));
        }
        found.push((place, capability));
    }
    Ok(if found.is_empty() {
        Parts::Value
    } else {
        Parts::Tuple(types, found)
    })
}

/// `Cap<K>` or `Option<Cap<K>>`.
fn capability(ty: &Type) -> Option<Capability> {
    let one = |generics: Vec<Type>| <[Type; 1]>::try_from(generics).ok();
    let cap = |ty: &Type| generics(ty, "Cap").and_then(one);
    let (kind, optional) = match cap(ty) {
        Some([kind]) => (kind, false),
        None => {
            let [inner] = generics(ty, "Option").and_then(one)?;
            let [kind] = cap(&inner)?;
            (kind, true)
        }
    };
    Some(Capability {
        written: ty.clone(),
        kind,
        optional,
    })
}

/// The type arguments of a path that ends in `name`.
fn generics(ty: &Type, name: &str) -> Option<Vec<Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if last.ident != name {
        return None;
    }
    Some(match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    })
}

/// `ident` in snake case.
pub fn snake(ident: &Ident) -> Ident {
    let text = ident.to_string();
    let mut out = String::new();
    for (i, c) in text.char_indices() {
        if c.is_uppercase() && i > 0 && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    Ident::new(&out, ident.span())
}
