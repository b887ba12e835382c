//! The store against a map, and the count against another.

use std::collections::BTreeMap;

use kv_interface::{CLIENTS, Key, KvError, REQUESTS, RequestId, Totals, Value};
use kv_logic::{KEYS, Store};
use proptest::prelude::*;

fn key(text: &str) -> Key {
    text.try_into().unwrap()
}

#[test]
fn each_request_is_counted() {
    let mut store = Store::new(7);
    let id = |client, number| RequestId { client, number };
    assert_eq!(store.executed(id(1, 0)), 0);
    for _ in 0..300 {
        store.run(id(1, 0)).unwrap();
    }
    store.run(id(1, REQUESTS - 1)).unwrap();
    assert_eq!(store.run(id(1, REQUESTS)), Err(KvError::NotCounted));
    assert_eq!(store.executed(id(1, 0)), 255);
    assert_eq!(store.executed(id(1, REQUESTS - 1)), 1);
    assert_eq!(store.executed(id(1, u32::MAX)), 0);
    assert_eq!(
        store.totals(),
        Totals {
            incarnation: 7,
            requests: 301,
            distinct: 2
        }
    );
    for client in 2..=CLIENTS as u32 {
        store.run(id(client, 5)).unwrap();
    }
    assert_eq!(store.run(id(99, 5)), Err(KvError::NotCounted));
    assert_eq!(store.totals().distinct, 1 + CLIENTS as u64);
}

#[test]
fn there_is_room_for_so_many_keys() {
    let mut store = Store::new(0);
    for i in 0..KEYS {
        assert_eq!(store.put(key(&format!("k{i}")), &Value::new()), Ok(1));
    }
    assert_eq!(store.put(key("more"), &Value::new()), Err(KvError::Full));
    assert_eq!(store.put(key("k3"), &Value::new()), Ok(2));
    assert_eq!(store.count(), KEYS as u64);
}

proptest! {
    #[test]
    fn the_store_is_a_map(
        steps in proptest::collection::vec((0u8..10, proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20))), 0..100),
    ) {
        let mut store = Store::new(0);
        let mut model: BTreeMap<u8, (Vec<u8>, u64)> = BTreeMap::new();
        for (which, put) in steps {
            let name = key(&which.to_string());
            if let Some(value) = put {
                let stored = model.get(&which).map_or(0, |(_, n)| *n) + 1;
                prop_assert_eq!(store.put(name, &value.iter().copied().collect()), Ok(stored));
                model.insert(which, (value, stored));
            } else {
                let expected = model.get(&which).map(|(value, _)| value.as_slice()).ok_or(KvError::NoSuchKey);
                prop_assert_eq!(store.get(&name).map(|v| v.as_slice()), expected);
            }
            prop_assert_eq!(store.count(), model.len() as u64);
        }
    }
}
