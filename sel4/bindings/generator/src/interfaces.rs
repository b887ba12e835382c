//! The kernel objects' methods out of the interface XML.

use crate::Error;
use crate::config::Config;
use crate::expression::evaluate;

/// Methods in the order in which the kernel numbers them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// The methods that this configuration has.
    pub methods: Vec<Method>,
}

/// One invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The interface, such as `seL4_TCB`.
    pub interface: String,
    /// The method's name in it, such as `Configure`.
    pub name: String,
    /// The label's name, such as `TCBConfigure`.
    pub label: String,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its C type.
    pub kind: String,
    /// Whether it travels to the kernel or back.
    pub direction: Direction,
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the kernel.
    In,
    /// Back.
    Out,
}

impl Interfaces {
    /// Adds one file. The order of files is the order of the labels: general, seL4 architecture, architecture.
    ///
    /// # Errors
    /// When the file is no such XML or a condition cannot be evaluated.
    pub fn read(&mut self, file: &str, text: &str, config: &Config) -> Result<(), Error> {
        let options = roxmltree::ParsingOptions {
            allow_dtd: true,
            ..Default::default()
        };
        let document = roxmltree::Document::parse_with_options(text, options)
            .map_err(|error| Error::malformed(file, error.to_string()))?;
        for node in document
            .descendants()
            .filter(|node| node.has_tag_name("method"))
        {
            let attribute = |node: roxmltree::Node, name: &str| {
                let value = node.attribute(name).filter(|value| !value.is_empty());
                value.map(str::to_owned).ok_or_else(|| {
                    Error::malformed(file, format!("<{}> without {name}", node.tag_name().name()))
                })
            };
            if let Some(condition) = node.attribute("condition")
                && evaluate(condition, config)? == 0
            {
                continue;
            }
            let interface = node
                .parent_element()
                .ok_or_else(|| Error::malformed(file, "a method outside an interface"))?;
            let mut parameters = Vec::new();
            for parameter in node.children().filter(|node| node.has_tag_name("param")) {
                let direction = match attribute(parameter, "dir")?.as_str() {
                    "in" => Direction::In,
                    "out" => Direction::Out,
                    other => {
                        return Err(Error::malformed(file, format!("unknown direction {other}")));
                    }
                };
                parameters.push(Parameter {
                    name: attribute(parameter, "name")?,
                    kind: attribute(parameter, "type")?,
                    direction,
                });
            }
            self.methods.push(Method {
                interface: attribute(interface, "name")?,
                name: attribute(node, "name")?,
                label: attribute(node, "id")?,
                parameters,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_drops_what_is_off() {
        let config = Config::parse(r#"{"MAX_NUM_NODES": 1}"#).unwrap();
        let mut interfaces = Interfaces::default();
        interfaces
            .read(
                "a.xml",
                r#"<api><interface name="seL4_TCB"><method id="TCBResume" name="Resume"/>
                <method id="TCBSetAffinity" name="SetAffinity" condition="CONFIG_MAX_NUM_NODES &gt; 1"/>
                <method id="TCBRead" name="Read"><param dir="in" name="n" type="seL4_Word"/><param dir="out" name="v" type="seL4_Word"/>
                </method></interface></api>"#,
                &config,
            )
            .unwrap();
        let labels: Vec<_> = interfaces
            .methods
            .iter()
            .map(|method| method.label.as_str())
            .collect();
        assert_eq!(labels, ["TCBResume", "TCBRead"]);
        assert_eq!(
            interfaces.methods[1].parameters[1].direction,
            Direction::Out
        );
    }

    #[test]
    fn refuses_incomplete_methods() {
        let config = Config::default();
        for text in [
            "<api",
            r#"<api><interface name="x"><method name="y"/></interface></api>"#,
        ] {
            assert!(Interfaces::default().read("a.xml", text, &config).is_err());
        }
    }
}
