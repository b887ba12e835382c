//! A C header of an interface: for build scripts of clients that are written in C.
//!
//! Each method becomes a `static inline` function that writes the words, has `isthmus_call` (the runtime's) carry them, and reads the answer. Methods with
//! capabilities, and those whose types `serde` carries, are named in a comment and left out: C has no codec for them. Next: `examples/kv/c-client`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::string::String;

use isthmus_abi::label::Way;

use crate::{Described, LONG, Passes, Shape};

/// The header of the interface `name`, whose methods are `methods`: `header::of(kv::NAME, kv::METHODS)`.
#[must_use]
pub fn of(name: &str, methods: &[Described]) -> String {
    let mut header = Header {
        prefix: name.replace('-', "_"),
        text: String::new(),
        declared: BTreeSet::new(),
    };
    header.line(&std::format!(
        "/* The interface \"{name}\", made from its Rust trait. Do not edit it: it is made anew by each build. */"
    ));
    header.line("#pragma once");
    header.line(PRELUDE);
    for method in methods {
        match header.carried(method) {
            Ok(parameters) => header.method(method, &parameters),
            Err(why) => header.line(&std::format!("/* {}: not for C: {why} */\n", method.name)),
        }
    }
    header.text
}

/// What every header has.
const PRELUDE: &str = r#"#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ISTHMUS_H
#define ISTHMUS_H

/* What became of a call. */
enum isthmus_status {
    ISTHMUS_OK = 0,           /* the reply is there */
    ISTHMUS_ERROR = 1,        /* the interface's own error: its number is the reason */
    ISTHMUS_NOT_EXECUTED = 2, /* it certainly did not run */
    ISTHMUS_UNKNOWN = 3,      /* it may have run, once, or not at all */
};

/* The runtime's. It answers a status; `words` and `length` are those of the request, and then of the reply, with room for 120; or words[0] is the reason. */
enum isthmus_status isthmus_call(uint64_t to, uint64_t label, uint64_t *words, size_t *length);
void isthmus_say(const void *text, size_t length);
void isthmus_send(uint64_t to, uint64_t label, const uint64_t *words, size_t length);

/* Reasons that these functions find out themselves, by the numbers of docs/labels.md. */
enum { ISTHMUS_TOO_LONG = 6, ISTHMUS_BAD_REPLY = 6 };

static inline bool isthmus_put_bytes(uint64_t *words, size_t *at, const void *bytes, size_t length, size_t most) {
    const uint8_t *from = bytes;
    if (length > most || *at + 1 + (length + 7) / 8 > 120) return false;
    words[(*at)++] = length;
    for (size_t i = 0; i < length; i++) {
        if (i % 8 == 0) words[(*at)++] = 0;
        words[*at - 1] |= (uint64_t)from[i] << (i % 8 * 8);
    }
    return true;
}

static inline bool isthmus_get_bytes(const uint64_t *words, size_t end, size_t *at, void *bytes, size_t *length, size_t most) {
    uint8_t *to = bytes;
    if (*at >= end || words[*at] > most || (words[*at] + 7) / 8 > end - *at - 1) return false;
    *length = (size_t)words[(*at)++];
    for (size_t i = 0; i < *length; i++) to[i] = (uint8_t)(words[*at + i / 8] >> (i % 8 * 8));
    *at += (*length + 7) / 8;
    return true;
}

#endif
"#;

struct Header {
    prefix: String,
    text: String,
    declared: BTreeSet<&'static str>,
}

