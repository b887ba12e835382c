//! `arguments`: a component's own, as a text like the machine's or as a table.

use isthmus_abi::limits;
use toml::Spanned;
use toml::de::DeValue;

use crate::read::Reader;

/// An argument line.
pub(crate) type Arguments = heapless::String<{ limits::ARGUMENT_BYTES }, u16>;

const REMEDY: &str =
    "write pairs, like \"rounds=10 mode=fast\" or { rounds = 10, mode = \"fast\" }";

/// Reads the key.
pub(crate) fn read(r: &mut Reader<'_, '_, '_>) -> Arguments {
    let Some(value) = r.raw("arguments") else {
        return Arguments::new();
    };
    let pairs: Result<Vec<String>, String> = match value.get_ref() {
        DeValue::String(text) => text.split_whitespace().map(text_pair).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| table_pair(key.get_ref(), value))
            .collect(),
        _ => Err("`arguments` is neither a text nor a table".into()),
    };
    match pairs.map(|pairs| pairs.join(" ")) {
        Ok(line) => Arguments::try_from(line.as_str()).unwrap_or_else(|_| {
            let (bytes, most) = (line.len(), limits::ARGUMENT_BYTES);
            r.mistakes().add(
                &value.span(),
                format!("`arguments` has {bytes} bytes, more than the limit"),
                format!("at most {most}: put more into the program, or into an object"),
            );
            Arguments::new()
        }),
        Err(what) => {
            r.mistakes().add(&value.span(), what, REMEDY);
            Arguments::new()
        }
    }
}

fn text_pair(pair: &str) -> Result<String, String> {
    match pair.split_once('=') {
        Some((key, value)) => checked(key, value),
        None => Err(format!("the argument {pair:?} is no pair")),
    }
}

fn table_pair(key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref() {
        DeValue::String(text) => checked(key, text),
        DeValue::Boolean(flag) => checked(key, &flag.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| format!("the argument `{key}` is out of range"))
            .and_then(|number| checked(key, &number.to_string())),
        _ => Err(format!(
            "the argument `{key}` is neither a text nor a whole number nor true or false"
        )),
    }
}

/// A pair that is found again: printable, without blanks, the key without `=`.
fn checked(key: &str, value: &str) -> Result<String, String> {
    let whole = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
    if key.is_empty() || key.contains('=') || !whole(key) {
        return Err(format!("{key:?} is no argument's key"));
    }
    if !whole(value) {
        return Err(format!(
            "the argument `{key}` holds a blank or something else than ASCII"
        ));
    }
    Ok(format!("{key}={value}"))
}
