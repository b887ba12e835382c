//! The rings of calls: what is put in comes out, and whatever bytes are in the memory do no harm.

use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use netipc_interface::ring::{ClientEnd, Completion, ProxyEnd, Submission, Taken};
use proptest::prelude::*;
use shared_memory::{Producer, SharedMemory, Wait, Wake};

/// Bytes of a channel.
const BYTES: usize = 16 << 10;

/// A channel's memory, for ever.
fn memory() -> SharedMemory<'static> {
    let words: &'static mut [u64] = vec![0; BYTES / 8].leak();
    // SAFETY: leaked, aligned, and reached through the `SharedMemory` alone.
    unsafe { SharedMemory::from_raw(NonNull::from(words).cast(), BYTES) }.unwrap()
}

#[test]
fn what_is_submitted_arrives_and_is_completed() {
    let memory = memory();
    let mut client = ClientEnd::attach(memory).unwrap();
    let mut proxy = ProxyEnd::attach(memory).unwrap();
    assert_eq!(proxy.receive(), None);
    assert_eq!(proxy.prepare_to_wait(), Wait::Sleep);
    client.submit(7, 1, 2, 3, &[4, 5]).unwrap();
    assert_eq!(client.take_wake(), Wake::Needed, "the proxy sleeps");
    let submission = Submission {
        token: 7,
        target: 1,
        deadline: 2,
        label: 3,
        words: [4, 5].into_iter().collect(),
    };
    assert_eq!(proxy.receive(), Some(Taken::Record(submission)));
    proxy.complete(7, 512, &[9; 120]).unwrap();
    let completion = Completion {
        token: 7,
        label: 512,
        words: [9; 120].into_iter().collect(),
    };
    assert_eq!(client.complete(), Some(Taken::Record(completion)));
    assert_eq!(client.complete(), None);
}

#[test]
fn a_full_ring_takes_no_more_and_says_when_it_does() {
    let memory = memory();
    let mut client = ClientEnd::attach(memory).unwrap();
    let mut proxy = ProxyEnd::attach(memory).unwrap();
    let mut submitted = 0;
    while client.submit(submitted, 0, 0, 0, &[1; 120]).is_ok() {
        submitted += 1;
    }
    assert!(submitted > 1);
    assert_eq!(client.prepare_to_wait_for_room(), Wait::Sleep);
    let _ = client.take_wake();
    assert!(matches!(proxy.receive(), Some(Taken::Record(_))));
    assert_eq!(proxy.take_wake(), Wake::Needed, "the client waits for room");
    assert_eq!(client.prepare_to_wait_for_room(), Wait::Ready);
}

proptest! {
    /// Records of any length and content.
    #[test]
    fn any_record_is_taken_or_refused(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1200), 1..6),
    ) {
        let memory = memory();
        let (submissions, _) = memory.split_at(BYTES / 2).unwrap();
        let mut raw = Producer::attach(submissions.words()).unwrap();
        let mut proxy = ProxyEnd::attach(memory).unwrap();
        for record in &records {
            let mut room = raw.reserve(record.len()).unwrap();
            room.append(record).unwrap();
            let _ = room.commit();
            let taken = proxy.receive().expect("there is a record");
            match (record.len(), taken) {
                (..8, Taken::Rubbish) => {}
                (length, Taken::Record(submission)) => {
                    prop_assert!(length % 8 == 0 && (32..=32 + 960).contains(&length));
                    prop_assert_eq!(submission.words.len() * 8 + 32, length);
                }
                (length, Taken::Malformed(token)) => {
                    prop_assert!(length % 8 != 0 || !(32..=32 + 960).contains(&length));
                    prop_assert_eq!(&token.to_le_bytes()[..], &record[..8]);
                }
                (length, other) => prop_assert!(false, "{} bytes are {:?}", length, other),
            }
        }
    }

    /// A client that writes over everything, indices and all.
    #[test]
    fn any_memory_does_no_harm(bytes in prop::collection::vec((0..BYTES / 8, any::<u64>()), 0..200)) {
        let memory = memory();
        let mut client = ClientEnd::attach(memory).unwrap();
        let mut proxy = ProxyEnd::attach(memory).unwrap();
        for (at, word) in bytes {
            memory.words()[at].store(word, Ordering::Relaxed);
            for _ in 0..4 {
                let _ = proxy.receive();
            }
            let _ = proxy.complete(1, 2, &[3]);
            let _ = client.complete();
            let _ = client.submit(1, 2, 3, 4, &[5]);
            let _ = (proxy.prepare_to_wait(), proxy.prepare_to_wait_for_room());
        }
    }
}
