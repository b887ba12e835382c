//! The kernel's bit-field language (`.bf`): blocks of packed fields, and tagged unions of blocks.

use std::fmt::Write as _;

use crate::Error;

const WORD_BITS: u32 = 64;

/// A packed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub name: String,
    /// Its fields, most significant first.
    pub fields: Vec<Field>,
    /// Its size in bits.
    pub bits: u32,
}

/// One field of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// How many bits of the block stand above it.
    pub above: u32,
    /// Its size in bits.
    pub bits: u32,
}

/// Where a field lies in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of its word; word 0 holds the lowest bits.
    pub index: u32,
    /// Its lowest bit in that word.
    pub shift: u32,
    /// Its mask before the shift.
    pub mask: u64,
}

impl Block {
    /// Where a field of this block lies.
    ///
    /// # Errors
    /// When the block is not a whole number of words, or the field crosses a word.
    pub fn place(&self, field: &Field) -> Result<Place, Error> {
        let malformed =
            |reason: &str| Error::malformed(format!("{}.{}", self.name, field.name), reason);
        if !self.bits.is_multiple_of(WORD_BITS) {
            return Err(malformed("the block is not a whole number of words"));
        }
        if field.bits == 0 || field.bits > WORD_BITS {
            return Err(malformed("no size that fits a word"));
        }
        let lowest = self.bits - field.above - field.bits;
        let (index, shift) = (lowest / WORD_BITS, lowest % WORD_BITS);
        if shift + field.bits > WORD_BITS {
            return Err(malformed("the field crosses a word"));
        }
        Ok(Place {
            index,
            shift,
            mask: u64::MAX >> (WORD_BITS - field.bits),
        })
    }
}

/// Blocks that share a tag field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// Its name.
    pub name: String,
    /// The name of the tag field.
    pub tag: String,
    /// Block name and tag value.
    pub members: Vec<(String, u64)>,
}

/// Everything that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    /// The blocks in order.
    pub blocks: Vec<Block>,
    /// The unions in order.
    pub unions: Vec<Union>,
}

