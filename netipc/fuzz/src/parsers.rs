//! Every parser of `netipc-wire`, with frames that were legal once.
//!
//! What must hold: nothing panics; what is read is written back as it was; nothing is longer than a frame says it may be.

use fastrand::Rng;
use netipc_wire::frame::Packet;
use netipc_wire::{
    FRAME_LENGTH_MAX, HEADER_LENGTH, Kind, Message, TAG_LENGTH, WORDS_MAX, cancel, handshake, ping,
    reply, request, slot,
};

use crate::mutate::mutate;
use crate::samples::{self, About};
use crate::{Counts, Failure};

/// Mutated frames of one case.
const FRAMES: usize = 64;

/// One case.
pub(crate) fn run(rng: &mut Rng) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for _ in 0..FRAMES {
        let mut kind = || Kind::ALL[rng.usize(..Kind::ALL.len())];
        let (kind, other) = (kind(), kind());
        let about = About::anything(rng);
        let mut frame = samples::frame(rng, kind, &about);
        let other = samples::frame(rng, other, &about);
        if !read(&frame)? {
            return Err(Failure::new(format!("a legal {kind:?} is not read")));
        }
        for _ in 0..=rng.u8(..3) {
            mutate(rng, &mut frame, &other);
            counts.frames += 1;
            counts.accepted += u64::from(read(&frame)?);
        }
    }
    Ok(counts)
}

/// Has every parser read a frame; whether it is one.
fn read(frame: &[u8]) -> Result<bool, Failure> {
    let body = frame.get(HEADER_LENGTH..).unwrap_or(&[]);
    views(body)?;
    views(frame)?;
    for kind in Kind::ALL {
        // Whatever the header says.
        if let Ok(message) = Message::parse(*kind, body) {
            lengths(&message)?;
        }
    }
    let Ok(packet) = Packet::new_checked(frame) else {
        return Ok(false);
    };
    let header = packet.header();
    if packet.body().len() + HEADER_LENGTH + TAG_LENGTH != frame.len() {
        return Err(Failure::new("header, body and tag are not the frame"));
    }
    let Ok(message) = Message::parse(header.kind, packet.body()) else {
        return Ok(false);
    };
    lengths(&message)?;
    let mut buffer = [0; FRAME_LENGTH_MAX];
    let again = message.emit(header.session, header.key, header.number, &mut buffer);
    let again = again.ok_or_else(|| Failure::new("what was read is longer than a frame"))?;
    // Numbers of reasons that this version does not know are read as `Other`.
    let reason = matches!(
        header.kind,
        Kind::Refuse | Kind::Fail | Kind::GrantRefuse | Kind::OfferRefuse
    );
    let (again, first) = (crate::mutate::content(again), crate::mutate::content(frame));
    if !reason && again != first {
        return Err(Failure::new(format!(
            "a {:?} was read, and is written back in another way: {message:?}",
            header.kind
        )));
    }
    Ok(true)
}

/// A message of a frame is no more than a message may be.
fn lengths(message: &Message<'_>) -> Result<(), Failure> {
    let words = match message {
        Message::Request(_, repr) => repr.words,
        Message::Reply(repr) => repr.words,
        _ => return Ok(()),
    };
    match words.len() <= WORDS_MAX && words.iter().count() == words.len() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "a message of {} words was read",
            words.len()
        ))),
    }
}

/// Each view's accessors, which must not panic once it was checked.
fn views(body: &[u8]) -> Result<(), Failure> {
    let most = |words: usize| match words <= WORDS_MAX {
        true => Ok(()),
        false => Err(Failure::new(format!("a view has {words} words"))),
    };
    if let Ok(view) = handshake::Packet::new_checked(body) {
        let _ = (view.versions().range(), view.from(), view.to());
        let _ = (view.cluster(), view.identity(), view.echo(), view.cookie());
        if view.slots() == 0 || view.extension().len() > handshake::EXTENSION_MAX {
            return Err(Failure::new("a greeting with an illegal field was read"));
        }
    }
    if let Ok(view) = request::Packet::new_checked(body) {
        let _ = (view.slot(), view.sequence(), view.target(), view.order());
        let _ = (view.budget_us(), view.label());
        let _ = view.capability();
        most(view.words().len())?;
    }
    if let Ok(view) = reply::Packet::new_checked(body) {
        let _ = (view.slot(), view.sequence(), view.label());
        let _ = view.capability();
        most(view.words().len())?;
    }
    if let Ok(view) = slot::Packet::new_checked(body) {
        let _ = (view.slot(), view.sequence(), view.code());
    }
    if let Ok(view) = cancel::Packet::new_checked(body) {
        let _ = (view.slot(), view.sequence(), view.target(), view.order());
    }
    if let Ok(view) = ping::Packet::new_checked(body) {
        let _ = view.token();
    }
    if let Ok(view) = ping::ReleasePacket::new_checked(body) {
        let _ = view.descriptor();
    }
    Ok(())
}
