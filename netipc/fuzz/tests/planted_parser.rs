//! The fuzzer finds a parser that believes a count. On its own: the fault is the whole program's.

use netipc_fuzz::{Options, Target, run};

#[test]
fn a_count_that_is_believed_is_noticed() {
    netipc_wire::plant();
    let mut failures =
        (0..10).filter_map(|case| run(Target::Parsers, case, &Options::default()).err());
    let failure = failures.next().expect("it is found in 10 cases");
    assert!(failure.to_string().contains("words"), "{failure}");
}