/// An argument: its name and shape.
type Parameter = (&'static str, Shape);

impl Header {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A method's arguments, if C can carry it.
    fn carried(&self, method: &Described) -> Result<std::vec::Vec<Parameter>, &'static str> {
        if (method.takes, method.gives) != (Passes::Nothing, Passes::Nothing) {
            return Err("it carries a capability");
        }
        let serde = "a type of its is carried by serde";
        if method.reply_shape.is_none() || method.error_shape.is_none() {
            return Err(serde);
        }
        let shapes = method.parameters.iter().zip(method.shapes);
        shapes
            .map(|((name, _), shape)| shape.map(|shape| (*name, shape)).ok_or(serde))
            .collect()
    }

    fn method(&mut self, method: &Described, parameters: &[Parameter]) {
        let reply = method.reply_shape.unwrap_or(Shape::Nothing);
        for (_, shape) in parameters {
            self.declare(*shape);
        }
        self.declare(reply);
        if let Some(Shape::Choice(..)) = method.error_shape {
            self.declare(method.error_shape.unwrap_or(Shape::Nothing));
        }
        let one_way = method.label.way() == Way::OneWay;
        let (result, prefix, name) = match one_way {
            true => ("bool", self.prefix.clone(), method.name),
            false => ("enum isthmus_status", self.prefix.clone(), method.name),
        };
        let mut arguments = String::from("uint64_t to");
        for (name, shape) in parameters {
            let _ = write!(arguments, ", {}", argument(&self.prefix, name, *shape));
        }
        if !one_way {
            arguments.push_str(&result_argument(&self.prefix, reply));
            arguments.push_str(", uint64_t *reason");
        }
        self.line(&std::format!(
            "static inline {result} {prefix}_{name}({arguments}) {{"
        ));
        self.line(&std::format!("    uint64_t words[{LONG}];"));
        self.line("    size_t at = 0;");
        let fail = if one_way {
            "return false;"
        } else {
            "{ *reason = ISTHMUS_TOO_LONG; return ISTHMUS_NOT_EXECUTED; }"
        };
        for (name, shape) in parameters {
            self.put(name, *shape, fail);
        }
        let label = method.label.bits();
        if one_way {
            self.line(&std::format!(
                "    isthmus_send(to, UINT64_C({label:#x}), words, at);"
            ));
            self.line("    return true;\n}\n");
            return;
        }
        self.line("    size_t end = at;");
        self.line(&std::format!(
            "    enum isthmus_status status = isthmus_call(to, UINT64_C({label:#x}), words, &end);"
        ));
        self.line("    if (status != ISTHMUS_OK) { *reason = words[0]; return status; }");
        self.line("    at = 0;");
        self.get("reply", reply);
        self.line("    if (at == end) return ISTHMUS_OK;");
        if needs_bad(reply) {
            self.line("bad:");
        }
        self.line("    *reason = ISTHMUS_BAD_REPLY;");
        self.line("    return ISTHMUS_UNKNOWN;\n}\n");
    }

    /// Declares the types that a shape names, once.
    fn declare(&mut self, shape: Shape) {
        match shape {
            Shape::Choice(name, values) if self.declared.insert(name) => {
                let prefix = self.prefix.to_uppercase();
                self.line(&std::format!("enum {}_{name} {{", self.prefix));
                for (value, number) in values {
                    let value = screaming(value);
                    self.line(&std::format!("    {prefix}_{value} = {number},"));
                }
                self.line("};\n");
            }
            Shape::Struct(name, fields) if self.declared.insert(name) => {
                for (_, field) in fields {
                    self.declare(*field);
                }
                self.line(&std::format!("struct {}_{name} {{", self.prefix));
                for (field, shape) in fields {
                    self.line(&std::format!("    {};", self.field(field, *shape)));
                }
                self.line("};\n");
            }
            _ => {}
        }
    }

    fn field(&self, name: &str, shape: Shape) -> String {
        match shape {
            Shape::Number(ty) => std::format!("{ty} {name}"),
            Shape::Choice(..) => std::format!("uint64_t {name}"),
            Shape::Words(1) => std::format!("uint64_t {name}"),
            Shape::Words(count) => std::format!("uint64_t {name}[{count}]"),
            Shape::Bytes(most) => std::format!("uint8_t {name}[{most}]; size_t {name}_length"),
            Shape::Struct(ty, _) => std::format!("struct {}_{ty} {name}", self.prefix),
            Shape::Nothing => String::new(),
        }
    }

    /// Writes what `value` holds.
    fn put(&mut self, value: &str, shape: Shape, fail: &str) {
        let line = match shape {
            Shape::Nothing => return,
            Shape::Number(ty) if ty.starts_with("int") => {
                std::format!("    words[at++] = (uint64_t)(int64_t){value};")
            }
            Shape::Number(_) | Shape::Choice(..) | Shape::Words(1) => {
                std::format!("    words[at++] = {value};")
            }
            Shape::Words(count) => {
                std::format!("    for (size_t i = 0; i < {count}; i++) words[at++] = {value}[i];")
            }
            Shape::Bytes(most) => std::format!(
                "    if (!isthmus_put_bytes(words, &at, {value}, {value}_length, {most})) {fail}"
            ),
            Shape::Struct(_, fields) => {
                for (field, shape) in fields {
                    self.put(&std::format!("{value}.{field}"), *shape, fail);
                }
                return;
            }
        };
        self.line(&line);
    }

    /// Reads into what `value` points to.
    fn get(&mut self, value: &str, shape: Shape) {
        match shape {
            Shape::Nothing => {}
            Shape::Number(ty) => {
                self.line("    if (at >= end) goto bad;");
                self.line(&std::format!("    *{value} = ({ty})words[at++];"));
            }
            Shape::Choice(..) | Shape::Words(1) => {
                self.line("    if (at >= end) goto bad;");
                self.line(&std::format!("    *{value} = words[at++];"));
            }
            Shape::Words(count) => self.line(&std::format!(
                "    for (size_t i = 0; i < {count}; i++) {{ if (at >= end) goto bad; ({value})[i] = words[at++]; }}"
            )),
            Shape::Bytes(most) => self.line(&std::format!(
                "    if (!isthmus_get_bytes(words, end, &at, {value}, {value}_length, {most})) goto bad;"
            )),
            Shape::Struct(_, fields) => {
                for (field, shape) in fields {
                    let part = match shape {
                        Shape::Bytes(_) | Shape::Words(2..) => {
                            std::format!("{value}->{field}")
                        }
                        _ => std::format!("(&{value}->{field})"),
                    };
                    self.get_field(&part, &std::format!("&{value}->{field}_length"), *shape);
                }
            }
        }
    }

    fn get_field(&mut self, part: &str, length: &str, shape: Shape) {
        match shape {
            Shape::Bytes(most) => self.line(&std::format!(
                "    if (!isthmus_get_bytes(words, end, &at, {part}, {length}, {most})) goto bad;"
            )),
            other => self.get(part, other),
        }
    }
}

