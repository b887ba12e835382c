//! Invocation labels and stubs.
//!
//! A stub packs its parameters into message words exactly as libsel4's stub generator does: each parameter is aligned to its own size
//! within a word, capabilities go to the extra capabilities, a structure takes one word per member. How the message is sent is left to
//! an implementation of the trait `Invoke`, so that the packing can be tested without a kernel.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Error;
use crate::headers::Structure;
use crate::interfaces::{Direction, Interfaces, Method, Parameter};

const WORD_BITS: usize = 64;
const WORDS_IN_REGISTERS: usize = 4;

/// How a parameter's type travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// In the message, this many bits.
    Bits(usize),
    /// As an extra capability.
    Capability,
    /// In the message, a word for each member of `seL4_UserContext`.
    UserContext,
}

fn kind(parameter: &Parameter) -> Result<Kind, Error> {
    Ok(match parameter.kind.as_str() {
        "seL4_Bool" => Kind::Bits(1),
        "seL4_Uint8" => Kind::Bits(8),
        "seL4_Uint16" => Kind::Bits(16),
        "seL4_Uint32" | "int" => Kind::Bits(32),
        "seL4_Uint64"
        | "seL4_Word"
        | "seL4_CapData_t"
        | "seL4_PrioProps_t"
        | "seL4_CapRights_t"
        | "seL4_ARM_VMAttributes"
        | "seL4_X86_VMAttributes" => Kind::Bits(64),
        "seL4_UserContext" => Kind::UserContext,
        "seL4_CPtr" | "seL4_CNode" | "seL4_TCB" | "seL4_Untyped" | "seL4_IRQHandler"
        | "seL4_IRQControl" | "seL4_DomainSet" => Kind::Capability,
        other
            if other.starts_with("seL4_X86_")
                || other.starts_with("seL4_X64_")
                || other.starts_with("seL4_ARM_") =>
        {
            Kind::Capability
        }
        other => {
            return Err(Error::malformed(
                &parameter.name,
                format!("unknown parameter type {other}"),
            ));
        }
    })
}

/// One message word as Rust expressions that are joined by `|`.
#[derive(Default)]
struct Packed {
    words: Vec<Vec<String>>,
}

/// Where each parameter begins and how many bits it has.
fn positions(sizes: &[usize]) -> Vec<usize> {
    let mut used = 0_usize;
    sizes
        .iter()
        .map(|size| {
            let at = used.next_multiple_of((*size).min(WORD_BITS));
            used = at + size;
            at
        })
        .collect()
}

/// Labels and stubs of all methods.
///
/// # Errors
/// When a parameter has a type that is not known, or `seL4_UserContext` is needed and missing.
pub fn emit(interfaces: &Interfaces, structures: &[Structure]) -> Result<String, Error> {
    let context = structures
        .iter()
        .find(|structure| structure.name == "seL4_UserContext")
        .ok_or_else(|| Error::malformed("seL4_UserContext", "no header defines it"))?;
    let registers: Vec<&str> = context
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    let mut out = String::from(
        "/// Labels of invocations, as this configuration numbers them.\npub mod invocation_label {\n",
    );
    let mut labels = BTreeMap::new();
    for (index, method) in interfaces.methods.iter().enumerate() {
        let number = index + 1;
        let _ = writeln!(out, "    pub const {}: u64 = {number};", method.label);
        if labels.insert(&method.label, number).is_some() {
            return Err(Error::malformed(
                &method.label,
                "two methods have this label",
            ));
        }
    }
    let _ = writeln!(
        out,
        "    /// One more than the last label.\n    pub const COUNT: u64 = {};\n}}\n",
        interfaces.methods.len() + 1
    );
    let table: Vec<String> = labels
        .iter()
        .map(|(label, number)| format!("    ({label:?}, {number}),\n"))
        .collect();
    let _ = writeln!(
        out,
        "#[doc(hidden)]\npub const LABELS: &[(&str, i64)] = &[\n{}];\n",
        table.concat()
    );
    for method in &interfaces.methods {
        out += &stub(method, &registers)?;
    }
    Ok(out)
}

