//! Where boxes and lines go: rows of boxes, and lines that pass other rows through gaps of their own.
//!
//! The usual three steps for drawings in layers (Sugiyama, Tagawa and Toda): a place in every row that a line crosses, an order within each row
//! that keeps neighbours close, then coordinates.

use super::graph::Graph;

/// What has a place in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A component's box.
    Box(usize),
    /// Where a line passes.
    Via(usize),
}

/// An item and its place.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// What it is.
    pub item: Item,
    /// The middle.
    pub x: f64,
    /// How wide it is.
    pub width: f64,
}

/// The finished layout.
pub struct Layout {
    /// Each row, from left to right.
    pub rows: Vec<Vec<Placed>>,
    /// How wide all of it is.
    pub width: f64,
}

/// Width of a letter.
pub const LETTER: f64 = 7.4;
const PADDING: f64 = 28.0;
const VIA: f64 = 14.0;
const GAP: f64 = 26.0;
const SWEEPS: usize = 16;
const RELAXATIONS: usize = 60;

/// Places everything.
pub fn place(graph: &Graph) -> Layout {
    let mut rows = items(graph);
    let links = links(graph);
    for sweep in 0..SWEEPS {
        order(&mut rows, &links, sweep % 2 == 0);
    }
    coordinates(graph, &rows, &links)
}

/// The rows that a line passes between its ends.
pub fn between(a: usize, b: usize) -> std::ops::Range<usize> {
    let (top, bottom) = (a.min(b), a.max(b));
    (top + 1).min(bottom)..bottom
}

fn items(graph: &Graph) -> Vec<Vec<Item>> {
    let mut rows = vec![Vec::new(); graph.rows];
    for (index, node) in graph.nodes.iter().enumerate() {
        rows[node.row].push(Item::Box(index));
    }
    for (index, edge) in graph.edges.iter().enumerate() {
        for row in between(graph.nodes[edge.from].row, graph.nodes[edge.to].row) {
            rows[row].push(Item::Via(index));
        }
    }
    rows
}

/// A place: row and item.
type Place = (usize, Item);

/// Each line's pieces, from one row to the next below.
fn links(graph: &Graph) -> Vec<(Place, Place)> {
    let mut links = Vec::new();
    for (index, edge) in graph.edges.iter().enumerate() {
        let ends = [edge.from, edge.to].map(|i| (graph.nodes[i].row, Item::Box(i)));
        let [a, b] = ends;
        let (top, bottom) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        if top.0 == bottom.0 {
            continue;
        }
        let mut last = top;
        for row in between(a.0, b.0) {
            links.push((last, (row, Item::Via(index))));
            last = (row, Item::Via(index));
        }
        links.push((last, bottom));
    }
    links
}

/// What is linked to a place in the row above, or below.
fn neighbours(place: Place, links: &[(Place, Place)], above: bool) -> impl Iterator<Item = Place> {
    links.iter().filter_map(move |&(top, bottom)| match above {
        true if bottom == place => Some(top),
        false if top == place => Some(bottom),
        _ => None,
    })
}

