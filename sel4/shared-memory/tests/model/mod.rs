//! The ring under `loom`: every interleaving (up to a bound of preemptions) of a producer and a consumer that sleep when they have nothing
//! to do. The including file chooses the atomics, through `crate::atomic`, so that the same program runs on sound and on broken ones.
use loom::sync::Notify;
use loom::thread;

use crate::atomic::AtomicU64;
use crate::ring::{Consumer, Producer, ReserveError, Wait, Wake};

/// Control words and four data words: one record of two words and its header at a time, so the second record wraps and both sides sleep.
const WORDS: usize = 16 + 4;
/// Enough to fill the ring and to wrap.
const RECORDS: u8 = 3;
/// Two words, so that a torn record shows.
const LENGTH: usize = 16;

/// What a side does with the answer of `prepare_to_wait`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SecondLook {
    /// It sleeps only if it may.
    Heeded,
    /// The planted fault: it sleeps in any case.
    Forgotten,
}

/// Explores the model; panics if a record is torn, lost or repeated, or if a side sleeps for ever.
pub fn explore(second_look: SecondLook) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || run(second_look));
}

fn run(second_look: SecondLook) {
    // Leaked, a few hundred bytes for each execution: when loom finds a deadlock it panics, and dropping its objects then panics again.
    let words: &'static [AtomicU64] = Box::leak((0..WORDS).map(|_| AtomicU64::new(0)).collect());
    let record_event: &'static Notify = Box::leak(Box::new(Notify::new()));
    let room_event: &'static Notify = Box::leak(Box::new(Notify::new()));
    let producer = thread::spawn(move || produce(words, record_event, room_event, second_look));
    consume(words, record_event, room_event, second_look);
    producer.join().unwrap();
}

fn produce(
    words: &[AtomicU64],
    record_event: &Notify,
    room_event: &Notify,
    second_look: SecondLook,
) {
    let mut producer = Producer::attach(words).unwrap();
    for number in 1..=RECORDS {
        loop {
            match producer.reserve(LENGTH) {
                Ok(mut reservation) => {
                    reservation.append(&[number; LENGTH]).unwrap();
                    if reservation.commit() == Wake::Needed {
                        record_event.notify();
                    }
                    break;
                }
                Err(ReserveError::Full) => {
                    if producer.prepare_to_wait(LENGTH) == Wait::Sleep
                        || second_look == SecondLook::Forgotten
                    {
                        room_event.wait();
                    }
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

fn consume(
    words: &[AtomicU64],
    record_event: &Notify,
    room_event: &Notify,
    second_look: SecondLook,
) {
    let mut consumer = Consumer::attach(words).unwrap();
    for number in 1..=RECORDS {
        loop {
            if let Some(mut record) = consumer.next().expect("a record is torn, lost or repeated") {
                let mut bytes = [0; LENGTH];
                assert_eq!(
                    record.read(&mut bytes),
                    LENGTH,
                    "a record is torn, lost or repeated"
                );
                assert_eq!(
                    bytes, [number; LENGTH],
                    "a record is torn, lost or repeated"
                );
                if record.release() == Wake::Needed {
                    room_event.notify();
                }
                break;
            }
            if consumer.prepare_to_wait() == Wait::Sleep || second_look == SecondLook::Forgotten {
                record_event.wait();
            }
        }
    }
}
