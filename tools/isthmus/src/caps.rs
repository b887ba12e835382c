//! `./isthmus caps NODE`: who holds which capability, and which line of the description gave it.

use anyhow::Result;
use isthmus_description::{Capability, Here};

use crate::Ending;
use crate::options;
use crate::system::Source;
use crate::ui::Ui;

/// `./isthmus caps`.
pub fn caps(ui: &Ui, options: &options::Caps) -> Result<Ending> {
    let source = Source::read(options.system.as_deref())?;
    let Some(description) = source.describe() else {
        return Ok(Ending::Wanting);
    };
    if options.node > options.nodes {
        anyhow::bail!(
            "there is no machine {} of {}: say how many there are by --nodes",
            options.node,
            options.nodes
        );
    }
    let here = Here {
        node: options.node,
        nodes: options.nodes,
    };
    let planned = description.capabilities(here);
    print!("{}", table(&planned, &source.name));
    ui.say(&format!("{} capabilities are planned.", planned.len()));
    Ok(Ending::Well)
}

/// A line for each capability.
fn table(all: &[Capability], file: &str) -> String {
    let mut text = format!(
        "{:<24} {:>5}  {:<17} {:<6} {:<18} {:<44} by\n",
        "component", "slot", "object", "rights", "badge", "what"
    );
    for c in all {
        let badge = match c.badge {
            0 => String::new(),
            badge => format!("{badge:#x}"),
        };
        text.push_str(&format!(
            "{:<24} {:>5}  {:<17} {:<6} {badge:<18} {:<44} {file}:{} {}\n",
            c.name,
            c.slot.0,
            c.object,
            c.rights.letters(),
            c.what,
            c.line,
            c.key
        ));
    }
    text
}
