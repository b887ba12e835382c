//! What was made for a run of a component goes with it, and nothing else does.

use std::collections::BTreeMap;

use isthmus_abi::ComponentId;
use isthmus_abi::runs::Run;
use netipc_protocol::{NodeId, limits};
use netipc_proxy_logic::Imports;
use netipc_proxy_logic::imports::{Left, Owner, Standing};
use proptest::prelude::*;

const A: NodeId = NodeId(2);
const ROWS: u16 = limits::CAPABILITIES as u16;

// [N49]
#[test]
fn an_import_goes_with_the_run_that_it_was_made_for() {
    let mut imports = Imports::<&str, u32>::new();
    imports.begin([A]);
    let first = Run::UNTOLD.begin();
    let (mortal, lasting) = (ComponentId(3), ComponentId(4));
    let of = |component, run| Owner { component, run };
    imports.place(A, 0, "the first run's", of(mortal, first), 10);
    imports.place(
        A,
        1,
        "somebody's who is not told of",
        of(lasting, Run::UNTOLD),
        11,
    );
    let mut word = first;
    let mut gone = Vec::new();
    let mut look = |imports: &mut Imports<&'static str, u32>, word: Run| {
        let now = |id| if id == mortal { word } else { Run::UNTOLD };
        imports.release_orphans(now, |import, slots| gone.push((import, slots)));
        std::mem::take(&mut gone)
    };
    assert_eq!(look(&mut imports, word), []);
    // It has ended and begun again before anybody has looked.
    word = word.end().begin();
    imports.place(A, 2, "the second run's", of(mortal, word), 12);
    assert_eq!(look(&mut imports, word), [("the first run's", Some(10))]);
    assert_eq!(imports.find(A, 0), Standing::Never);
    assert_eq!(imports.left(A, 0), Left::Empty(10));
    assert_eq!(imports.len(), 2);
    assert_eq!(
        look(&mut imports, word.end()),
        [("the second run's", Some(12))]
    );
    assert_eq!(look(&mut imports, word.end()), []);
    assert_eq!(
        imports.find(A, 1),
        Standing::Live("somebody's who is not told of")
    );
}

proptest! {
    /// Components that start, import, pass on, release and end in any order: the table holds what a naive model holds.
    // [N49]
    #[test]
    fn the_table_is_what_the_living_have(
        steps in prop::collection::vec((0..5_u8, 1..4_u8, 0..ROWS, 1..4_u8), 0..300),
    ) {
        let mut imports = Imports::<u64, u64>::new();
        imports.begin([A]);
        let mut runs = [Run::UNTOLD.begin(); 4];
        let mut model: BTreeMap<u16, (u64, Owner)> = BTreeMap::new();
        for (serial, (step, component, row, other)) in (1_u64..).zip(steps) {
            let owner = |id: u8, runs: &[Run; 4]| Owner {
                component: ComponentId(id),
                run: runs[usize::from(id)],
            };
            match step {
                0 if !model.contains_key(&row) => {
                    let owner = owner(component, &runs);
                    imports.place(A, row, serial, owner, serial);
                    model.insert(row, (serial, owner));
                }
                1 => {
                    let to = owner(other, &runs);
                    let done = imports.entrust(A, row, ComponentId(component), to);
                    let held = model.get_mut(&row).filter(|(_, owner)| owner.component.0 == component);
                    prop_assert_eq!(done, held.is_some());
                    if let Some((_, owner)) = held {
                        *owner = to;
                    }
                }
                2 => {
                    let held = model.remove(&row);
                    let released = held.and_then(|(import, _)| imports.release(A, row, import));
                    prop_assert_eq!(released, held.map(|(import, _)| import));
                }
                3 => {
                    let run = &mut runs[usize::from(component)];
                    *run = run.end();
                    let mut gone = Vec::new();
                    imports.release_orphans(
                        |id| runs[usize::from(id.0)],
                        |import, slots| gone.push((import, slots)),
                    );
                    let over = |(_, owner): &(u64, Owner)| owner.component.0 == component;
                    let wanted: Vec<_> = model.values().filter(|held| over(held)).map(|(import, _)| (*import, Some(*import))).collect();
                    model.retain(|_, held| !over(held));
                    prop_assert_eq!(gone, wanted);
                    runs[usize::from(component)] = runs[usize::from(component)].begin();
                }
                _ => {}
            }
            prop_assert_eq!(imports.len(), model.len());
            for (row, (import, owner)) in &model {
                prop_assert_eq!(imports.find(A, *row), Standing::Live(*import));
                prop_assert_eq!(imports.owner(A, *row), Some(*owner));
            }
        }
    }
}