fn stub(method: &Method, registers: &[&str]) -> Result<String, Error> {
    let mut signature = String::new();
    let mut capabilities = Vec::new();
    let mut inputs = Vec::new();
    let mut outputs = Vec::new();
    for parameter in &method.parameters {
        let kind = kind(parameter)?;
        match (parameter.direction, kind) {
            (Direction::In, Kind::Capability) => {
                let _ = write!(signature, ", {}: seL4_CPtr", name(parameter));
                capabilities.push(name(parameter));
            }
            (Direction::In, Kind::Bits(bits)) => {
                let _ = write!(
                    signature,
                    ", {}: {}",
                    name(parameter),
                    input_type(parameter, bits)
                );
                inputs.push((parameter, bits));
            }
            (Direction::In, Kind::UserContext) => {
                let _ = write!(signature, ", {}: &seL4_UserContext", name(parameter));
                inputs.push((parameter, registers.len() * WORD_BITS));
            }
            (Direction::Out, Kind::Bits(bits)) => outputs.push((parameter, bits)),
            (Direction::Out, Kind::UserContext) => {
                outputs.push((parameter, registers.len() * WORD_BITS))
            }
            (Direction::Out, Kind::Capability) => {
                return Err(Error::malformed(&method.label, "a capability comes back"));
            }
        }
    }
    let packed = pack(&inputs, registers);
    let result = match outputs.as_slice() {
        [] => "()".to_owned(),
        [(output, _)] => output_type(output),
        several => format!(
            "({})",
            several
                .iter()
                .map(|(output, _)| output_type(output))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let (interface, function) = (
        &method.interface,
        format!("{}_{}", method.interface, method.name),
    );
    let mut out = format!(
        "/// Corresponds to `{function}`.\n///\n/// # Errors\n/// Whatever the kernel answered, as its number.\n#[inline]\n\
         pub fn {function}<I: Invoke>(kernel: &mut I, service: seL4_CPtr{signature}) -> Result<{result}, u64> {{\n"
    );
    debug_assert!(interface.starts_with("seL4_"));
    for (index, capability) in capabilities.iter().enumerate() {
        let _ = writeln!(out, "    kernel.set_cap({index}, {capability});");
    }
    for (index, word) in packed.words.iter().enumerate().skip(WORDS_IN_REGISTERS) {
        let _ = writeln!(
            out,
            "    kernel.set_message_register({index}, {});",
            word.join(" | ")
        );
    }
    let word = |index: usize| {
        packed
            .words
            .get(index)
            .map_or("0".to_owned(), |word| word.join(" | "))
    };
    let first: Vec<String> = (0..WORDS_IN_REGISTERS).map(word).collect();
    let _ = writeln!(
        out,
        "    let info = seL4_MessageInfo::new(invocation_label::{}, 0, {}, {});\n    let words = kernel.call(service, info, [{}])?;",
        method.label,
        capabilities.len(),
        packed.words.len(),
        first.join(", ")
    );
    let _ = writeln!(out, "    {}\n}}\n", unpack(&outputs, registers));
    Ok(out)
}

fn pack(inputs: &[(&Parameter, usize)], registers: &[&str]) -> Packed {
    let sizes: Vec<usize> = inputs.iter().map(|(_, bits)| *bits).collect();
    let total = positions(&sizes)
        .last()
        .map_or(0, |last| last + sizes[sizes.len() - 1]);
    let mut packed = Packed {
        words: vec![Vec::new(); total.div_ceil(WORD_BITS)],
    };
    for ((parameter, bits), at) in inputs.iter().zip(positions(&sizes)) {
        let (index, shift) = (at / WORD_BITS, at % WORD_BITS);
        if *bits > WORD_BITS {
            for (offset, register) in registers.iter().enumerate() {
                packed.words[index + offset].push(format!("{}.{register}", name(parameter)));
            }
        } else {
            let value = input_value(parameter, *bits);
            packed.words[index].push(if shift == 0 {
                value
            } else {
                format!("({value}) << {shift}")
            });
        }
    }
    packed
}

fn unpack(outputs: &[(&Parameter, usize)], registers: &[&str]) -> String {
    let sizes: Vec<usize> = outputs.iter().map(|(_, bits)| *bits).collect();
    let read = |index: usize| {
        if index < WORDS_IN_REGISTERS {
            format!("words[{index}]")
        } else {
            format!("kernel.message_register({index})")
        }
    };
    let values: Vec<String> = outputs
        .iter()
        .zip(positions(&sizes))
        .map(|((parameter, bits), at)| {
            let (index, shift) = (at / WORD_BITS, at % WORD_BITS);
            if *bits > WORD_BITS {
                let fields: Vec<String> = registers
                    .iter()
                    .enumerate()
                    .map(|(offset, register)| format!("{register}: {}", read(index + offset)))
                    .collect();
                return format!("seL4_UserContext {{ {} }}", fields.join(", "));
            }
            match (*bits, parameter.kind.as_str()) {
                (WORD_BITS, _) => read(index),
                (bits, "seL4_Bool") => format!(
                    "({} >> {shift}) & {:#x} != 0",
                    read(index),
                    (1_u64 << bits) - 1
                ),
                (bits, _) => format!(
                    "(({} >> {shift}) & {:#x}) as {}",
                    read(index),
                    (1_u64 << bits) - 1,
                    output_type(parameter)
                ),
            }
        })
        .collect();
    match values.as_slice() {
        [] => "let _ = words;\n    Ok(())".to_owned(),
        [value] => format!("Ok({value})"),
        several => format!("Ok(({}))", several.join(", ")),
    }
}

fn name(parameter: &Parameter) -> String {
    // The XML's camelCase and keywords, as Rust wants them.
    let mut snake = String::new();
    for character in parameter.name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    if snake == "type" {
        "type_".to_owned()
    } else {
        snake
    }
}

fn input_type(parameter: &Parameter, bits: usize) -> &'static str {
    match (parameter.kind.as_str(), bits) {
        ("seL4_CapData_t", _) => "u64",
        ("seL4_PrioProps_t", _) => "seL4_PrioProps",
        ("seL4_CapRights_t", _) => "seL4_CapRights",
        ("seL4_Bool", _) => "bool",
        ("int", _) => "i32",
        (_, 8) => "u8",
        (_, 16) => "u16",
        (_, 32) => "u32",
        _ => "u64",
    }
}

fn input_value(parameter: &Parameter, bits: usize) -> String {
    let name = name(parameter);
    match (parameter.kind.as_str(), bits) {
        ("seL4_PrioProps_t" | "seL4_CapRights_t", _) => format!("{name}.0[0]"),
        ("int", _) => format!("({name} as u32) as u64"),
        (_, 64) => name,
        _ => format!("{name} as u64"),
    }
}

fn output_type(parameter: &Parameter) -> String {
    match parameter.kind.as_str() {
        "seL4_Bool" => "bool",
        "seL4_Uint8" => "u8",
        "seL4_Uint16" => "u16",
        "seL4_Uint32" => "u32",
        "seL4_UserContext" => "seL4_UserContext",
        _ => "u64",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Member;

    fn parameter(name: &str, kind: &str, direction: Direction) -> Parameter {
        Parameter {
            name: name.into(),
            kind: kind.into(),
            direction,
        }
    }

    fn emit_one(parameters: Vec<Parameter>) -> Result<String, Error> {
        let member = |name: &str| Member {
            name: name.into(),
            kind: "seL4_Word".into(),
            count: None,
        };
        let context = Structure {
            name: "seL4_UserContext".into(),
            is_packed: false,
            is_self_aligned: false,
            members: vec![member("pc"), member("sp")],
        };
        let method = Method {
            interface: "seL4_TCB".into(),
            name: "Do".into(),
            label: "TCBDo".into(),
            parameters,
        };
        emit(
            &Interfaces {
                methods: vec![method],
            },
            &[context],
        )
    }

    #[test]
    fn small_parameters_share_a_word() {
        let source = emit_one(vec![
            parameter("resume", "seL4_Bool", Direction::In),
            parameter("flags", "seL4_Uint8", Direction::In),
            parameter("count", "seL4_Word", Direction::In),
            parameter("regs", "seL4_UserContext", Direction::In),
        ])
        .unwrap();
        assert!(
            source.contains("[resume as u64 | (flags as u64) << 8, count, regs.pc, regs.sp]"),
            "{source}"
        );
        assert!(
            source.contains("seL4_MessageInfo::new(invocation_label::TCBDo, 0, 0, 4)"),
            "{source}"
        );
    }

    #[test]
    fn capabilities_and_long_messages_go_to_the_buffer() {
        let mut parameters: Vec<_> = (0..6)
            .map(|i| parameter(&format!("w{i}"), "seL4_Word", Direction::In))
            .collect();
        parameters.push(parameter("root", "seL4_CNode", Direction::In));
        let source = emit_one(parameters).unwrap();
        assert!(source.contains("kernel.set_cap(0, root);"), "{source}");
        assert!(
            source.contains("kernel.set_message_register(4, w4);"),
            "{source}"
        );
        assert!(source.contains("0, 1, 6)"), "{source}");
    }

    #[test]
    fn results_come_out_of_registers_and_buffer() {
        let source = emit_one(vec![parameter("regs", "seL4_UserContext", Direction::Out)]).unwrap();
        assert!(
            source.contains("Ok(seL4_UserContext { pc: words[0], sp: words[1] })"),
            "{source}"
        );
        let source = emit_one(vec![parameter("result", "seL4_Uint16", Direction::Out)]).unwrap();
        assert!(
            source.contains("Ok(((words[0] >> 0) & 0xffff) as u16)"),
            "{source}"
        );
    }

    #[test]
    fn refuses_unknown_types() {
        assert!(emit_one(vec![parameter("x", "seL4_Odd", Direction::In)]).is_err());
        assert!(emit_one(vec![parameter("x", "seL4_CPtr", Direction::Out)]).is_err());
    }

    #[test]
    fn positions_follow_the_alignment_of_each() {
        assert_eq!(positions(&[1, 8, 64, 8, 32]), [0, 8, 64, 128, 160]);
        assert_eq!(positions(&[8, 128]), [0, 64]);
    }
}
