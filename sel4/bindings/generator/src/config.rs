//! The kernel's configuration: every setting by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Error;

/// The value of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Defined or not.
    Bool(bool),
    /// A number.
    Integer(i128),
    /// Anything else.
    Text(String),
}

/// All settings, by their name without `CONFIG_`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    values: BTreeMap<String, Value>,
}

impl Config {
    /// Reads `config.json`: an object of booleans, integers and strings.
    ///
    /// # Errors
    /// When it is not such an object.
    pub fn parse(json: &str) -> Result<Self, Error> {
        let malformed = |reason: String| Error::malformed("config.json", reason);
        let parsed: serde_json::Value =
            serde_json::from_str(json).map_err(|error| malformed(error.to_string()))?;
        let object = parsed
            .as_object()
            .ok_or_else(|| malformed("not an object".into()))?;
        let mut values = BTreeMap::new();
        for (name, value) in object {
            let value = match value {
                serde_json::Value::Bool(value) => Value::Bool(*value),
                serde_json::Value::Number(number) => {
                    let number = number
                        .as_i64()
                        .ok_or_else(|| malformed(format!("{name} is not an integer")))?;
                    Value::Integer(number.into())
                }
                serde_json::Value::String(text) => Value::Text(text.clone()),
                _ => {
                    return Err(malformed(format!(
                        "{name} is neither boolean, integer nor string"
                    )));
                }
            };
            values.insert(
                name.strip_prefix("CONFIG_").unwrap_or(name).to_owned(),
                value,
            );
        }
        Ok(Config { values })
    }

    /// A setting by its name without `CONFIG_`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// What `defined(CONFIG_…)` says. Names without `CONFIG_` are never defined: the headers' include guards.
    #[must_use]
    pub fn is_defined(&self, macro_name: &str) -> bool {
        macro_name
            .strip_prefix("CONFIG_")
            .is_some_and(|name| !matches!(self.get(name), None | Some(Value::Bool(false))))
    }

    /// What the C preprocessor would put for `CONFIG_…`.
    #[must_use]
    pub fn number(&self, macro_name: &str) -> Option<i128> {
        match self.get(macro_name.strip_prefix("CONFIG_")?)? {
            Value::Integer(number) => Some(*number),
            Value::Bool(value) => Some((*value).into()),
            Value::Text(_) => None,
        }
    }
}

/// The `sel4_cfg_…` macros: one arm for each setting, so that a misspelt setting does not compile.
#[must_use]
pub fn emit(config: &Config) -> String {
    let mut bools = String::new();
    let mut numbers = String::new();
    let mut texts = String::new();
    let mut selects = String::new();
    let mut table = String::new();
    for (name, value) in &config.values {
        let is_set = match value {
            Value::Bool(value) => {
                let _ = writeln!(bools, "    ({name}) => {{ {value} }};");
                *value
            }
            Value::Integer(number) => {
                let _ = writeln!(numbers, "    ({name}) => {{ {number} }};");
                *number != 0
            }
            Value::Text(text) => {
                let _ = writeln!(texts, "    ({name}) => {{ {text:?} }};");
                !text.is_empty()
            }
        };
        let chosen = if is_set {
            "$($then)*"
        } else {
            "$($otherwise)*"
        };
        let _ = writeln!(
            selects,
            "    ({name} {{ $($then:tt)* }} {{ $($otherwise:tt)* }}) => {{ {chosen} }};"
        );
        let shown = match value {
            Value::Bool(value) => value.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text.clone(),
        };
        let _ = writeln!(table, "    ({name:?}, {shown:?}),");
    }
    format!(
        "/// The value of a boolean setting of the kernel's configuration, by its name without `CONFIG_`.\n\
         #[macro_export]\nmacro_rules! sel4_cfg_bool {{\n{bools}}}\n\n\
         /// The value of a numeric setting of the kernel's configuration, as a literal.\n\
         #[macro_export]\nmacro_rules! sel4_cfg_usize {{\n{numbers}}}\n\n\
         /// The value of a textual setting of the kernel's configuration.\n\
         #[macro_export]\nmacro_rules! sel4_cfg_str {{\n    (@none) => {{ \"\" }};\n{texts}}}\n\n\
         #[doc(hidden)]\n#[macro_export]\nmacro_rules! sel4_cfg_select {{\n{selects}}}\n\n\
         /// Every setting and its value, in the order of the names.\n\
         pub const CONFIGURATION: &[(&str, &str)] = &[\n{table}];\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_kinds_and_knows_what_is_defined() {
        let config = Config::parse(
            r#"{"CONFIG_DEBUG_BUILD": true, "SMP": false, "NUM_PRIORITIES": 256, "PLAT": "pc99"}"#,
        )
        .unwrap();
        assert!(config.is_defined("CONFIG_DEBUG_BUILD"));
        assert!(!config.is_defined("CONFIG_SMP"));
        assert!(!config.is_defined("CONFIG_ABSENT"));
        assert!(!config.is_defined("__LIBSEL4_TYPES_H"));
        assert_eq!(config.number("CONFIG_NUM_PRIORITIES"), Some(256));
        assert_eq!(config.number("CONFIG_PLAT"), None);
    }

    #[test]
    fn refuses_what_is_not_a_flat_object() {
        assert!(Config::parse("[]").is_err());
        assert!(Config::parse(r#"{"A": [1]}"#).is_err());
        assert!(Config::parse(r#"{"A": 1.5}"#).is_err());
        assert!(Config::parse("{").is_err());
    }
}