/// A function's parameter.
fn argument(prefix: &str, name: &str, shape: Shape) -> String {
    match shape {
        Shape::Nothing => String::new(),
        Shape::Number(ty) => std::format!("{ty} {name}"),
        Shape::Choice(..) | Shape::Words(1) => std::format!("uint64_t {name}"),
        Shape::Words(count) => std::format!("const uint64_t {name}[{count}]"),
        Shape::Bytes(_) => std::format!("const void *{name}, size_t {name}_length"),
        Shape::Struct(ty, _) => std::format!("struct {prefix}_{ty} {name}"),
    }
}

/// Where a function puts its result.
fn result_argument(prefix: &str, shape: Shape) -> String {
    match shape {
        Shape::Nothing => String::new(),
        Shape::Number(ty) => std::format!(", {ty} *reply"),
        Shape::Choice(..) | Shape::Words(_) => String::from(", uint64_t *reply"),
        Shape::Bytes(most) => {
            std::format!(", uint8_t reply[{most}], size_t *reply_length")
        }
        Shape::Struct(ty, _) => std::format!(", struct {prefix}_{ty} *reply"),
    }
}

/// Whether reading it may find it malformed.
const fn needs_bad(shape: Shape) -> bool {
    !matches!(shape, Shape::Nothing)
}

/// `NoSuchKey` as `NO_SUCH_KEY`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_uppercase());
    }
    out
}
