//! The drawing itself.

use std::fmt::Write as _;

use super::graph::{Graph, Kind};
use super::layout::{self, Item, LETTER, Layout, Placed};

const LINE: f64 = 15.0;
const ROW_GAP: f64 = 84.0;
const MARGIN: f64 = 24.0;
/// Room on the left for the layers' names.
const NAMES: f64 = 110.0;
const TITLE: f64 = 40.0;
const LEGEND: f64 = 56.0;

/// A point.
type Point = (f64, f64);

/// Rows with their heights.
struct Drawing<'g> {
    graph: &'g Graph,
    layout: Layout,
    /// Top and bottom of each row.
    rows: Vec<(f64, f64)>,
    text: String,
}

/// Draws a graph as an SVG document.
pub fn draw(graph: &Graph) -> String {
    let layout = layout::place(graph);
    let mut rows = Vec::new();
    let mut y = TITLE + MARGIN;
    for row in 0..graph.rows {
        let of_row = graph.nodes.iter().filter(|node| node.row == row);
        let lines = of_row.map(|node| node.lines.len()).max().unwrap_or(1);
        let height = lines as f64 * LINE + 16.0;
        rows.push((y, y + height));
        y += height + ROW_GAP;
    }
    let bottom = y - ROW_GAP + MARGIN;
    let width = (NAMES + layout.width + 2.0 * MARGIN).max(720.0);
    let mut drawing = Drawing {
        graph,
        layout,
        rows,
        text: String::new(),
    };
    drawing.head(width, bottom + LEGEND);
    drawing.bands(width);
    for index in 0..graph.edges.len() {
        drawing.edge(index);
    }
    drawing.boxes();
    drawing.labels();
    drawing.legend(bottom + 16.0);
    drawing.text.push_str("</svg>");
    drawing.text
}

