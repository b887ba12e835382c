//! Frames: from the wire into a machine, and from a machine onto the wire. The checkers read along.

use netipc_protocol::limits::{
    BULK_ANSWERS, GRANTS, OFFER_ACKS, RELEASE_ACKS, REVOKE_ACKS, TRANSFERS,
};
use netipc_protocol::{Instant, NodeId, Transmit};
use netipc_wire::bulk::CHUNKS_SPOKEN_OF;
use netipc_wire::frame::Packet;
use netipc_wire::{Kind, Message};

use crate::agenda::Event;
use crate::describe::{call_of, short};
use crate::machine::{Power, index_of, node_id};
use crate::picture::{OnTheWay, What};
use crate::truth::Checker;
use crate::world::{Step, World};
use crate::{NODES_MAX, ROWS, Record, SLOTS, Violation, bulk, views};

/// More frames at one look are a machine that does not bound what it says: to each peer a frame for each slot of each side, a
/// RELEASE for each row, its acknowledgements, for each transfer a WANT or what was wanted, one each of the handshake and PING and PONG, and what its view says.
const FRAMES_PER_LOOK: usize = (NODES_MAX as usize - 1)
    * (2 * SLOTS
        + 2 * ROWS
        + RELEASE_ACKS
        + REVOKE_ACKS
        + 3 * GRANTS
        + OFFER_ACKS
        + 2 * BULK_ANSWERS
        + 2 * TRANSFERS * (CHUNKS_SPOKEN_OF as usize + 1)
        + 6
        + views::FRAMES);

impl World {
    pub(crate) fn arrive(&mut self, from: usize, to: usize, index: u32) -> Step {
        let mut frame = std::mem::take(&mut self.frames.buffers[index as usize]);
        let result = if self.machines[to].power == Power::On {
            self.hand_over(from, to, &mut frame)
                .and_then(|()| self.visit(to))
        } else {
            Ok(())
        };
        self.frames.buffers[index as usize] = frame;
        self.frames.spare.push(index);
        result
    }

    /// A machine that is on takes a frame from the wire.
    fn hand_over(&mut self, from: usize, to: usize, frame: &mut [u8]) -> Step {
        let local = self.local(to);
        let endpoint = &mut self.machines[to].endpoint;
        let taken = endpoint.take_frame(local, node_id(from), frame);
        let result = taken.map(|said| {
            if let (Some(said), Some(views)) = (said, &mut self.views) {
                views.hear(to, local, node_id(from), said);
            }
        });
        self.machines[to].heard[from] = local;
        let Ok(packet) = Packet::new_checked(&*frame) else {
            return Ok(());
        };
        let header = packet.header();
        self.summary.handled(header.kind, &result);
        if self.record == Record::Everything {
            let call = Message::parse(header.kind, packet.body())
                .ok()
                .and_then(|message| call_of((from, to), &header, &message, &self.truth));
            let about = call.map_or(String::new(), |id| format!(" about call {id}"));
            let fate = match &result {
                Ok(()) => "accepted".to_string(),
                Err(reason) => format!("dropped: {reason}"),
            };
            self.entry(call, || What::Heard {
                node: to,
                text: format!("{}{about} of {from}: {fate}", short(header.kind)),
            });
        }
        if result.is_err() {
            return Ok(());
        }
        if !header.kind.is_handshake() && self.machines[to].ended.contains(&header.session) {
            return Err(Violation {
                checker: Checker::Sessions,
                at: self.now,
                call: None,
                what: format!(
                    "{to} accepts a frame of session {}, which had ended there",
                    header.session
                ),
            });
        }
        self.truth.accepted(self.now, (from, to), &header)?;
        if header.kind == Kind::Want
            && let Ok(Message::Want(want)) = Message::parse(header.kind, packet.body())
        {
            self.truth.want_arrived((from, to), header.session, &want);
        }
        if header.kind == Kind::Data {
            self.write(to, frame)?;
        }
        if header.kind == Kind::Reply
            && let Ok(Message::Reply(repr)) = Message::parse(header.kind, packet.body())
        {
            self.truth
                .reply_arrived(to, from, header.session, repr.slot, repr.sequence);
        }
        Ok(())
    }

