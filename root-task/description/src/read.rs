//! Reading one TOML table, key by key: each with its type and limits, and what nobody asked for is a mistake.

use isthmus_abi::Name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::{At, Collector, Span, suggestion};
use crate::{size, time};

/// A table that is being read.
pub(crate) struct Reader<'t, 'm, 'c> {
    table: &'t DeTable<'t>,
    /// Where the table stands, for what is missing in it.
    pub(crate) span: Span,
    known: Vec<&'static str>,
    mistakes: &'m mut Collector<'c>,
}

impl<'t, 'm, 'c> Reader<'t, 'm, 'c> {
    pub(crate) fn new(table: &'t DeTable<'t>, span: Span, mistakes: &'m mut Collector<'c>) -> Self {
        Self {
            table,
            span,
            known: Vec::new(),
            mistakes,
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.table.get(key)
    }

    fn required(&mut self, key: &'static str, example: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        let value = self.get(key);
        if value.is_none() {
            let remedy = format!("add a line like `{key} = {example}`");
            self.mistakes
                .add(&self.span.clone(), format!("`{key}` is missing"), remedy);
        }
        value
    }

    /// A name that must be there. What cannot be read becomes `None`, and a mistake.
    pub(crate) fn name(&mut self, key: &'static str, example: &str) -> Option<At<Name>> {
        let value = self.required(key, example)?;
        self.as_name(value)
    }

    /// A list of names; none where the key is absent.
    pub(crate) fn names(&mut self, key: &'static str) -> Vec<At<Name>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        self.as_names(value, key)
    }

    /// A list of names that must be there.
    pub(crate) fn required_names(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<(Vec<At<Name>>, Span)> {
        let value = self.required(key, example)?;
        Some((self.as_names(value, key), value.span()))
    }

    /// A size, from `least` to `most` bytes, `default` where the key is absent.
    pub(crate) fn size(
        &mut self,
        key: &'static str,
        default: u64,
        least: u64,
        most: u64,
    ) -> At<u64> {
        let Some(value) = self.get(key) else {
            return At {
                value: default,
                span: self.span.clone(),
            };
        };
        let bytes = match value.get_ref() {
            DeValue::String(text) => size::parse(text),
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let span = value.span();
        match bytes {
            None => self.mistakes.add(
                &span,
                format!("`{key}` is not a size"),
                format!(
                    "write a number with KiB or MiB, in quotes, like \"{}\"",
                    size::show(default.max(4096))
                ),
            ),
            Some(bytes) if bytes > most => self.mistakes.add(
                &span,
                format!("`{key}` is {}, more than the limit", size::show(bytes)),
                format!("at most {}", size::show(most)),
            ),
            Some(bytes) if bytes < least => self.mistakes.add(
                &span,
                format!("`{key}` is {}, less than is useful", size::show(bytes)),
                format!("at least {}", size::show(least)),
            ),
            Some(_) => {}
        }
        At {
            value: bytes.unwrap_or(default),
            span,
        }
    }

    /// A number from `least` to `most`, `default` where the key is absent.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        default: u32,
        least: u32,
        most: u32,
    ) -> At<u32> {
        let Some(value) = self.get(key) else {
            return At {
                value: default,
                span: self.span.clone(),
            };
        };
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let fits = number
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| (least..=most).contains(n));
        if fits.is_none() {
            let what = match number {
                Some(number) => format!("`{key}` is {number}, out of range"),
                None => format!("`{key}` is not a whole number"),
            };
            self.mistakes
                .add(&value.span(), what, format!("from {least} to {most}"));
        }
        At {
            value: fits.unwrap_or(default),
            span: value.span(),
        }
    }

    /// A text; `None` where the key is absent.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => {
                let what = format!("`{key}` is not a text");
                self.mistakes.add(&value.span(), what, "write it in quotes");
                None
            }
        }
    }

    /// Whether the key is there.
    pub(crate) fn has(&mut self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// Where a key's value stands, if it is there.
    pub(crate) fn span_of(&mut self, key: &'static str) -> Option<Span> {
        self.get(key).map(Spanned::span)
    }

    /// One of several words, the first where the key is absent.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> At<T> {
        let value = self.get(key);
        let span = value.map_or_else(|| self.span.clone(), Spanned::span);
        let chosen = match value.map(Spanned::get_ref) {
            None => choices.first(),
            Some(DeValue::String(text)) => choices.iter().find(|(word, _)| text == word),
            Some(_) => None,
        };
        if chosen.is_none() {
            let words: Vec<String> = choices.iter().map(|(w, _)| format!("{w:?}")).collect();
            self.mistakes.add(
                &span,
                format!("`{key}` has no such value"),
                format!("write {}", words.join(" or ")),
            );
        }
        At {
            value: chosen.unwrap_or(&choices[0]).1,
            span,
        }
    }

    /// True or false; false where the key is absent.
    pub(crate) fn flag(&mut self, key: &'static str) -> bool {
        match self.get(key).map(|value| (value.get_ref(), value.span())) {
            None => false,
            Some((DeValue::Boolean(flag), _)) => *flag,
            Some((_, span)) => {
                self.mistakes.add(
                    &span,
                    format!("`{key}` is neither true nor false"),
                    "write `true` or `false`, without quotes",
                );
                false
            }
        }
    }

    /// A time in milliseconds, from 1, `default` where the key is absent.
    pub(crate) fn milliseconds(&mut self, key: &'static str, default: u32, most: u32) -> At<u32> {
        let Some(value) = self.get(key) else {
            return At {
                value: default,
                span: self.span.clone(),
            };
        };
        let read = match value.get_ref() {
            DeValue::String(text) => time::parse(text),
            _ => None,
        };
        let fits = read
            .and_then(|ms| u32::try_from(ms).ok())
            .filter(|ms| (1..=most).contains(ms));
        if fits.is_none() {
            let what = match read {
                Some(ms) => format!("`{key}` is {ms} ms, out of range"),
                None => format!("`{key}` is not a time"),
            };
            let remedy =
                format!("write a time with ms or s, in quotes, from \"1ms\" to \"{most}ms\"");
            self.mistakes.add(&value.span(), what, remedy);
        }
        At {
            value: fits.unwrap_or(default),
            span: value.span(),
        }
    }

    /// A name for what has none: the mistake is noted already.
    pub(crate) fn nameless(&self) -> At<Name> {
        At {
            value: Name::new("nameless").expect("a well-formed name"),
            span: self.span.clone(),
        }
    }

    /// A list; nothing where the key is absent.
    pub(crate) fn list(&mut self, key: &'static str) -> &'t [Spanned<DeValue<'t>>] {
        match self.get(key).map(|value| (value.get_ref(), value.span())) {
            None => &[],
            Some((DeValue::Array(list), _)) => list,
            Some((_, span)) => {
                self.not_a_list(key, &span);
                &[]
            }
        }
    }

    fn not_a_list(&mut self, key: &str, span: &Span) {
        let remedy = format!("write `{key} = [\"…\"]`");
        self.mistakes
            .add(span, format!("`{key}` is not a list"), remedy);
    }

    /// The raw value, for what has a form of its own.
    pub(crate) fn raw(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.get(key)
    }

    pub(crate) fn mistakes(&mut self) -> &mut Collector<'c> {
        self.mistakes
    }

    /// A value as a name. What is none becomes `None`, and a mistake.
    pub(crate) fn as_name(&mut self, value: &Spanned<DeValue<'_>>) -> Option<At<Name>> {
        let span = value.span();
        let DeValue::String(text) = value.get_ref() else {
            self.mistakes
                .add(&span, "this is not a name", "write it in quotes");
            return None;
        };
        match Name::new(text) {
            Ok(value) => Some(At { value, span }),
            Err(reason) => {
                self.mistakes
                    .add(&span, format!("{text:?} is not a name"), reason.to_string());
                None
            }
        }
    }

    fn as_names(&mut self, value: &Spanned<DeValue<'_>>, key: &str) -> Vec<At<Name>> {
        let DeValue::Array(list) = value.get_ref() else {
            self.not_a_list(key, &value.span());
            return Vec::new();
        };
        list.iter().filter_map(|item| self.as_name(item)).collect()
    }

    /// Every key that was not asked for is a mistake.
    pub(crate) fn finish(self, what: &'static str) {
        self.mistakes.note_keys(what, &self.known);
        for key in self.table.keys() {
            let text: &str = key.get_ref();
            if !self.known.contains(&text) {
                let remedy = suggestion(text, self.known.iter().copied(), "");
                self.mistakes
                    .add(&key.span(), format!("a {what} has no key `{text}`"), remedy);
            }
        }
    }
}
