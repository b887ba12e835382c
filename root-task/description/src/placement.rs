//! `on`: where a component runs, by rule, by number, or by the names and labels of a cluster file.

use isthmus_abi::limits;
use isthmus_plan::{Here, Placement};
use toml::Spanned;
use toml::de::DeValue;

use crate::cluster::Cluster;
use crate::mistake::{At, Collector, Span, suggestion};
use crate::read::Reader;
use crate::source::System;

/// For which machines a description is read.
pub(crate) enum Scope<'c> {
    /// For every machine of every cluster.
    Anywhere,
    /// For those machines of a cluster that run this system.
    Cluster(&'c Cluster, &'c str),
}

impl Scope<'_> {
    pub(crate) fn machines(&self) -> Vec<Here> {
        match self {
            Self::Anywhere => Here::all().collect(),
            Self::Cluster(cluster, system) => cluster.machines_with(system),
        }
    }

    /// Places components where the cluster file says, which goes before what the description says.
    pub(crate) fn place(&self, system: &mut System) {
        for component in &mut system.components {
            let rule = self
                .cluster()
                .and_then(|c| c.placement_of(&component.name.value));
            if let Some(rule) = rule {
                component.on.value = rule.clone();
            }
        }
    }

    fn cluster(&self) -> Option<&Cluster> {
        match self {
            Self::Anywhere => None,
            Self::Cluster(cluster, _) => Some(cluster),
        }
    }
}

/// Reads the key.
pub(crate) fn on(r: &mut Reader<'_, '_, '_>, scope: &Scope<'_>) -> At<Placement> {
    machines(r, "on", scope)
}

/// Reads a key that says which machines are meant: all, where it is absent.
pub(crate) fn machines(
    r: &mut Reader<'_, '_, '_>,
    key: &'static str,
    scope: &Scope<'_>,
) -> At<Placement> {
    match r.raw(key) {
        Some(value) => rule(key, value, scope.cluster(), r.mistakes()),
        None => At {
            value: Placement::All,
            span: r.span.clone(),
        },
    }
}

/// A rule: a word, or a list of numbers, names and labels.
pub(crate) fn rule(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    cluster: Option<&Cluster>,
    mistakes: &mut Collector<'_>,
) -> At<Placement> {
    let span = value.span();
    let placement = match value.get_ref() {
        DeValue::String(text) => match text.as_ref() {
            "all" => Some(Placement::All),
            "first" => Some(Placement::First),
            "last" => Some(Placement::Last),
            name => cluster.and_then(|_| of_nodes(named(name, &span, cluster, mistakes))),
        },
        DeValue::Array(list) if !list.is_empty() => list
            .iter()
            .map(|item| nodes(item, cluster, mistakes))
            .collect::<Option<Vec<_>>>()
            .and_then(|all| of_nodes(all.concat())),
        _ => None,
    };
    if placement.is_none() {
        let most = limits::NODES;
        mistakes.add(
            &span,
            format!("`{key}` is no placement (machines are numbered 1 to {most})"),
            "write \"all\", \"first\", \"last\", or a list of machines like [1, 3]; their names need a cluster file",
        );
    }
    At {
        value: placement.unwrap_or(Placement::All),
        span,
    }
}

fn of_nodes(mut nodes: Vec<u8>) -> Option<Placement> {
    nodes.sort_unstable();
    nodes.dedup();
    heapless::Vec::from_slice(&nodes).ok().map(Placement::Nodes)
}

/// The machines that an item of the list means. `None` if it is no item at all; a name that is unknown is a mistake already.
fn nodes(
    item: &Spanned<DeValue<'_>>,
    cluster: Option<&Cluster>,
    mistakes: &mut Collector<'_>,
) -> Option<Vec<u8>> {
    match item.get_ref() {
        DeValue::Integer(number) => {
            let number = u8::from_str_radix(number.as_str(), number.radix()).ok()?;
            (1..=limits::NODES as u8)
                .contains(&number)
                .then(|| vec![number])
        }
        DeValue::String(name) => Some(named(name, &item.span(), cluster, mistakes)),
        _ => None,
    }
}

/// The machines of this name or with this label.
fn named(
    name: &str,
    span: &Span,
    cluster: Option<&Cluster>,
    mistakes: &mut Collector<'_>,
) -> Vec<u8> {
    let Some(cluster) = cluster else {
        mistakes.add(
            span,
            format!("{name:?} names a machine, and there is no cluster file"),
            "write \"all\", \"first\", \"last\" or numbers like [1, 3], or give a cluster file by --cluster",
        );
        return Vec::new();
    };
    let nodes = cluster.nodes_called(name);
    if nodes.is_empty() {
        let remedy = suggestion(name, cluster.names(), "");
        let what = format!("no machine of the cluster is called or labelled {name:?}");
        mistakes.add(span, what, remedy);
    }
    nodes
}