    pub(crate) fn transmit(&mut self, node: usize) -> Step {
        let local = self.local(node);
        for _ in 0..=FRAMES_PER_LOOK {
            let Some(transmit) = self.next_frame(node, local) else {
                return Ok(());
            };
            self.summary.frames += 1;
            self.send(node, transmit.to, transmit.length)?;
        }
        Err(Violation {
            checker: Checker::Memory,
            at: self.now,
            call: None,
            what: format!("{node} has more than {FRAMES_PER_LOOK} frames to send at once"),
        })
    }

    /// Writes a machine's next frame to `scratch`: what its endpoint has to say, or its view.
    fn next_frame(&mut self, node: usize, local: Instant) -> Option<Transmit> {
        loop {
            let endpoint = &mut self.machines[node].endpoint;
            if let Some(transmit) = endpoint.poll_transmit(local, &mut self.scratch) {
                return Some(transmit);
            }
            if let Some(transmit) = endpoint.poll_bulk(local, &mut self.scratch, bulk::fill) {
                return Some(transmit);
            }
            let next = self.views.as_mut()?.say(node, local, &mut self.said)?;
            let said = &self.said[..next.length];
            // What cannot be sent is lost, and the endpoint may have a HELLO instead.
            if let Some(length) = endpoint.send_view(local, next.to, said, &mut self.scratch) {
                return Some(Transmit {
                    to: next.to,
                    length,
                });
            }
        }
    }

    /// The frame in `scratch` goes on the wire. The checkers read along, whatever the cipher.
    fn send(&mut self, from: usize, to: NodeId, length: usize) -> Step {
        let to = index_of(to);
        let frame = &self.scratch[..length];
        let malformed = |reason: netipc_wire::Malformed| Violation {
            checker: Checker::Wiretap,
            at: self.now,
            call: None,
            what: format!("{from} sends what is no frame: {reason}"),
        };
        let guard = self.machines[from].endpoint.cipher_mut();
        let packet = Packet::new_checked(guard.plain(frame)).map_err(malformed)?;
        let header = packet.header();
        let message = Message::parse(header.kind, packet.body()).map_err(malformed)?;
        let tapped = self
            .truth
            .numbered(self.now, (from, to), &header)
            .and(
                self.truth
                    .tap(self.now, (from, to), header.session, &message),
            );
        let fate = self.network.fate(
            &mut self.rng,
            &self.profile,
            self.now,
            (from, to),
            frame.len(),
        );
        if self.record == Record::Everything {
            let call = call_of((from, to), &header, &message, &self.truth);
            let text = crate::describe::frame(&header, &message, call);
            let way = match fate.arrivals[0] {
                Some(_) => OnTheWay::Arrives,
                None => OnTheWay::Lost,
            };
            let wrong: Vec<_> = fate.faults.iter().flatten().map(|f| f.text()).collect();
            let text = match wrong.is_empty() {
                true => text,
                false => format!("{text} ({})", wrong.join(", ")),
            };
            self.entry(call, || What::Sent {
                from,
                to,
                kind: short(header.kind),
                text,
                way,
            });
        }
        for fault in fate.faults.into_iter().flatten() {
            self.fault(fault);
        }
        for (nth, at) in fate.arrivals.into_iter().flatten().enumerate() {
            let frame = self.frames.keep(&self.scratch[..length]);
            if let (0, Some(bit)) = (nth, fate.damage) {
                self.frames.buffers[frame as usize][bit / 8] ^= 1 << (bit % 8);
            }
            let (from, to) = (from as u8, to as u8);
            self.plan(self.now.until(at), Event::Arrive { from, to, frame });
        }
        tapped
    }
}
