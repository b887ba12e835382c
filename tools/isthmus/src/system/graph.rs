//! Who may call whom: the description's components and what is between them, for drawing.

use isthmus_abi::startup::{LOGS, PLAIN_EVENT};
use isthmus_description::{Description, Layer};
use isthmus_plan::Placement;
use isthmus_plan::plan::Caller;

/// A component.
pub struct Node {
    /// Its name, and below it what it serves and where it runs.
    pub lines: Vec<String>,
    /// Its layer.
    pub layer: Layer,
    /// Its row, the highest is 0: within a layer callers stand above servers.
    pub row: usize,
}

/// What is between two components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One calls the other and waits.
    Call,
    /// A worker does.
    WorkerCall,
    /// One signals the other.
    Event,
    /// Shared memory and signals both ways.
    Channel,
}

/// From one component to another.
pub struct Edge {
    /// Who calls or signals; a channel's owner.
    pub from: usize,
    /// Whom.
    pub to: usize,
    /// How.
    pub kind: Kind,
    /// A channel's name.
    pub label: String,
}

/// All of it.
pub struct Graph {
    /// The system's name.
    pub name: String,
    /// The components, in the plan's order.
    pub nodes: Vec<Node>,
    /// What is between them.
    pub edges: Vec<Edge>,
    /// How many rows there are.
    pub rows: usize,
}

impl Graph {
    /// What may happen on any of the machines. That everybody tells the console about logs is left out.
    pub fn of(description: &Description) -> Self {
        let nodes = nodes(description);
        let mut graph = Self {
            name: description.plan.name.to_string(),
            nodes,
            edges: edges(description),
            rows: 0,
        };
        graph.put_into_rows();
        graph
    }

    /// Layers one below the other, and in each a row for every step of calls.
    fn put_into_rows(&mut self) {
        for (_, layer) in Layer::NAMES.into_iter().rev() {
            let members: Vec<usize> = (0..self.nodes.len())
                .filter(|&i| self.nodes[i].layer == layer)
                .collect();
            let first = self.rows;
            members.iter().for_each(|&i| self.nodes[i].row = first);
            // Calls within a layer have no circles, so this ends.
            for _ in &members {
                for edge in self.edges.iter().filter(|e| e.kind == Kind::Call) {
                    if members.contains(&edge.from) && members.contains(&edge.to) {
                        let below = self.nodes[edge.from].row + 1;
                        let row = &mut self.nodes[edge.to].row;
                        *row = (*row).max(below);
                    }
                }
            }
            let last = members.iter().map(|&i| self.nodes[i].row + 1).max();
            self.rows = last.unwrap_or(first);
        }
    }
}

fn nodes(description: &Description) -> Vec<Node> {
    let components = description.plan.components.iter();
    let node = |(c, &layer): (&isthmus_plan::plan::Component, &Layer)| {
        let mut lines = vec![c.name.to_string()];
        if !c.serves.is_empty() {
            let all: Vec<&str> = c.serves.iter().map(|s| s.as_str()).collect();
            lines.push(format!("serves {}", all.join(", ")));
        }
        if !c.devices.is_empty() {
            let all: Vec<&str> = c.devices.iter().map(|d| d.kind.name()).collect();
            lines.push(format!("drives {}", all.join(", ")));
        }
        if c.on != Placement::All {
            lines.push(format!("on {}", super::placement(&c.on)));
        }
        Node {
            lines,
            layer,
            row: 0,
        }
    };
    components.zip(&description.layers).map(node).collect()
}

fn edges(description: &Description) -> Vec<Edge> {
    let plan = &description.plan;
    let index = |id: isthmus_abi::ComponentId| usize::from(id.0) - 1;
    let mut edges: Vec<Edge> = Vec::new();
    let mut add = |from, to, kind, label: String| {
        let known = |e: &Edge| (e.from, e.to, e.kind) == (from, to, kind) && e.label == label;
        if !edges.iter().any(known) {
            edges.push(Edge {
                from,
                to,
                kind,
                label,
            });
        }
    };
    for &here in &description.machines {
        for (id, component) in plan.on(here) {
            for used in &component.uses {
                let kind = match used.caller {
                    Caller::Anyone => Kind::Call,
                    Caller::Worker => Kind::WorkerCall,
                };
                if let Some((server, _)) = plan.provider(used, here) {
                    add(index(id), index(server), kind, String::new());
                }
            }
            let events = component
                .signals
                .iter()
                .filter(|s| s.about == PLAIN_EVENT && s.about != LOGS);
            for signal in events.filter(|s| plan.runs(s.to, here)) {
                add(index(id), index(signal.to), Kind::Event, String::new());
            }
        }
        for channel in plan.channels_on(here) {
            let [owner, other] = channel.between.map(index);
            add(owner, other, Kind::Channel, channel.name.to_string());
        }
    }
    edges
}
