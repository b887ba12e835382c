//! What may go to other machines, rule by rule.

use isthmus_abi::ComponentId;
use isthmus_abi::limits::COMPONENTS;
use isthmus_abi::startup::{Components, PeerPolicy, Permission};
use netipc_protocol::NodeId;
use netipc_proxy_logic::Policy;

const KV: ComponentId = ComponentId(3);
const VAULT: ComponentId = ComponentId(4);
const FRIEND: NodeId = NodeId(2);
const GUEST: NodeId = NodeId(3);
const STRANGER: NodeId = NodeId(4);

fn policy() -> Policy {
    Policy::new(Some(&[
        PeerPolicy {
            node: FRIEND.0,
            exports: Components::ALL,
            names: Permission::Granted,
            hand_on: Permission::Granted,
        },
        PeerPolicy {
            node: GUEST.0,
            exports: Components::NONE.with(KV),
            names: Permission::Granted,
            hand_on: Permission::Refused,
        },
    ]))
}

#[test]
fn without_rules_everything_may_go_everywhere() {
    let policy = Policy::new(None);
    for node in [FRIEND, GUEST, STRANGER] {
        assert!(policy.may_export(VAULT, node) && policy.may_ask_names(node));
        assert!(policy.may_hand_on(node, VAULT, GUEST));
    }
}

// [N48]
#[test]
fn a_machine_gets_what_its_rule_names_and_nothing_else() {
    let policy = policy();
    for id in 0..=u8::MAX {
        let known = (1..=COMPONENTS as u8).contains(&id);
        assert_eq!(policy.may_export(ComponentId(id), FRIEND), known, "{id}");
        assert_eq!(
            policy.may_export(ComponentId(id), GUEST),
            id == KV.0,
            "{id}"
        );
        assert!(!policy.may_export(ComponentId(id), STRANGER), "{id}");
    }
    assert!(policy.may_ask_names(GUEST) && !policy.may_ask_names(STRANGER));
}

// [N48]
#[test]
fn what_is_handed_on_is_judged_by_who_hands_on_and_by_who_gets_it() {
    let policy = policy();
    assert!(policy.may_hand_on(FRIEND, KV, GUEST));
    assert!(
        !policy.may_hand_on(FRIEND, VAULT, GUEST),
        "the guest may not have it"
    );
    assert!(
        !policy.may_hand_on(GUEST, KV, FRIEND),
        "a guest hands nothing on"
    );
    assert!(!policy.may_hand_on(FRIEND, KV, STRANGER));
}