impl Definitions {
    /// Adds the definitions of one file.
    ///
    /// # Errors
    /// When the file has another syntax, or a field crosses a word.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), Error> {
        let code: Vec<&str> = text
            .lines()
            .map(|line| line.split("--").next().unwrap_or(""))
            .collect();
        let code = code.join("\n").replace(['{', '}'], " ");
        // Braces carry no information beyond the keywords: a definition ends where the next begins.
        let mut words = code.split_whitespace();
        while let Some(keyword) = words.next() {
            let mut next = |what: &str| {
                words
                    .next()
                    .ok_or_else(|| Error::malformed(file, format!("{keyword} without {what}")))
            };
            match keyword {
                "base" => {
                    if next("word size")? != "64" {
                        return Err(Error::malformed(file, "only 64-bit words are known"));
                    }
                }
                "block" => {
                    let name = next("name")?.to_owned();
                    self.blocks.push(Block {
                        name,
                        fields: Vec::new(),
                        bits: 0,
                    });
                }
                "padding" => {
                    let bits = number(file, next("size")?)?;
                    self.block(file)?.bits += bits;
                }
                "field" => {
                    let (name, bits) = (next("name")?.to_owned(), number(file, next("size")?)?);
                    let block = self.block(file)?;
                    block.fields.push(Field {
                        name,
                        above: block.bits,
                        bits,
                    });
                    block.bits += bits;
                }
                "tagged_union" => {
                    let (name, tag) = (next("name")?.to_owned(), next("tag field")?.to_owned());
                    self.unions.push(Union {
                        name,
                        tag,
                        members: Vec::new(),
                    });
                }
                "tag" => {
                    let member = (
                        next("block")?.to_owned(),
                        number(file, next("value")?)?.into(),
                    );
                    let found = self
                        .unions
                        .last_mut()
                        .ok_or_else(|| Error::malformed(file, "tag outside a union"))?;
                    found.members.push(member);
                }
                other => return Err(Error::malformed(file, format!("unknown keyword {other}"))),
            }
        }
        for block in &self.blocks {
            for field in &block.fields {
                block.place(field)?;
            }
        }
        Ok(())
    }

    fn block(&mut self, file: &str) -> Result<&mut Block, Error> {
        self.blocks
            .last_mut()
            .ok_or_else(|| Error::malformed(file, "field outside a block"))
    }

    /// Rust source: for each block a tuple structure of words with constructor and accessors.
    ///
    /// # Errors
    /// When a union names a block that does not exist.
    pub fn emit(&self) -> Result<String, Error> {
        let mut out = String::new();
        let mut in_union: Vec<&str> = Vec::new();
        let mut samples = String::new();
        for union in &self.unions {
            for (name, tag) in &union.members {
                let block = self
                    .blocks
                    .iter()
                    .find(|block| block.name == *name)
                    .ok_or_else(|| Error::malformed(&union.name, format!("no block {name}")))?;
                in_union.push(name);
                let full = format!("{}_{name}", union.name);
                let _ = writeln!(out, "pub const {full}_tag: u64 = {tag};");
                emit_block(&mut out, block, &full, Some((&union.tag, *tag)))?;
                emit_samples(&mut samples, block, &full, Some((union, *tag)));
            }
        }
        for block in self
            .blocks
            .iter()
            .filter(|block| !in_union.contains(&block.name.as_str()))
        {
            emit_block(&mut out, block, &block.name, None)?;
            emit_samples(&mut samples, block, &block.name, None);
        }
        let _ = writeln!(
            out,
            "/// For the test of layouts: a field's C type, its C getter, its bits, and a block with the field set.\n\
             #[doc(hidden)]\npub const SAMPLES: &[(&str, &str, u32, fn(u64) -> [u64; SAMPLE_WORDS])] = &[\n{samples}];\n\n\
             #[doc(hidden)]\npub const SAMPLE_WORDS: usize = {};\n\n\
             fn sample(words: &[u64]) -> [u64; SAMPLE_WORDS] {{\n    core::array::from_fn(|index| words.get(index).copied().unwrap_or(0))\n}}\n",
            self.blocks
                .iter()
                .map(|block| block.bits / WORD_BITS)
                .max()
                .unwrap_or(0)
        );
        Ok(out)
    }
}

fn emit_block(
    out: &mut String,
    block: &Block,
    name: &str,
    tag: Option<(&str, u64)>,
) -> Result<(), Error> {
    let words = block.bits / WORD_BITS;
    let parameters: Vec<&Field> = block
        .fields
        .iter()
        .filter(|field| tag.is_none_or(|(tag, _)| field.name != tag))
        .collect();
    let _ = writeln!(
        out,
        "#[derive(Clone, Copy, PartialEq, Eq, Debug)]\n#[repr(transparent)]\npub struct {name}(pub [u64; {words}]);"
    );
    let _ = writeln!(out, "impl {name} {{");
    let list: Vec<String> = parameters
        .iter()
        .map(|field| format!("{}: u64", field.name))
        .collect();
    let _ = writeln!(
        out,
        "    #[inline(always)]\n    pub const fn new({}) -> Self {{",
        list.join(", ")
    );
    let _ = writeln!(out, "        let mut words = [0; {words}];");
    for field in &block.fields {
        let place = block.place(field)?;
        let value = match tag {
            Some((tag, value)) if tag == field.name => value.to_string(),
            _ => format!("({} & {:#x})", field.name, place.mask),
        };
        let _ = writeln!(
            out,
            "        words[{}] |= {value} << {};",
            place.index, place.shift
        );
    }
    let _ = writeln!(out, "        Self(words)\n    }}");
    for field in &block.fields {
        let Place { index, shift, mask } = block.place(field)?;
        let field_name = &field.name;
        let _ = writeln!(
            out,
            "    #[inline(always)]\n    pub const fn get_{field_name}(&self) -> u64 {{\n        (self.0[{index}] >> {shift}) & {mask:#x}\n    }}"
        );
        let _ = writeln!(
            out,
            "    #[inline(always)]\n    pub const fn set_{field_name}(&mut self, value: u64) {{\n        self.0[{index}] = (self.0[{index}] & !({mask:#x} << {shift})) | ((value & {mask:#x}) << {shift});\n    }}"
        );
        let _ = writeln!(
            out,
            "    pub const {field_name}_BITS: u32 = {};",
            field.bits
        );
    }
    let _ = writeln!(out, "}}\n");
    Ok(())
}

