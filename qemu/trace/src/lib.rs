//! Reads QEMU's log of executed code (`-d exec,in_asm,nochain`): which blocks of instructions ran, and how often.
//!
//! QEMU lists a block's instructions when it translates it, and names the translation each time that it runs; so a log counts every instruction
//! that a machine has executed, the kernel's included, without a change to any program. It never runs a machine (`isthmus-testkit`), and does
//! not know whose code a block is: two programs may have blocks at one address, which [`Block::code`] tells apart.
//!
//! Read next: [`Trace`]; who uses it: the figures `beyond_echo_*` in `tools/isthmus/src/bench`.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, BufRead};

/// Instructions that run from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// The virtual address of the first.
    pub start: u64,
    /// The virtual address of each.
    pub instructions: Vec<u64>,
    /// Their bytes, as they lie in memory.
    pub code: Vec<u8>,
}

/// What a machine has executed since logging began. QEMU lists a block once, so logs of one run of QEMU are read in their order, by one value.
#[derive(Debug, Default)]
pub struct Trace {
    blocks: Vec<Block>,
    runs: Vec<u64>,
    /// Which block a translation is of, by the address at which QEMU has it.
    translations: HashMap<u64, usize>,
    /// The block that was listed last: its translation runs next.
    listed: Option<Block>,
    /// Translations that ran although their listing was in no log.
    unknown: u64,
}

/// A line of a log, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// Here begins a block's listing.
    Listing,
    /// An instruction, or the rest of a long one.
    Code {
        address: u64,
        bytes: Vec<u8>,
        begins: bool,
    },
    /// A translation ran that begins at this virtual address.
    Ran { translation: u64, address: u64 },
    /// It was named, and then did not run: an interrupt came.
    Stopped { translation: u64 },
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).ok()
}

/// Bytes of code: two digits for each byte, or a 32-bit word in eight.
fn bytes(word: &str) -> Option<Vec<u8>> {
    let lower = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if !word.chars().all(lower) {
        return None;
    }
    match word.len() {
        2 => Some(vec![u8::from_str_radix(word, 16).ok()?]),
        8 => Some(u32::from_str_radix(word, 16).ok()?.to_le_bytes().to_vec()),
        _ => None,
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        if line.starts_with("IN:") {
            return Some(Self::Listing);
        }
        if let Some(rest) = line.strip_prefix("Trace ") {
            // "CPU: TRANSLATION [BASE/ADDRESS/FLAGS/FLAGS] SYMBOL"
            let (_, rest) = rest.split_once(": ")?;
            let (translation, rest) = rest.split_once(" [")?;
            let address = rest.split('/').nth(1)?;
            return Some(Self::Ran {
                translation: hexadecimal(translation)?,
                address: hexadecimal(address)?,
            });
        }
        if let Some(rest) = line.strip_prefix("Stopped execution of TB chain before ") {
            let translation = rest.split_whitespace().next()?;
            return Some(Self::Stopped {
                translation: hexadecimal(translation)?,
            });
        }
        let (address, rest) = line.split_once(':')?;
        let address = hexadecimal(address.strip_prefix("0x")?)?;
        let mut words = rest.split_whitespace().peekable();
        let mut code = Vec::new();
        while let Some(more) = words.peek().and_then(|word| bytes(word)) {
            code.extend(more);
            words.next();
        }
        Some(Self::Code {
            address,
            bytes: code,
            begins: words.next().is_some(),
        })
    }
}

