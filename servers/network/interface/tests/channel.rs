//! The datagram channel, both ends in one thread.
use core::ptr::NonNull;

use network_interface::{
    Channel, ChannelError, MAX_PAYLOAD, Node, Peer, ReceiveError, SendError, Side,
};
use shared_memory::{SharedMemory, Wait, Wake};

/// Zeroed memory that lives as long as the test program.
fn memory(bytes: usize) -> SharedMemory<'static> {
    let words: &'static mut [u64] = vec![0; bytes / 8].leak();
    // SAFETY: leaked, aligned, and reached through the `SharedMemory` alone.
    unsafe { SharedMemory::from_raw(NonNull::from(words).cast(), bytes) }.unwrap()
}

fn pair() -> (Channel<'static>, Channel<'static>) {
    let memory = memory(64 << 10);
    (
        Channel::attach(memory, Side::Server).unwrap(),
        Channel::attach(memory, Side::Client).unwrap(),
    )
}

fn peer(node: u8, port: u16) -> Peer {
    Peer {
        node: Node::new(node).unwrap(),
        port,
    }
}

#[test]
fn datagrams_pass_both_ways() {
    let (mut server, mut client) = pair();
    assert_eq!(client.prepare_to_wait(), Wait::Sleep);
    assert_eq!(server.send(peer(7, 1234), b"hello"), Ok(Wake::Needed));
    let datagram = client.receive().unwrap().unwrap();
    assert_eq!((datagram.peer(), datagram.len()), (peer(7, 1234), 5));
    let mut bytes = [0; MAX_PAYLOAD];
    assert_eq!(datagram.take(&mut bytes), (5, Wake::NotNeeded));
    assert_eq!(&bytes[..5], b"hello");

    let longest = [9; MAX_PAYLOAD];
    assert_eq!(
        client.send(Peer::netipc(Node::new(254).unwrap()), &longest),
        Ok(Wake::NotNeeded)
    );
    assert_eq!(
        server.receive().unwrap().unwrap().take(&mut bytes),
        (MAX_PAYLOAD, Wake::NotNeeded)
    );
    assert_eq!(bytes, longest);
    assert!(server.receive().unwrap().is_none());
}

#[test]
fn too_long_and_too_many_are_refused() {
    let (mut server, mut client) = pair();
    assert_eq!(
        client.send(peer(1, 1), &[0; MAX_PAYLOAD + 1]),
        Err(SendError::TooLong)
    );
    let mut sent = 0;
    while client.send(peer(1, 1), &[0; MAX_PAYLOAD]).is_ok() {
        sent += 1;
    }
    assert!(sent >= 10);
    assert_eq!(client.prepare_to_wait_for_room(), Wait::Sleep);
    assert_eq!(
        server.receive().unwrap().unwrap().take(&mut []),
        (0, Wake::Needed)
    );
}

#[test]
fn a_record_that_is_no_datagram_is_passed_over() {
    let memory = memory(64 << 10);
    let mut client = Channel::attach(memory, Side::Client).unwrap();
    let mut server =
        shared_memory::Producer::attach(memory.split_at(32 << 10).unwrap().0.words()).unwrap();
    for record in [
        &[0_u8; 8][..],
        &[255, 0, 1, 0, 0, 0, 0, 0],
        &[1, 1, 1, 0, 0, 0, 0, 0],
        &[1, 0, 1],
        &[],
    ] {
        let mut reservation = server.reserve(record.len()).unwrap();
        reservation.append(record).unwrap();
        let _ = reservation.commit();
        assert!(
            matches!(client.receive(), Err(ReceiveError::Malformed(_))),
            "{record:?}"
        );
    }
    assert!(client.receive().unwrap().is_none());
}

#[test]
fn a_channel_holds_at_least_a_datagram() {
    assert_eq!(
        Channel::attach(memory(0), Side::Client).err(),
        Some(ChannelError::TooSmall)
    );
    assert_eq!(
        Channel::attach(memory(2048), Side::Server).err(),
        Some(ChannelError::TooSmall)
    );
    assert!(Channel::attach(memory(5000), Side::Server).is_ok());
}

#[test]
fn nodes_have_addresses() {
    assert_eq!(Node::new(0), None);
    assert_eq!(Node::new(255), None);
    assert_eq!(Node::from_address([10, 73, 0, 9]), Node::new(9));
    assert_eq!(Node::from_address([10, 73, 1, 9]), None);
    assert_eq!(Node::new(9).unwrap().address(), [10, 73, 0, 9]);
}
