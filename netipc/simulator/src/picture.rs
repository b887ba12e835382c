//! A history for people: a message-sequence picture in text, a lane for each machine.

use netipc_protocol::Instant;

use crate::milliseconds;

/// Something that happened, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in the world's time.
    pub at: Instant,
    /// The call that it is about.
    pub call: Option<usize>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// To the whole world.
    Note(String),
    /// On one machine.
    On {
        /// Which.
        node: usize,
        /// In words.
        text: String,
    },
    /// A frame leaves.
    Sent {
        /// By whom.
        from: usize,
        /// For whom.
        to: usize,
        /// Its kind, in at most seven letters.
        kind: &'static str,
        /// What it says.
        text: String,
        /// Whether it will arrive.
        way: OnTheWay,
    },
    /// A frame arrives.
    Heard {
        /// Where.
        node: usize,
        /// What, and what was done with it.
        text: String,
    },
}

/// What becomes of a frame on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTheWay {
    /// It arrives.
    Arrives,
    /// It is lost.
    Lost,
}

/// Where the first lane is, and how far apart they are.
const FIRST: usize = 2;
const LANE: usize = 10;

/// The head of a picture of so many machines.
#[must_use]
pub fn head(nodes: usize) -> String {
    let mut line = " ".repeat(14);
    for node in 0..nodes {
        let place = 14 + FIRST + node * LANE;
        line.push_str(&" ".repeat(place - line.len()));
        line.push_str(&node.to_string());
    }
    line
}

impl Entry {
    /// Its line in a picture of so many machines.
    #[must_use]
    pub fn line(&self, nodes: usize) -> String {
        let mut lanes = vec![' '; FIRST + nodes.saturating_sub(1) * LANE + 3];
        for node in 0..nodes {
            lanes[place(node)] = '|';
        }
        let text = match &self.what {
            What::Note(text) => return format!("{}  == {text}", milliseconds(self.at)),
            What::On { node, text } => {
                lanes[place(*node)] = 'o';
                format!("{node} {text}")
            }
            What::Heard { node, text } => {
                lanes[place(*node)] = '*';
                format!("{node} hears {text}")
            }
            What::Sent {
                from,
                to,
                kind,
                text,
                way,
            } => {
                arrow(&mut lanes, (*from, *to), kind, *way);
                format!("{from} -> {to} {text}")
            }
        };
        let lanes: String = lanes.into_iter().collect();
        format!("{}{lanes} {text}", milliseconds(self.at))
    }
}

fn place(node: usize) -> usize {
    FIRST + node * LANE
}

fn arrow(lanes: &mut [char], (from, to): (usize, usize), kind: &str, way: OnTheWay) {
    let (left, right) = (place(from.min(to)), place(from.max(to)));
    lanes[left + 1..right].fill('-');
    let inner = right - left - 1;
    let begin = left + 1 + inner.saturating_sub(kind.len()) / 2;
    for (lane, letter) in lanes[begin..right].iter_mut().zip(kind.chars()) {
        *lane = letter;
    }
    let (head, tip) = if from < to {
        (right - 1, '>')
    } else {
        (left + 1, '<')
    };
    lanes[head] = match way {
        OnTheWay::Arrives => tip,
        OnTheWay::Lost => 'x',
    };
    lanes[place(from)] = 'o';
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_an_arrow_between_its_lanes() {
        let sent = |from, to, way| Entry {
            at: Instant::from_nanos(1_234_567),
            call: None,
            what: What::Sent {
                from,
                to,
                kind: "REPLY",
                text: "call 3".into(),
                way,
            },
        };
        assert_eq!(head(3), "                0         1         2");
        assert_eq!(
            sent(0, 1, OnTheWay::Arrives).line(3),
            "    1.234 ms  o--REPLY->|         |   0 -> 1 call 3"
        );
        assert_eq!(
            sent(2, 0, OnTheWay::Lost).line(3),
            "    1.234 ms  |x------REPLY-------o   2 -> 0 call 3"
        );
    }
}