impl Trace {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a log to its end.
    ///
    /// # Errors
    /// If it cannot be read. Lines of other kinds are passed over.
    pub fn read(&mut self, mut log: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line)? > 0 {
            if let Some(parsed) = Line::parse(String::from_utf8_lossy(&line).trim_end()) {
                self.take(parsed);
            }
            line.clear();
        }
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Listing => {
                self.listed = Some(Block {
                    start: 0,
                    instructions: Vec::new(),
                    code: Vec::new(),
                });
            }
            Line::Code {
                address,
                bytes,
                begins,
            } => {
                if let Some(block) = &mut self.listed {
                    if block.code.is_empty() {
                        block.start = address;
                    }
                    block.code.extend(bytes);
                    if begins {
                        block.instructions.push(address);
                    }
                }
            }
            Line::Ran {
                translation,
                address,
            } => self.ran(translation, address),
            Line::Stopped { translation } => {
                if let Some(block) = self.translations.get(&translation) {
                    self.runs[*block] = self.runs[*block].saturating_sub(1);
                }
            }
        }
    }

    fn ran(&mut self, translation: u64, address: u64) {
        if let Some(block) = self.listed.take_if(|block| block.start == address) {
            self.translations.insert(translation, self.blocks.len());
            self.blocks.push(block);
            self.runs.push(0);
        }
        match self.translations.get(&translation) {
            Some(block) if self.blocks[*block].start == address => self.runs[*block] += 1,
            _ => self.unknown += 1,
        }
    }

    /// What has run since this was last asked, and how often each.
    pub fn take_runs(&mut self) -> Vec<(Block, u64)> {
        let runs = self.runs.iter_mut().map(std::mem::take);
        let all = self.blocks.iter().cloned().zip(runs);
        all.filter(|(_, runs)| *runs > 0).collect()
    }

    /// How often something ran that no log has listed: 0, unless logging had begun before the first log that was read.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As QEMU 7.2 writes it.
    const PC: &str = "\
----------------
IN: 
0xffffffff8072382b:  6a 00                    pushq    $0
0xffffffff8072382d:  48 f7 44 24 10 03 00 00  testq    $3, 0x10(%rsp)
0xffffffff80723835:  00
0xffffffff80723836:  74 1c                    je       0xffffffff80723854

Trace 0: 0x7f85583f7e80 [0000000000000000/ffffffff8072382b/0040ca90/ff000200] 
----------------
IN: 
0x00200010:  f4                       hlt

Trace 0: 0x7f85583f8080 [0000000000000000/0000000000200010/0040ca90/ff000200] 
Trace 0: 0x7f85583f7e80 [0000000000000000/ffffffff8072382b/0040ca90/ff000200] 
Trace 0: 0x7f85583f7e80 [0000000000000000/ffffffff8072382b/0040ca90/ff000200] 
Stopped execution of TB chain before 0x7f85583f7e80 [ffffffff8072382b] 
";

    const ARM: &str = "\
----------------
IN: handle_syscall
0xffffff8040010000:  580000c0  ldr      x0, #0xffffff8040010018
0xffffff8040010004:  aa1f03e1  mov      x1, xzr
0xffffff8040010008:  d65f03c0  ret

Trace 0: 0xffff7c0000c0 [0000000000000004/ffffff8040010000/00000000/ff000200] handle_syscall
";

    fn read(log: &str) -> Trace {
        let mut trace = Trace::new();
        trace.read(log.as_bytes()).expect("a log in memory");
        trace
    }

    #[test]
    fn blocks_are_counted_as_they_ran() {
        let mut trace = read(PC);
        let ran = trace.take_runs();
        let [(push, twice), (hlt, once)] = &ran[..] else {
            panic!("{ran:?}")
        };
        assert_eq!(
            (push.start, push.instructions.len(), *twice),
            (0xffff_ffff_8072_382b, 3, 2)
        );
        assert_eq!(
            push.code,
            [
                0x6a, 0, 0x48, 0xf7, 0x44, 0x24, 0x10, 3, 0, 0, 0, 0x74, 0x1c
            ]
        );
        assert_eq!(
            (hlt.start, hlt.instructions.len(), *once),
            (0x20_0010, 1, 1)
        );
        assert_eq!((trace.take_runs(), trace.unknown()), (Vec::new(), 0));
    }

    #[test]
    fn words_of_code_are_little_endian() {
        let ran = read(ARM).take_runs();
        let [(block, 1)] = &ran[..] else {
            panic!("{ran:?}")
        };
        assert_eq!(block.instructions.len(), 3);
        assert_eq!(&block.code[..4], [0xc0, 0, 0, 0x58]);
    }

    #[test]
    fn a_second_log_needs_no_listing_again() {
        let mut trace = read(PC);
        trace.take_runs();
        let again = PC
            .lines()
            .find(|line| line.starts_with("Trace"))
            .expect("one");
        trace.read(again.as_bytes()).expect("a log in memory");
        assert_eq!(trace.take_runs().len(), 1);
        assert_eq!(trace.unknown(), 0);
    }

    #[test]
    fn what_was_never_listed_is_counted_as_such() {
        let again = PC
            .lines()
            .find(|line| line.starts_with("Trace"))
            .expect("one");
        assert_eq!(read(again).unknown(), 1);
        for line in [
            "",
            "Trace",
            "Trace 0: 0x [",
            "0x:",
            "IN:",
            "Stopped execution of TB chain before ",
        ] {
            assert_eq!(read(line).take_runs(), [], "{line}");
        }
    }
}