fn emit_samples(out: &mut String, block: &Block, name: &str, union: Option<(&Union, u64)>) {
    let c_type = union.map_or(name, |(union, _)| &union.name);
    for field in &block.fields {
        let set_tag = match union {
            Some((union, _)) if union.tag == field.name => continue,
            Some((union, tag)) => format!("block.set_{}({tag}); ", union.tag),
            None => String::new(),
        };
        let (words, field_name, bits) = (block.bits / WORD_BITS, &field.name, field.bits);
        let _ = writeln!(
            out,
            "    (\"{c_type}_t\", \"{name}_get_{field_name}\", {bits}, |value| {{ let mut block = {name}([0; {words}]); \
             {set_tag}block.set_{field_name}(value); sample(&block.0) }}),"
        );
    }
}

fn number(file: &str, text: &str) -> Result<u32, Error> {
    text.parse()
        .map_err(|_| Error::malformed(file, format!("{text} is not a number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_fields_from_the_top() {
        let mut definitions = Definitions::default();
        definitions
            .read("a.bf", "base 64\n-- note\nblock seL4_MessageInfo {\n padding 32\n field label 20\n field capsUnwrapped 3\n field extraCaps 2\n field length 7\n}")
            .unwrap();
        let block = &definitions.blocks[0];
        let places: Vec<_> = block
            .fields
            .iter()
            .map(|field| (field.name.as_str(), block.place(field).unwrap()))
            .collect();
        let place = |shift, mask| Place {
            index: 0,
            shift,
            mask,
        };
        assert_eq!(
            places,
            [
                ("label", place(12, 0xf_ffff)),
                ("capsUnwrapped", place(9, 7)),
                ("extraCaps", place(7, 3)),
                ("length", place(0, 0x7f))
            ]
        );
    }

    #[test]
    fn places_words_and_reads_unions_over_files() {
        let mut definitions = Definitions::default();
        definitions
            .read(
                "a.bf",
                "base 64\nblock VMFault { padding 64\n field IP 64\n padding 61\n field t 3\n}",
            )
            .unwrap();
        definitions
            .read("b.bf", "tagged_union seL4_Fault t { tag VMFault 5 }")
            .unwrap();
        let block = &definitions.blocks[0];
        assert_eq!(
            block.place(&block.fields[0]).unwrap(),
            Place {
                index: 1,
                shift: 0,
                mask: u64::MAX
            }
        );
        assert_eq!(
            block.place(&block.fields[1]).unwrap(),
            Place {
                index: 0,
                shift: 0,
                mask: 7
            }
        );
        let source = definitions.emit().unwrap();
        assert!(source.contains("pub const seL4_Fault_VMFault_tag: u64 = 5;"));
        assert!(source.contains("pub struct seL4_Fault_VMFault(pub [u64; 3]);"));
        assert!(source.contains("pub const fn new(IP: u64) -> Self"));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "base 32",
            "block a { field x 65 padding 63 }",
            "block a { field x 32 }",
            "block a { padding 32 field x 64 padding 32 }",
            "field x 1",
            "tag a 0",
            "block",
            "block a { field x }",
            "frobnicate",
        ] {
            assert!(Definitions::default().read("a.bf", text).is_err(), "{text}");
        }
        let mut definitions = Definitions::default();
        definitions
            .read("a.bf", "tagged_union u t { tag absent 0 }")
            .unwrap();
        assert!(definitions.emit().is_err());
    }
}
