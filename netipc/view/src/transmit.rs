//! What is owed, written down.

use heapless::Vec;
use netipc_protocol::Instant;
use netipc_wire::NodeId;

use crate::ids::node;
use crate::limits::{CHUNK_HOMES, ENTRIES, NODES};
use crate::message::{Ack, Append, Chunk, Contents, Matched, Message, Probe};
use crate::peer::AckOwed;
use crate::view::{Random, Role, Transmit, View};

impl<R: Random> View<R> {
    /// The next message, written to `buffer`, which has [`MESSAGE_LENGTH_MAX`](crate::message::MESSAGE_LENGTH_MAX) bytes.
    pub fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        for row in 0..NODES {
            let to = node(row);
            if to == self.config.node || !self.config.nodes.contains(to) {
                continue;
            }
            while let Some(message) = self.next_message(now, row, to) {
                if let Some(message) = message {
                    let length = message.emit(buffer)?;
                    return Some(Transmit { to, length });
                }
            }
        }
        None
    }

    /// The next thing that is owed to a node: `None` if there is nothing, `Some(None)` if it is void by now.
    fn next_message(&mut self, now: Instant, row: usize, to: NodeId) -> Option<Option<Message>> {
        let owed = &mut self.peers[row].owed;
        if let Some(answer) = owed.ballot_answer.take() {
            return Some(Some(Message::BallotAnswer(answer)));
        }
        if let Some(stage) = owed.ballot.take() {
            return Some(self.ballot(stage).map(Message::Ballot));
        }
        if let Some(nonce) = owed.probe_answer.take() {
            return Some(Some(Message::ProbeAnswer(self.offer(now, nonce))));
        }
        if core::mem::take(&mut owed.probe) {
            let probe = self.ask.nonce.map(|nonce| Probe { nonce });
            return Some(probe.map(Message::Probe));
        }
        if let Some(ack) = owed.ack.take() {
            return Some(self.ack(now, to, ack).map(Message::Ack));
        }
        if core::mem::take(&mut owed.append) {
            return Some(self.append(row).map(Message::Append));
        }
        if owed.chunks != 0 {
            let number = owed.chunks.trailing_zeros();
            owed.chunks &= !(1 << number);
            return Some(self.chunk(number as usize).map(Message::Chunk));
        }
        None
    }

    fn ack(&self, now: Instant, to: NodeId, owed: AckOwed) -> Option<Ack> {
        let (history, term, round, matched) = match (owed, self.history) {
            (AckOwed::Empty(history, term, round), None) => {
                let (place, have) = self.assembly.have(history);
                (history, term, round, Matched::Needs(place.index, have))
            }
            (AckOwed::Empty(..), Some(_)) | (_, None) => return None,
            // Who has sent the message may be behind in terms; then it learns the term.
            (AckOwed::Verified, Some(history)) if self.leader == Some(to) => {
                let matched = Matched::To(self.verified);
                (history, self.term, self.round_seen, matched)
            }
            (_, Some(history)) => {
                let matched = match self.assembly.have(history) {
                    (place, have) if have != 0 && place.index > self.log.applied() => {
                        Matched::Needs(place.index, have)
                    }
                    _ => Matched::Behind(self.log.applied()),
                };
                let round = if self.leader == Some(to) {
                    self.round_seen
                } else {
                    crate::ids::Round(0)
                };
                (history, self.term, round, matched)
            }
        };
        Some(Ack {
            history,
            term,
            incarnation: self.incarnation,
            boot: self.config.boot,
            part: self.config.part,
            round,
            stamp: Self::stamp(now),
            matched,
            floor: self.floor,
            request: self.request(),
        })
    }

    fn append(&mut self, row: usize) -> Option<Append> {
        if self.role != Role::Leader {
            return None;
        }
        let follower = &mut self.peers[row].follower;
        let before = crate::ids::Index(follower.next.0.saturating_sub(1));
        let mut entries: Vec<_, ENTRIES> = Vec::new();
        let previous = match self.log.term_at(before) {
            Some(term) => {
                let mut index = follower.next;
                while let Some(entry) = self.log.get(index) {
                    if entries.push(*entry).is_err() {
                        break;
                    }
                    index = index.next();
                }
                crate::log::Place {
                    index: before,
                    term,
                }
            }
            // What it would need is forgotten: it will say that it is behind, and get the table.
            None => self.log.applied_place(),
        };
        Some(Append {
            history: self.history?,
            term: self.term,
            round: self.lead.round,
            commit: self.log.applied(),
            previous,
            grant: follower.grant.take(),
            entries,
        })
    }

    fn chunk(&self, number: usize) -> Option<Chunk> {
        if self.role != Role::Leader {
            return None;
        }
        let contents = if number == 0 {
            Contents::Core {
                epoch: self.table.epoch,
                seats: self.table.seats,
                members: self.table.members,
            }
        } else {
            let homes = self.table.homes.chunks(CHUNK_HOMES).nth(number - 1)?;
            Contents::Homes {
                number: number as u8,
                homes: homes.iter().copied().collect(),
            }
        };
        Some(Chunk {
            history: self.history?,
            term: self.term,
            place: self.log.applied_place(),
            homes: self.table.homes.len() as u16,
            contents,
        })
    }
}