impl Drawing<'_> {
    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        // A text takes everything.
        let _ = self.text.write_fmt(text);
        self.text.push('\n');
    }

    fn head(&mut self, width: f64, height: f64) {
        self.add(format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" font-family="monospace" font-size="12">
<defs>
<marker id="call" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0,0L10,5L0,10z" fill="#1f4e79"/></marker>
<marker id="worker" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0,0L10,5L0,10z" fill="#b45f06"/></marker>
<marker id="event" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0,0L10,5L0,10z" fill="#777777"/></marker>
</defs>
<rect width="100%" height="100%" fill="white"/>"##
        ));
        let name = self.graph.name.clone();
        self.add(format_args!(
            r#"<text x="{MARGIN}" y="30" font-size="18" font-weight="bold">{name}: who may call whom</text>"#
        ));
    }

    /// A band behind each layer, with its name.
    fn bands(&mut self, width: f64) {
        for (_, layer) in isthmus_description::Layer::NAMES.into_iter().rev() {
            let of_layer = self.graph.nodes.iter().filter(|node| node.layer == layer);
            let rows: Vec<usize> = of_layer.map(|node| node.row).collect();
            let (Some(&first), Some(&last)) = (rows.iter().min(), rows.iter().max()) else {
                continue;
            };
            let (top, bottom) = (self.rows[first].0 - 14.0, self.rows[last].1 + 14.0);
            self.add(format_args!(
                r##"<rect x="8" y="{top:.1}" width="{:.1}" height="{:.1}" rx="6" fill="#f3f6fa"/><text x="{MARGIN}" y="{:.1}" fill="#5a6b7b">{layer}</text>"##,
                width - 16.0,
                bottom - top,
                top + 20.0
            ));
        }
    }

    fn find(&self, row: usize, item: Item) -> Placed {
        let found = self.layout.rows[row].iter().find(|p| p.item == item);
        let mut placed = *found.expect("every item has a place");
        placed.x += NAMES + MARGIN;
        placed
    }

    /// Where line `index` meets the box of node `node`: its lines share the side evenly, in the order of where they lead.
    fn port(&self, node: usize, index: usize, below: bool) -> Point {
        let row = self.graph.nodes[node].row;
        let placed = self.find(row, Item::Box(node));
        let mut sides: Vec<(f64, usize)> = Vec::new();
        for (other, edge) in self.graph.edges.iter().enumerate() {
            let far = match (edge.from == node, edge.to == node) {
                (true, _) => edge.to,
                (_, true) => edge.from,
                _ => continue,
            };
            if self.leaves_below(node, far) == below {
                sides.push((self.next_x(node, far, other), other));
            }
        }
        sides.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = sides
            .iter()
            .position(|&(_, other)| other == index)
            .unwrap_or(0);
        let x = placed.x - placed.width / 2.0
            + placed.width * (at as f64 + 1.0) / (sides.len() as f64 + 1.0);
        let (top, bottom) = self.rows[row];
        (x, if below { bottom } else { top })
    }

    /// Lines to the same row leave below too.
    fn leaves_below(&self, node: usize, far: usize) -> bool {
        self.graph.nodes[far].row >= self.graph.nodes[node].row
    }

    /// The first place to which a line leads from a node.
    fn next_x(&self, node: usize, far: usize, index: usize) -> f64 {
        let (own, other) = (self.graph.nodes[node].row, self.graph.nodes[far].row);
        let passed = layout::between(own, other);
        let row = if other > own {
            passed.start
        } else {
            passed.end.saturating_sub(1)
        };
        if passed.is_empty() {
            self.find(other, Item::Box(far)).x
        } else {
            self.find(row, Item::Via(index)).x
        }
    }

    fn edge(&mut self, index: usize) {
        let edge = &self.graph.edges[index];
        let (from, to) = (edge.from, edge.to);
        let mut path = String::new();
        let start = self.port(from, index, self.leaves_below(from, to));
        let end = self.port(to, index, self.leaves_below(to, from));
        let _ = write!(path, "M{:.1},{:.1}", start.0, start.1);
        let (a, b) = (self.graph.nodes[from].row, self.graph.nodes[to].row);
        if a == b {
            let low = start.1 + 44.0;
            let _ = write!(
                path,
                "C{:.1},{low:.1} {:.1},{low:.1} {:.1},{:.1}",
                start.0, end.0, end.0, end.1
            );
        } else {
            let mut last = start;
            let passed: Vec<usize> = if b > a {
                layout::between(a, b).collect()
            } else {
                layout::between(a, b).rev().collect()
            };
            for row in passed {
                let x = self.find(row, Item::Via(index)).x;
                let (top, bottom) = self.rows[row];
                let (near, far) = if b > a { (top, bottom) } else { (bottom, top) };
                curve(&mut path, last, (x, near));
                let _ = write!(path, "L{x:.1},{far:.1}");
                last = (x, far);
            }
            curve(&mut path, last, end);
        }
        let style = match edge.kind {
            Kind::Call => r##"stroke="#1f4e79" stroke-width="1.4" marker-end="url(#call)""##,
            Kind::WorkerCall => {
                r##"stroke="#b45f06" stroke-width="1.4" stroke-dasharray="8 3" marker-end="url(#worker)""##
            }
            Kind::Event => r##"stroke="#777777" stroke-dasharray="3 4" marker-end="url(#event)""##,
            Kind::Channel => r##"stroke="#38761d" stroke-width="4" stroke-opacity="0.55""##,
        };
        let class = format!("{:?}", edge.kind).to_lowercase();
        self.add(format_args!(
            r#"<path class="{class}" d="{path}" fill="none" {style}/>"#
        ));
    }

    fn boxes(&mut self) {
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let placed = self.find(node.row, Item::Box(index));
            let (top, bottom) = self.rows[node.row];
            let left = placed.x - placed.width / 2.0;
            self.add(format_args!(
                r##"<rect class="component" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" rx="4" fill="white" stroke="#1f3040"/>"##,
                placed.width,
                bottom - top
            ));
            for (number, line) in node.lines.iter().enumerate() {
                let y = top + 18.0 + number as f64 * LINE;
                let style = if number == 0 {
                    r#"font-weight="bold""#
                } else {
                    r##"fill="#44525f""##
                };
                self.add(format_args!(
                    r#"<text x="{:.1}" y="{y:.1}" text-anchor="middle" {style}>{line}</text>"#,
                    placed.x
                ));
            }
        }
    }

    /// The channels' names, over everything.
    fn labels(&mut self) {
        for (index, edge) in self.graph.edges.iter().enumerate() {
            if edge.label.is_empty() {
                continue;
            }
            let (x, y) = self.port(edge.to, index, self.leaves_below(edge.to, edge.from));
            let below = self.leaves_below(edge.to, edge.from);
            let y = if below { y + 24.0 } else { y - 16.0 };
            let width = edge.label.len() as f64 * LETTER + 8.0;
            self.add(format_args!(
                r##"<rect x="{:.1}" y="{:.1}" width="{width:.1}" height="16" rx="3" fill="white" fill-opacity="0.9"/><text x="{x:.1}" y="{y:.1}" text-anchor="middle" fill="#38761d">{}</text>"##,
                x - width / 2.0,
                y - 12.0,
                edge.label
            ));
        }
    }

    fn legend(&mut self, y: f64) {
        let entries = [
            (
                "calls and waits",
                r##"stroke="#1f4e79" stroke-width="1.4" marker-end="url(#call)""##,
            ),
            (
                "a worker calls",
                r##"stroke="#b45f06" stroke-width="1.4" stroke-dasharray="8 3" marker-end="url(#worker)""##,
            ),
            (
                "signals",
                r##"stroke="#777777" stroke-dasharray="3 4" marker-end="url(#event)""##,
            ),
            (
                "shares memory",
                r##"stroke="#38761d" stroke-width="4" stroke-opacity="0.55""##,
            ),
        ];
        for (number, (what, style)) in entries.into_iter().enumerate() {
            let x = MARGIN + number as f64 * 170.0;
            self.add(format_args!(
                r#"<path d="M{x:.1},{y:.1}h30" fill="none" {style}/><text x="{:.1}" y="{:.1}">{what}</text>"#,
                x + 38.0,
                y + 4.0
            ));
        }
    }
}