/// Sorts each row by where its neighbours in the last one stand.
fn order(rows: &mut [Vec<Item>], links: &[(Place, Place)], down: bool) {
    let count = rows.len();
    let turn: Vec<usize> = if down {
        (1..count).collect()
    } else {
        (0..count.saturating_sub(1)).rev().collect()
    };
    for row in turn {
        let other = if down { row - 1 } else { row + 1 };
        let position = |place: Place| {
            let found = rows[other].iter().position(|&item| item == place.1);
            found.map(|at| (at as f64 + 0.5) / rows[other].len() as f64)
        };
        let own = rows[row].len() as f64;
        let mut keyed: Vec<(f64, Item)> = rows[row]
            .iter()
            .enumerate()
            .map(|(at, &item)| {
                let all: Vec<f64> = neighbours((row, item), links, down)
                    .filter_map(position)
                    .collect();
                (mean(&all).unwrap_or((at as f64 + 0.5) / own), item)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows[row] = keyed.into_iter().map(|(_, item)| item).collect();
    }
}

fn mean(all: &[f64]) -> Option<f64> {
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

fn width(graph: &Graph, item: Item) -> f64 {
    match item {
        Item::Via(_) => VIA,
        Item::Box(index) => {
            let longest = graph.nodes[index].lines.iter().map(String::len).max();
            longest.unwrap_or(0) as f64 * LETTER + PADDING
        }
    }
}

fn coordinates(graph: &Graph, rows: &[Vec<Item>], links: &[(Place, Place)]) -> Layout {
    let mut placed: Vec<Vec<Placed>> = rows
        .iter()
        .map(|row| {
            let item = |&item: &Item| Placed {
                item,
                x: 0.0,
                width: width(graph, item),
            };
            let mut row: Vec<Placed> = row.iter().map(item).collect();
            let wanted = vec![0.0; row.len()];
            spread(&mut row, &wanted);
            row
        })
        .collect();
    for _ in 0..RELAXATIONS {
        for row in 0..placed.len() {
            let wanted = wanted(&placed, row, links);
            spread(&mut placed[row], &wanted);
        }
    }
    let all = || placed.iter().flatten();
    let left = all().map(|p| p.x - p.width / 2.0).fold(f64::MAX, f64::min);
    let right = all().map(|p| p.x + p.width / 2.0).fold(f64::MIN, f64::max);
    placed.iter_mut().flatten().for_each(|p| p.x -= left);
    Layout {
        rows: placed,
        width: right - left,
    }
}

/// Where the items of a row would like to be: amid what they are linked to, or else beside whom they stand.
fn wanted(placed: &[Vec<Placed>], row: usize, links: &[(Place, Place)]) -> Vec<f64> {
    let own = &placed[row];
    let linked = |item: Item| {
        let x_of = |(at, item): Place| {
            let found = placed[at].iter().find(|p| p.item == item);
            found.map(|p| p.x)
        };
        let sides = [true, false].map(|above| neighbours((row, item), links, above));
        let all: Vec<f64> = sides.into_iter().flatten().filter_map(x_of).collect();
        mean(&all)
    };
    let beside = |at: usize| match (own.get(at + 1), at.checked_sub(1)) {
        (Some(next), _) => next.x - apart(&own[at], next),
        (None, Some(last)) => own[last].x + apart(&own[last], &own[at]),
        (None, None) => own[at].x,
    };
    (0..own.len())
        .map(|at| linked(own[at].item).unwrap_or_else(|| beside(at)))
        .collect()
}

/// How far apart the middles of two items are, at least.
fn apart(a: &Placed, b: &Placed) -> f64 {
    (a.width + b.width) / 2.0 + GAP
}

/// As near to the wanted places as the order and the gaps allow: the mean of pushing everything to the right and to the left.
fn spread(row: &mut [Placed], wanted: &[f64]) {
    let mut right: Vec<f64> = wanted.to_vec();
    for i in 1..row.len() {
        right[i] = right[i].max(right[i - 1] + apart(&row[i - 1], &row[i]));
    }
    let mut left: Vec<f64> = wanted.to_vec();
    for i in (1..row.len()).rev() {
        left[i - 1] = left[i - 1].min(left[i] - apart(&row[i - 1], &row[i]));
    }
    for (i, placed) in row.iter_mut().enumerate() {
        placed.x = f64::midpoint(right[i], left[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_a_row_do_not_touch() {
        let text: String = (0..12)
            .map(|i| {
                let uses = if i == 0 { String::new() } else { format!("\"i{}\"", i / 2) };
                format!("[[component]]\nname = \"c{i}\"\nprogram = \"p\"\nserves = [\"i{i}\"]\nuses = [{uses}]\n")
            })
            .collect();
        let text = format!("[system]\nname = \"s\"\n{text}");
        let description = isthmus_description::describe(&text).expect("a tree");
        let graph = Graph::of(&description);
        assert!(graph.rows > 3);
        for edge in &graph.edges {
            assert!(
                graph.nodes[edge.from].row < graph.nodes[edge.to].row,
                "calls go down"
            );
        }
        let layout = place(&graph);
        for row in &layout.rows {
            for pair in row.windows(2) {
                let room = (pair[1].x - pair[1].width / 2.0) - (pair[0].x + pair[0].width / 2.0);
                assert!(room >= GAP - 0.01, "{row:?}");
            }
        }
        let boxes = layout
            .rows
            .iter()
            .flatten()
            .filter(|p| matches!(p.item, Item::Box(_)));
        assert_eq!(boxes.count(), 12);
    }
}
