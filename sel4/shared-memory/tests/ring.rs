//! The ring in one thread: order, lengths, wrapping, limits, and a peer that writes rubbish.
use core::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use shared_memory::ring::bytes_for;
use shared_memory::{
    AttachError, Consumer, Corrupt, MemoryError, OutOfBounds, Producer, ReserveError, SharedMemory,
    Wait, Wake,
};

fn words(data: usize) -> Vec<AtomicU64> {
    (0..16 + data).map(|_| AtomicU64::new(0)).collect()
}

fn push(producer: &mut Producer<'_>, bytes: &[u8]) -> Result<Wake, ReserveError> {
    let mut reservation = producer.reserve(bytes.len())?;
    reservation.append(bytes)?;
    Ok(reservation.commit())
}

fn pop(consumer: &mut Consumer<'_>) -> Result<Option<Vec<u8>>, Corrupt> {
    let Some(mut record) = consumer.next()? else {
        return Ok(None);
    };
    let mut bytes = vec![0; record.len()];
    assert_eq!(record.read(&mut bytes), bytes.len());
    let _ = record.release();
    Ok(Some(bytes))
}

#[test]
fn a_ring_needs_room_for_a_record() {
    assert_eq!(
        Producer::attach(&words(1)).err(),
        Some(AttachError::TooSmall)
    );
    assert_eq!(Consumer::attach(&[]).err(), Some(AttachError::TooSmall));
    assert!(Producer::attach(&words(2)).is_ok());
}

#[test]
fn a_reservation_that_is_dropped_publishes_nothing() {
    let words = words(8);
    let (mut producer, mut consumer) = (
        Producer::attach(&words).unwrap(),
        Consumer::attach(&words).unwrap(),
    );
    producer.reserve(8).unwrap().append(b"nothing!").unwrap();
    assert_eq!(pop(&mut consumer), Ok(None));
}

#[test]
fn a_record_is_as_long_as_what_was_appended() {
    let words = words(16);
    let (mut producer, mut consumer) = (
        Producer::attach(&words).unwrap(),
        Consumer::attach(&words).unwrap(),
    );
    let mut reservation = producer.reserve(100).unwrap();
    reservation.append(b"abc").unwrap();
    reservation.append(b"defghijklmnop").unwrap();
    reservation.append(b"").unwrap();
    reservation.append(b"q").unwrap();
    let _ = reservation.commit();
    let mut record = consumer.next().unwrap().unwrap();
    let (mut first, mut rest) = ([0; 5], [0; 100]);
    assert_eq!(
        (
            record.len(),
            record.read(&mut first),
            record.read(&mut rest)
        ),
        (17, 5, 12)
    );
    assert_eq!((&first, &rest[..12]), (b"abcde", &b"fghijklmnopq"[..]));
}

#[test]
fn too_much_is_refused() {
    let words = words(4);
    let mut producer = Producer::attach(&words).unwrap();
    assert_eq!(producer.max_record(), 24);
    assert_eq!(push(&mut producer, &[0; 25]), Err(ReserveError::TooLong));
    assert_eq!(
        producer.reserve(3).unwrap().append(&[0; 4]),
        Err(ReserveError::TooLong)
    );
    assert!(push(&mut producer, &[0; 24]).is_ok());
    assert_eq!(push(&mut producer, &[]), Err(ReserveError::Full));
}

#[test]
fn only_a_sleeper_is_signalled_and_only_once() {
    let words = words(8);
    let (mut producer, mut consumer) = (
        Producer::attach(&words).unwrap(),
        Consumer::attach(&words).unwrap(),
    );
    assert_eq!(push(&mut producer, b"1"), Ok(Wake::NotNeeded));
    assert_eq!(consumer.prepare_to_wait(), Wait::Ready);
    pop(&mut consumer).unwrap();
    assert_eq!(consumer.prepare_to_wait(), Wait::Sleep);
    assert_eq!(push(&mut producer, b"2"), Ok(Wake::Needed));
    assert_eq!(push(&mut producer, b"3"), Ok(Wake::NotNeeded));
    assert_eq!(producer.prepare_to_wait(8), Wait::Ready);
    assert_eq!(producer.prepare_to_wait(40), Wait::Sleep);
    assert_eq!(consumer.next().unwrap().unwrap().release(), Wake::Needed);
    assert_eq!(consumer.next().unwrap().unwrap().release(), Wake::NotNeeded);
}

#[test]
fn a_side_that_attaches_again_goes_on() {
    let words = words(8);
    let _ = push(&mut Producer::attach(&words).unwrap(), b"one").unwrap();
    let _ = push(&mut Producer::attach(&words).unwrap(), b"two").unwrap();
    assert_eq!(
        pop(&mut Consumer::attach(&words).unwrap()),
        Ok(Some(b"one".to_vec()))
    );
    assert_eq!(
        pop(&mut Consumer::attach(&words).unwrap()),
        Ok(Some(b"two".to_vec()))
    );
}