/// From one row to the next: off and on vertically.
fn curve(path: &mut String, from: Point, to: Point) {
    let middle = f64::midpoint(from.1, to.1);
    let _ = write!(
        path,
        "C{:.1},{middle:.1} {:.1},{middle:.1} {:.1},{:.1}",
        from.0, to.0, to.0, to.1
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::count;

    fn description(file: &str) -> isthmus_description::Description {
        let file = isthmus_build::workspace::root().join(file);
        let text = std::fs::read_to_string(file).expect("a description");
        isthmus_description::describe(&text).expect("it is right")
    }

    #[test]
    fn a_channel_is_drawn_with_its_events() {
        let drawing = draw(&Graph::of(&description(
            "tests/machines/systems/naming.toml",
        )));
        assert_eq!(count(&drawing, "class=\"channel\""), 1);
        assert!(drawing.contains("datagrams"));
    }

    #[test]
    fn the_demonstration_is_drawn_whole() {
        let description = description("systems/demo.toml");
        let drawing = draw(&Graph::of(&description));
        assert_eq!(count(&drawing, "class=\"component\""), 6);
        assert_eq!(
            count(&drawing, "class=\"workercall\""),
            1,
            "netipc to naming"
        );
        // The timer to its four users.
        assert_eq!(count(&drawing, "class=\"event\""), 4);
        let uses: usize = description
            .plan
            .components
            .iter()
            .map(|c| c.uses.len())
            .sum();
        assert_eq!(count(&drawing, "class=\"call\""), uses - 1);
        for needle in ["kv-server", "drives virtio-net", "on last", ">application<"] {
            assert!(drawing.contains(needle), "{needle}");
        }
        assert!(drawing.starts_with("<svg") && drawing.ends_with("</svg>"));
    }
}
