//! The fuzzer finds what is planted, within a stated number of cases.

use netipc_crypto::PlantedFault as Crypto;
use netipc_fuzz::{Options, Plant, Target, run};
use netipc_protocol::PlantedFault as Protocol;

/// The case that finds it, and what is said there.
fn found(target: Target, plant: Plant, within: u64) -> String {
    let options = Options {
        plant,
        ..Options::default()
    };
    let mut failures = (0..within).filter_map(|case| run(target, case, &options).err());
    match failures.next() {
        Some(failure) => failure.to_string(),
        None => panic!("{plant:?} is not found in {within} cases"),
    }
}

#[test]
fn an_outsider_finds_what_is_wrong_with_the_keys() {
    let words = |fault, within| found(Target::Outsider, Plant::Crypto(fault), within);
    for fault in Crypto::ALL {
        let (within, says) = match fault {
            Crypto::WindowOffByOne => (10, "has an effect twice"),
            Crypto::HeaderUnbound => (200, "a forged"),
            Crypto::HandshakeUnsigned => (30, "a forged Hello"),
        };
        let said = words(*fault, within);
        assert!(said.contains(says), "{fault:?}: {said}");
    }
}

#[test]
fn calls_that_are_not_answered_are_noticed() {
    let said = found(
        Target::Member,
        Plant::Protocol(Protocol::ReplyNotCached),
        20,
    );
    assert!(said.contains("an honest call"), "{said}");
}
