//! The bindings against the C headers of the same prefix: every constant, structure and bit field, checked by the C compiler.
//!
//! The Rust side's values become a C file of assertions, which the compiler for the prefix's architecture must accept. Needs `SEL4_PREFIX`, as
//! the crate itself does, and gcc (for `aarch64` its cross compiler).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sel4_bindings as sys;

fn prefix() -> PathBuf {
    PathBuf::from(env!("SEL4_PREFIX"))
}

/// Compiles C code with the prefix's headers before it; returns the compiler's complaints.
fn compile(name: &str, code: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}-{}.c", sys::sel4_cfg_str!(SEL4_ARCH)));
    let text = format!("#include <sel4/sel4.h>\n#include <sel4/arch/mapping.h>\n{code}");
    std::fs::write(&file, text).expect("the test's own folder can be written");
    let compiler = match sys::sel4_cfg_str!(SEL4_ARCH) {
        "x86_64" => "gcc",
        "aarch64" => "aarch64-linux-gnu-gcc",
        other => panic!("no compiler is known for {other}"),
    };
    let mut command = Command::new(compiler);
    // Optimised, so that accessors on constants are folded and calls of `mismatch` vanish when all is right.
    command
        .args(["-O2", "-w", "-S", "-ffreestanding", "-DHAVE_AUTOCONF", "-o"])
        .arg(file.with_extension("s"))
        .arg(&file);
    command.arg("-I").arg(prefix().join("include"));
    let output = command.output().unwrap_or_else(|error| {
        panic!("cannot run {compiler} ({error}): install it to test layouts")
    });
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn check(name: &str, code: &str) {
    if let Err(complaints) = compile(name, code) {
        panic!("the C compiler disagrees:\n{complaints}");
    }
}

fn assertion(out: &mut String, expression: &str, value: i64) {
    let _ = writeln!(
        out,
        "_Static_assert((long)({expression}) == {value}L, {expression:?});"
    );
}

#[test]
fn constants_are_those_of_the_headers() {
    let mut code = String::new();
    for (name, value) in sys::CONSTANTS
        .iter()
        .chain(sys::SYSTEM_CALLS)
        .chain(sys::LABELS)
    {
        assertion(&mut code, name, *value);
    }
    assertion(
        &mut code,
        "nArchInvocationLabels",
        sys::invocation_label::COUNT as i64,
    );
    check("constants", &code);
}

#[test]
fn structures_are_laid_out_as_in_the_headers() {
    let mut code = String::new();
    macro_rules! structure {
        ($name:ident, $offsets:ident) => {
            assertion(
                &mut code,
                concat!("sizeof(", stringify!($name), ")"),
                size_of::<sys::$name>() as i64,
            );
            assertion(
                &mut code,
                concat!("_Alignof(", stringify!($name), ")"),
                align_of::<sys::$name>() as i64,
            );
            for (member, offset) in sys::$offsets {
                assertion(
                    &mut code,
                    &format!("__builtin_offsetof({}, {member})", stringify!($name)),
                    *offset as i64,
                );
            }
        };
    }
    structure!(seL4_IPCBuffer, seL4_IPCBuffer_OFFSETS);
    structure!(seL4_SlotRegion, seL4_SlotRegion_OFFSETS);
    structure!(seL4_UntypedDesc, seL4_UntypedDesc_OFFSETS);
    structure!(seL4_BootInfo, seL4_BootInfo_OFFSETS);
    structure!(seL4_BootInfoHeader, seL4_BootInfoHeader_OFFSETS);
    structure!(seL4_UserContext, seL4_UserContext_OFFSETS);
    check("structures", &code);
}

/// C functions that call `mismatch`, which must not be called, when a getter does not find what the Rust setter put in.
fn samples(twist: impl Fn(u64) -> u64) -> String {
    let mut code = String::from(
        "extern void mismatch(void) __attribute__((error(\"a field lies elsewhere\")));\n",
    );
    for (index, (c_type, getter, bits, sample)) in sys::SAMPLES.iter().enumerate() {
        let value = 0xa5c3_96e1_5a3c_691d & (u64::MAX >> (64 - bits));
        let words = sample(value);
        let _ = writeln!(
            code,
            "void sample_{index}(void) {{\n    {c_type} block = {{ {{ 0 }} }};"
        );
        for (word, content) in words
            .iter()
            .enumerate()
            .filter(|(_, content)| **content != 0)
        {
            let _ = writeln!(code, "    block.words[{word}] = {content:#x}ul;");
        }
        let _ = writeln!(
            code,
            "    if ({getter}(block) != {:#x}ul) mismatch();\n}}",
            twist(value)
        );
    }
    code
}

#[test]
fn bit_fields_lie_where_the_headers_say() {
    assert!(sys::SAMPLES.len() > 30, "there are fields to look at");
    check("fields", &samples(|value| value));
}

#[test]
fn the_checks_can_fail() {
    assert!(compile("wrong-field", &samples(|value| value ^ 1)).is_err());
    assert!(
        compile(
            "wrong-constant",
            "_Static_assert(seL4_MsgMaxLength == 121, \"\");"
        )
        .is_err()
    );
    assert!(compile("wrong-name", "_Static_assert(seL4_NoSuchThing == 0, \"\");").is_err());
}

/// Stubs pack what libsel4's stubs pack: a recorder in place of the kernel, and values from `sel4_client.h` read by hand.
#[test]
fn stubs_pack_parameters() {
    struct Recorder {
        caps: Vec<(usize, u64)>,
        registers: Vec<(usize, u64)>,
        call: (u64, u64, [u64; 4]),
    }
    impl sys::Invoke for Recorder {
        fn set_cap(&mut self, index: usize, cptr: u64) {
            self.caps.push((index, cptr));
        }
        fn set_message_register(&mut self, index: usize, value: u64) {
            self.registers.push((index, value));
        }
        fn message_register(&self, index: usize) -> u64 {
            100 + index as u64
        }
        fn call(
            &mut self,
            service: u64,
            info: sys::seL4_MessageInfo,
            words: [u64; 4],
        ) -> Result<[u64; 4], u64> {
            self.call = (service, info.0[0], words);
            Ok([100, 101, 102, 103])
        }
    }
    let mut recorder = Recorder {
        caps: Vec::new(),
        registers: Vec::new(),
        call: (0, 0, [0; 4]),
    };
    let done = sys::seL4_CNode_Mint(
        &mut recorder,
        1,
        2,
        3,
        4,
        5,
        6,
        sys::seL4_CapRights::new(1, 0, 1),
        7,
    );
    assert_eq!(done, Ok(()));
    let info = sys::seL4_MessageInfo::new(sys::invocation_label::CNodeMint, 0, 1, 6).0[0];
    assert_eq!(recorder.call, (1, info, [2, 3, 5, 6]));
    assert_eq!(
        (recorder.caps.as_slice(), recorder.registers.as_slice()),
        ([(0, 4)].as_slice(), [(4, 0b101), (5, 7)].as_slice())
    );

    let registers = sys::seL4_TCB_ReadRegisters(&mut recorder, 9, true, 0, 5);
    assert_eq!(recorder.call.2, [1, 5, 0, 0]);
    // Every register comes from the word of its place: the first four from the answer, the others from the buffer.
    let registers = registers.expect("the recorder answers with success");
    for (index, (member, offset)) in sys::seL4_UserContext_OFFSETS.iter().enumerate() {
        // SAFETY: the structure consists of words at these offsets.
        let word = unsafe {
            (&raw const registers)
                .byte_add(*offset)
                .cast::<u64>()
                .read()
        };
        assert_eq!(word, 100 + index as u64, "{member}");
    }
}
