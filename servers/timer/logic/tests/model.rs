//! The table against a naive model: no deadline is told early, lost, or told twice.

use std::collections::BTreeMap;

use proptest::prelude::*;
use timer_logic::{Deadlines, NoSuchClient};

const CLIENTS: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Arm(usize, u64),
    Disarm(usize),
    /// Time passes.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..CLIENTS + 2, 0..300_u64).prop_map(|(client, deadline)| Step::Arm(client, deadline)),
        (0..CLIENTS + 2).prop_map(Step::Disarm),
        (0..40_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn as_a_map_would(steps in proptest::collection::vec(step(), 0..200)) {
        let mut table = Deadlines::<CLIENTS>::new();
        let mut model = BTreeMap::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Arm(client, deadline) if client < CLIENTS => {
                    prop_assert_eq!(table.arm(client, deadline), Ok(()));
                    model.insert(client, deadline);
                }
                Step::Arm(client, deadline) => prop_assert_eq!(table.arm(client, deadline), Err(NoSuchClient)),
                Step::Disarm(client) if client < CLIENTS => {
                    prop_assert_eq!(table.disarm(client), Ok(()));
                    model.remove(&client);
                }
                Step::Disarm(client) => prop_assert_eq!(table.disarm(client), Err(NoSuchClient)),
                Step::Pass(ticks) => {
                    now += ticks;
                    let told: Vec<_> = table.expire(now).collect();
                    let expected: Vec<_> = model.iter().filter(|(_, d)| **d <= now).map(|(c, _)| *c).collect();
                    prop_assert_eq!(&told, &expected);
                    model.retain(|_, d| *d > now);
                    prop_assert_eq!(table.expire(now).count(), 0, "told twice");
                }
            }
            prop_assert_eq!(table.earliest(), model.values().min().copied());
        }
    }
}