#[test]
fn an_impossible_tail_is_found_and_discarded() {
    let words = words(8);
    let mut consumer = Consumer::attach(&words).unwrap();
    words[0].store(9, Ordering::Relaxed);
    assert_eq!(consumer.next().err(), Some(Corrupt));
    assert_eq!(consumer.prepare_to_wait(), Wait::Ready);
    let _ = consumer.discard();
    assert_eq!(pop(&mut consumer), Ok(None));
    assert_eq!(consumer.prepare_to_wait(), Wait::Sleep);
}

#[test]
fn an_impossible_head_is_found() {
    let words = words(8);
    let mut producer = Producer::attach(&words).unwrap();
    let _ = push(&mut producer, &[1; 40]).unwrap();
    words[8].store(7, Ordering::Relaxed);
    assert_eq!(push(&mut producer, &[1; 40]), Err(ReserveError::Corrupt));
    assert_eq!(producer.prepare_to_wait(40), Wait::Ready);
}

#[test]
fn an_impossible_length_is_found() {
    let words = words(8);
    let (mut producer, mut consumer) = (
        Producer::attach(&words).unwrap(),
        Consumer::attach(&words).unwrap(),
    );
    let _ = push(&mut producer, b"12345678").unwrap();
    words[16].store(9, Ordering::Relaxed);
    assert_eq!(consumer.next().err(), Some(Corrupt));
    words[16].store(u64::MAX, Ordering::Relaxed);
    assert_eq!(consumer.next().err(), Some(Corrupt));
}

#[test]
fn the_size_for_so_many_records_holds_them() {
    for (records, bytes) in [(1, 0), (1, 1), (3, 8), (64, 1536)] {
        let words = words(bytes_for(records, bytes) / 8 - 16);
        let mut producer = Producer::attach(&words).unwrap();
        for _ in 0..records {
            let _ = push(&mut producer, &vec![7; bytes]).unwrap();
        }
    }
}

#[test]
fn views_are_bounded() {
    let mut memory = [0_u64; 4];
    let base = core::ptr::NonNull::from(&mut memory).cast::<u8>();
    // SAFETY: `memory` lives through the test and is accessed only through the view.
    let view = unsafe { SharedMemory::from_raw(base, 32) }.unwrap();
    // SAFETY: refused before any use.
    let misaligned = unsafe { SharedMemory::from_raw(base, 31) };
    assert_eq!(misaligned.err(), Some(MemoryError::Misaligned));
    view.write(5, b"over two words").unwrap();
    let mut bytes = [0; 14];
    view.read(5, &mut bytes).unwrap();
    assert_eq!(&bytes, b"over two words");
    assert_eq!(view.write(19, &bytes), Err(OutOfBounds));
    assert_eq!(view.read(usize::MAX, &mut bytes), Err(OutOfBounds));
    assert_eq!(view.split_at(40).err(), Some(OutOfBounds));
    assert_eq!(view.split_at(8).unwrap().1.len(), 24);
}

proptest! {
    /// Against a queue: what goes in comes out, whatever the lengths and the pace.
    #[test]
    fn it_is_a_queue(steps in prop::collection::vec(prop::option::of(0_usize..60), 1..400)) {
        let words = words(16);
        let (mut producer, mut consumer) = (Producer::attach(&words).unwrap(), Consumer::attach(&words).unwrap());
        let mut expected = std::collections::VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Some(length) => {
                    let bytes = vec![number as u8; length];
                    if push(&mut producer, &bytes).is_ok() {
                        expected.push_back(bytes);
                    } else {
                        prop_assert!(!expected.is_empty(), "an empty ring takes every record");
                    }
                }
                None => prop_assert_eq!(pop(&mut consumer), Ok(expected.pop_front())),
            }
        }
    }

    /// A peer that overwrites any words, at any time, with anything: calls end, and stay in bounds (a panic fails the test).
    #[test]
    fn rubbish_is_harmless(
        steps in prop::collection::vec((0_usize..32, prop_oneof![any::<u64>(), 0_u64..64], 0_usize..80), 1..200),
    ) {
        let words = words(16);
        let (mut producer, mut consumer) = (Producer::attach(&words).unwrap(), Consumer::attach(&words).unwrap());
        for (word, value, length) in steps {
            words[word].store(value, Ordering::Relaxed);
            let _ = push(&mut producer, &vec![1; length]);
            let _ = producer.prepare_to_wait(length);
            if pop(&mut consumer).is_err() {
                let _ = consumer.discard();
            }
            let _ = consumer.prepare_to_wait();
            let _ = Producer::attach(&words).map(|mut new| push(&mut new, b"new"));
            let _ = Consumer::attach(&words).map(|mut new| pop(&mut new));
        }
    }
}
