//! The C constant expressions that occur in conditions, enumerators and object-like macros.

use crate::Error;

/// What names stand for.
pub trait Names {
    /// The value of an identifier.
    fn value(&self, name: &str) -> Option<i128>;
    /// Whether the preprocessor knows the identifier.
    fn is_defined(&self, name: &str) -> bool;
}

/// The value of a C integer constant expression.
///
/// # Errors
/// When it holds an unknown name, or something other than integers, names, `defined`, `LIBSEL4_BIT`, `BIT` and operators.
pub fn evaluate(text: &str, names: &dyn Names) -> Result<i128, Error> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens: &tokens,
        position: 0,
        names,
    };
    let value = parser.binary(0)?;
    if parser.position != tokens.len() {
        return Err(Error::malformed(text, "something follows the expression"));
    }
    Ok(value)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(i128),
    Name(String),
    Operator(&'static str),
}

const OPERATORS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<<", ">>", "(", ")", "!", "~", "+", "-", "*", "/", "%",
    "<", ">", "&", "|",
];

/// Binary operators from the loosest to the tightest.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            tokens.push(Token::Number(
                number(&rest[..length]).ok_or_else(|| Error::malformed(text, "bad number"))?,
            ));
            length
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else {
            let operator = OPERATORS
                .iter()
                .find(|operator| rest.starts_with(**operator))
                .ok_or_else(|| Error::malformed(text, format!("unknown character {first:?}")))?;
            tokens.push(Token::Operator(operator));
            operator.len()
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn number(text: &str) -> Option<i128> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    position: usize,
    names: &'a dyn Names,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn accept(&mut self, operator: &str) -> bool {
        let found = matches!(self.tokens.get(self.position), Some(Token::Operator(found)) if *found == operator);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, operator: &str) -> Result<(), Error> {
        if self.accept(operator) {
            Ok(())
        } else {
            Err(Error::malformed(self.text, format!("expected {operator}")))
        }
    }

    fn binary(&mut self, level: usize) -> Result<i128, Error> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.accept(operator)) {
            let right = self.binary(level + 1)?;
            left = apply(operator, left, right)
                .ok_or_else(|| Error::malformed(self.text, "out of range"))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<i128, Error> {
        if self.accept("!") {
            return Ok((self.unary()? == 0).into());
        }
        if self.accept("-") {
            return Ok(-self.unary()?);
        }
        if self.accept("~") {
            return Ok(!self.unary()?);
        }
        if self.accept("(") {
            let value = self.binary(0)?;
            self.expect(")")?;
            return Ok(value);
        }
        match self.next() {
            Some(Token::Number(value)) => Ok(value),
            Some(Token::Name(name)) if name == "defined" => self.defined(),
            Some(Token::Name(name)) if name == "LIBSEL4_BIT" || name == "BIT" => {
                self.expect("(")?;
                let bit = self.binary(0)?;
                self.expect(")")?;
                apply("<<", 1, bit).ok_or_else(|| Error::malformed(self.text, "no such bit"))
            }
            Some(Token::Name(name)) => self
                .names
                .value(&name)
                .ok_or_else(|| Error::malformed(self.text, format!("unknown name {name}"))),
            other => Err(Error::malformed(self.text, format!("unexpected {other:?}"))),
        }
    }

    fn defined(&mut self) -> Result<i128, Error> {
        let parenthesis = self.accept("(");
        let Some(Token::Name(name)) = self.next() else {
            return Err(Error::malformed(self.text, "defined wants a name"));
        };
        if parenthesis {
            self.expect(")")?;
        }
        Ok(self.names.is_defined(&name).into())
    }
}

fn apply(operator: &str, left: i128, right: i128) -> Option<i128> {
    Some(match operator {
        "||" => (left != 0 || right != 0).into(),
        "&&" => (left != 0 && right != 0).into(),
        "|" => left | right,
        "&" => left & right,
        "==" => (left == right).into(),
        "!=" => (left != right).into(),
        "<" => (left < right).into(),
        ">" => (left > right).into(),
        "<=" => (left <= right).into(),
        ">=" => (left >= right).into(),
        "<<" => left.checked_shl(u32::try_from(right).ok().filter(|bits| *bits < 64)?)?,
        ">>" => left.checked_shr(u32::try_from(right).ok()?)?,
        "+" => left.checked_add(right)?,
        "-" => left.checked_sub(right)?,
        "*" => left.checked_mul(right)?,
        "/" => left.checked_div(right)?,
        "%" => left.checked_rem(right)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Test;
    impl Names for Test {
        fn value(&self, name: &str) -> Option<i128> {
            (name == "CONFIG_MAX_NUM_NODES").then_some(2)
        }
        fn is_defined(&self, name: &str) -> bool {
            name.starts_with("CONFIG_")
        }
    }

    #[test]
    fn evaluates_what_the_headers_use() {
        for (text, value) in [
            ("CONFIG_MAX_NUM_NODES > 1", 1),
            ("defined(CONFIG_VTX) && !defined OTHER", 1),
            ("(0x20 + 16)", 48),
            ("(LIBSEL4_BIT(2)-1)", 3),
            ("CONFIG_MAX_NUM_NODES - 1", 1),
            ("1ul<<(12)", 4096),
            ("-1", -1),
            ("2 + 3 * 4", 14),
        ] {
            assert_eq!(evaluate(text, &Test).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn refuses_the_unknown() {
        for text in [
            "",
            "UNKNOWN",
            "1 2",
            "((void*)0)",
            "\"text\"",
            "sizeof(int)",
            "1 << 99",
            "4 / 0",
            "(",
        ] {
            assert!(evaluate(text, &Test).is_err(), "{text}");
        }
    }
}
