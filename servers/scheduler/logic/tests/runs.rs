//! Runs of slots: nothing twice, nothing lost, gaps joined.

use proptest::prelude::*;
use scheduler_logic::limits::COMPONENTS;
use scheduler_logic::{Run, Runs};

const ALL: Run = Run {
    first: 7,
    count: 500,
};

proptest! {
    #[test]
    fn no_slot_is_given_twice_and_none_is_lost(steps in prop::collection::vec((0u32..60, any::<bool>(), any::<prop::sample::Index>()), 0..200)) {
        let mut runs = Runs::new(ALL);
        let mut taken: Vec<Run> = Vec::new();
        for (count, take, which) in steps {
            if take && taken.len() < COMPONENTS {
                if let Some(run) = runs.take(count) {
                    prop_assert_eq!(run.count, count);
                    prop_assert!(run.first >= ALL.first && run.first + run.count <= ALL.first + ALL.count);
                    for other in &taken {
                        let apart = run.first + run.count <= other.first || other.first + other.count <= run.first;
                        prop_assert!(apart || run.count == 0 || other.count == 0, "{run:?} and {other:?}");
                    }
                    taken.push(run);
                }
            } else if !taken.is_empty() {
                runs.give(taken.swap_remove(which.index(taken.len())));
            }
            let in_use: u32 = taken.iter().map(|run| run.count).sum();
            prop_assert_eq!(runs.free() + in_use, ALL.count);
        }
        taken.into_iter().for_each(|run| runs.give(run));
        prop_assert_eq!(runs.take(ALL.count), Some(ALL));
    }
}
