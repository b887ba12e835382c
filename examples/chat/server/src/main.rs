//! A chat room: keeps the last lines, rings the bells of those who gave it one, and answers those who wait.
//!
//! It waits for nobody: a bell is signalled whether its owner listens or not, and a caller that waits is a saved reply, of which it has as many as its description says.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use chat_interface::{BELLS, Chat, ChatError, LINES, Line, Number, WAITING, chat};
use heapless::{Deque, Vec};
use isthmus_runtime::capabilities::Signal;
use isthmus_runtime::interface::{Cap, Later, Notification};
use isthmus_runtime::{Never, Startup, names};

isthmus_runtime::entry!(main);

/// A caller that waits, and for the first line after which.
type Waiting = (Number, Later<(Number, Line), ChatError>);

#[derive(Default)]
struct Room {
    /// The last of them is line `said`.
    lines: Deque<Line, LINES>,
    said: Number,
    bells: Vec<Cap<Notification>, BELLS>,
    waiting: Vec<Waiting, WAITING>,
}

impl Room {
    fn first_after(&self, after: Number) -> Option<(Number, Line)> {
        let oldest = self.said - self.lines.len() as Number + 1;
        let number = after.saturating_add(1).max(oldest);
        let index = usize::try_from(number - oldest).ok()?;
        let line = self.lines.iter().nth(index)?;
        Some((number, line.clone()))
    }

    /// Answers those for whom there is something now.
    fn wake(&mut self) {
        for (after, later) in core::mem::take(&mut self.waiting) {
            match self.first_after(after) {
                Some(line) => later.answer(Ok(line)),
                // There was room for it before.
                None => drop(self.waiting.push((after, later))),
            }
        }
        self.bells.iter().for_each(Signal::signal);
    }
}

impl Chat for Room {
    fn say(&mut self, line: Line) -> Result<Number, ChatError> {
        if self.lines.is_full() {
            let _ = self.lines.pop_front();
        }
        // There is room now.
        let _ = self.lines.push_back(line);
        self.said += 1;
        self.wake();
        Ok(self.said)
    }

    fn hear(&mut self, after: Number) -> Result<(Number, Line), ChatError> {
        self.first_after(after).ok_or(ChatError::Silence)
    }

    fn ring(&mut self, bell: Cap<Notification>) -> Result<(), ChatError> {
        self.bells.push(bell).map_err(|_| ChatError::Crowded)
    }

    fn wait(&mut self, after: Number, later: Later<(Number, Line), ChatError>) {
        match self.first_after(after) {
            Some(line) => later.answer(Ok(line)),
            None => {
                if let Err((_, later)) = self.waiting.push((after, later)) {
                    later.answer(Err(ChatError::Crowded));
                }
            }
        }
    }
}

fn main(_startup: &'static Startup) -> Result<Never, names::Error> {
    names::serve("chat", &mut Room::default(), chat::dispatch)
}
