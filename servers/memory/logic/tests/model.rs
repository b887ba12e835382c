//! Random operations against a naive model of what should become of them, over a model of the kernel that checks every step: no byte is
//! anybody's twice, nothing is lost, quotas are kept, what fails changes nothing, and at the end everything is free.

mod kernel;

use std::collections::{BTreeMap, BTreeSet};

use isthmus_abi::layout::{OBJECTS, OBJECTS_BYTES};
use isthmus_abi::{ComponentId, ObjectId, Slot, SlotRange};
use kernel::{Model, Object};
use memory_interface::{Access, MemoryError, Statistics};
use memory_logic::Memory;
use memory_logic::limits::{ACCOUNT_MAPPINGS, ACCOUNT_OBJECTS, OBJECT_BYTES};
use proptest::prelude::*;

const PAGE: u64 = 4096;
/// log2 of the bytes of each untyped object that is handed over: 10 MiB and a bit.
const UNTYPED: [u8; 4] = [23, 21, 13, 12];
const SLOTS: SlotRange = SlotRange {
    first: Slot(1000),
    count: 9000,
};
const COMPONENTS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    Open(u8, u64),
    Close(u8),
    Create(u8, u64),
    Map(u8, usize, Access),
    Unmap(u8, usize),
    Destroy(u8, usize),
    Reserve(u8),
    GiveBack(usize),
}

fn bytes() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 1..16 * PAGE,
        2 => 1..600 * PAGE,
        1 => (1 << 21)..(6u64 << 20),
        1 => prop_oneof![Just(0), Just(OBJECT_BYTES), Just(OBJECT_BYTES + 1), Just(u64::MAX)],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..=COMPONENTS;
    let access = prop_oneof![Just(Access::Read), Just(Access::Write)];
    prop_oneof![
        2 => (who.clone(), prop_oneof![0..100 * PAGE, Just(8 << 20), Just(u64::MAX)]).prop_map(|(c, q)| Step::Open(c, q)),
        1 => who.clone().prop_map(Step::Close),
        6 => (who.clone(), bytes()).prop_map(|(c, b)| Step::Create(c, b)),
        6 => (who.clone(), any::<usize>(), access).prop_map(|(c, o, a)| Step::Map(c, o, a)),
        4 => (who.clone(), any::<usize>()).prop_map(|(c, m)| Step::Unmap(c, m)),
        3 => (who, any::<usize>()).prop_map(|(c, o)| Step::Destroy(c, o)),
        1 => (8..24u8).prop_map(Step::Reserve),
        1 => any::<usize>().prop_map(Step::GiveBack),
    ]
}

struct Account {
    quota: u64,
    /// By object: where.
    mapped: BTreeMap<usize, u64>,
    space: Slot,
}

struct Thing {
    id: ObjectId,
    pages: u64,
    maker: Option<u8>,
}

/// What should be.
#[derive(Default)]
struct Naive {
    accounts: BTreeMap<u8, Account>,
    /// All objects that ever were.
    things: Vec<Thing>,
    reservations: BTreeMap<u64, u64>,
}

impl Naive {
    fn holds(&self, who: u8, thing: usize) -> bool {
        let mapped = |a: &Account| a.mapped.contains_key(&thing);
        self.things[thing].maker == Some(who) || self.accounts.get(&who).is_some_and(mapped)
    }

    fn used(&self, who: u8) -> u64 {
        let held = (0..self.things.len()).filter(|&thing| self.holds(who, thing));
        let objects: u64 = held.map(|thing| self.things[thing].pages * PAGE).sum();
        objects + self.table_bytes(&self.accounts[&who].mapped)
    }

    /// What the tables of these mappings should take: whole pieces of 2 MiB have none of the lowest level.
    fn table_bytes(&self, mapped: &BTreeMap<usize, u64>) -> u64 {
        let mut tables = BTreeSet::new();
        for (&thing, &address) in mapped {
            tables.insert((1, 0));
            tables.insert((2, address >> 30));
            let pages = self.things[thing].pages;
            for page in pages / 512 * 512..pages {
                tables.insert((3, (address + page * PAGE) >> 21));
            }
        }
        tables.len() as u64 * PAGE
    }

    fn mapped_by(&self, thing: usize) -> usize {
        let maps = |a: &&Account| a.mapped.contains_key(&thing);
        self.accounts.values().filter(maps).count()
    }

    fn lives(&self, thing: usize) -> bool {
        self.things[thing].maker.is_some() || self.mapped_by(thing) > 0
    }

    fn taken_bytes(&self) -> u64 {
        let alive = (0..self.things.len()).filter(|&thing| self.lives(thing));
        let objects: u64 = alive.map(|thing| self.things[thing].pages * PAGE).sum();
        let tables = self.accounts.values();
        let tables: u64 = tables.map(|a| self.table_bytes(&a.mapped)).sum();
        objects + tables + self.reservations.values().sum::<u64>()
    }
}

struct World {
    memory: Memory<Model>,
    naive: Naive,
    next_space: u32,
    /// Large pages may be missing: then objects of more than 2 MiB are not what the naive model takes them for.
    fragmented: bool,
}

impl World {
    fn new() -> Self {
        let mut model = Model::default();
        let mut base = 1 << 32;
        let slots = (1..).map(Slot).zip(UNTYPED);
        for (slot, bits) in slots.clone() {
            model.put(slot, Object::Untyped { base, bits });
            base += 1 << 30;
        }
        Self {
            memory: Memory::new(model, slots, SLOTS),
            naive: Naive::default(),
            next_space: 100,
            fragmented: false,
        }
    }

    fn id(&self, thing: usize) -> Option<(usize, ObjectId)> {
        let index = thing % self.naive.things.len().max(1);
        self.naive.things.get(index).map(|thing| (index, thing.id))
    }

    fn state(&self) -> (Statistics, Vec<u64>) {
        let used = (1..=COMPONENTS).map(|c| {
            self.memory
                .usage(ComponentId(c))
                .map_or(0, |u| u.used_bytes)
        });
        (self.memory.statistics(), used.collect())
    }

    /// Does a step; an error must have a reason.
    fn step(&mut self, step: &Step) -> Result<(), MemoryError> {
        match *step {
            Step::Open(who, quota) => {
                let space = Slot(self.next_space);
                self.memory
                    .open(ComponentId(who), space, quota)
                    .inspect_err(|&error| {
                        let open = self.naive.accounts.contains_key(&who);
                        assert!(who == 0 && error == MemoryError::NoSuchObject || open);
                    })?;
                assert!(!self.naive.accounts.contains_key(&who));
                self.next_space += 1;
                self.memory.kernel_mut().put(space, Object::Space);
                let account = Account {
                    quota,
                    space,
                    mapped: BTreeMap::new(),
                };
                self.naive.accounts.insert(who, account);
            }
            Step::Close(who) => {
                let space = self.memory.close(ComponentId(who)).inspect_err(|_| {
                    assert!(!self.naive.accounts.contains_key(&who));
                })?;
                let account = self.naive.accounts.remove(&who).expect("it was open");
                assert_eq!(account.space, space);
                use memory_logic::Kernel;
                self.memory.kernel_mut().delete(space);
                for thing in &mut self.naive.things {
                    thing.maker = thing.maker.filter(|&maker| maker != who);
                }
            }
            Step::Create(who, bytes) => self.create(who, bytes)?,
            Step::Map(who, thing, access) => {
                let Some((thing, id)) = self.id(thing) else {
                    return Ok(());
                };
                self.map(who, thing, id, access)?;
            }
            Step::Unmap(who, mapping) => {
                let account = self.naive.accounts.get(&who);
                let mapped: Vec<_> =
                    account.map_or(vec![], |a| a.mapped.clone().into_iter().collect());
                let chosen = mapped.get(mapping % mapped.len().max(1)).copied();
                let (thing, address) = chosen.unwrap_or((0, OBJECTS + PAGE));
                let result = self.memory.unmap(ComponentId(who), address);
                assert_eq!(result.is_ok(), chosen.is_some());
                result?;
                let account = self.naive.accounts.get_mut(&who).expect("it was mapped");
                account.mapped.remove(&thing);
            }
            Step::Destroy(who, thing) => {
                let Some((thing, id)) = self.id(thing) else {
                    return Ok(());
                };
                // A number may have been given again.
                let thing = self.current(id).unwrap_or(thing);
                let result = self.memory.destroy(ComponentId(who), id);
                let open = self.naive.accounts.contains_key(&who);
                let mine = open && self.naive.things[thing].maker == Some(who);
                assert_eq!(result.is_ok(), mine, "{result:?}");
                result?;
                self.naive.things[thing].maker = None;
            }
            Step::Reserve(bits) => {
                let largest = self.memory.statistics().largest_bytes;
                let reserved = self.memory.reserve(bits).inspect_err(|error| match error {
                    MemoryError::BadSize => assert!(bits < 12),
                    MemoryError::OutOfMemory => assert!(largest < 1 << bits),
                    other => panic!("{other}"),
                })?;
                assert!(largest >= 1 << bits);
                self.naive.reservations.insert(reserved.number, 1 << bits);
            }
            Step::GiveBack(which) => {
                let numbers: Vec<_> = self.naive.reservations.keys().copied().collect();
                let number = numbers.get(which % numbers.len().max(1)).copied();
                let result = self.memory.give_back(number.unwrap_or(63));
                assert_eq!(result.is_ok(), number.is_some());
                result?;
                self.naive.reservations.remove(&number.unwrap_or(63));
            }
        }
        Ok(())
    }

    /// The object that has this number now.
    fn current(&self, id: ObjectId) -> Option<usize> {
        let mut all = self.naive.things.iter();
        all.position(|thing| thing.id == id && thing.maker.is_some())
    }

    fn create(&mut self, who: u8, bytes: u64) -> Result<(), MemoryError> {
        let before = self.memory.statistics();
        let slot = self.memory.create(ComponentId(who), bytes);
        let account = self.naive.accounts.get(&who);
        let pages = bytes.div_ceil(PAGE);
        let made = |thing: &&Thing| thing.maker == Some(who);
        let slot = slot.inspect_err(|error| match error {
            MemoryError::NoAccount => assert!(account.is_none()),
            MemoryError::BadSize => assert!(bytes == 0 || bytes > OBJECT_BYTES),
            MemoryError::QuotaExceeded => {
                let quota = account.expect("it has an account").quota;
                assert!(self.naive.used(who) + pages * PAGE > quota);
            }
            MemoryError::OutOfMemory => assert!(pages * PAGE > before.free_bytes),
            MemoryError::TooMany => {
                let objects = self.naive.things.iter().filter(made).count();
                assert!(objects == ACCOUNT_OBJECTS || before.free_slots < 2 * pages + 200);
            }
            other => panic!("{other}"),
        })?;
        let badge = self.memory.kernel().at_slot(slot);
        let Some(Object::Badge(id)) = badge else {
            panic!("no capability: {badge:?}");
        };
        self.naive.things.push(Thing {
            id,
            pages,
            maker: Some(who),
        });
        let used = self.naive.used(who);
        assert!(used <= self.naive.accounts[&who].quota);
        self.fragmented |= before.largest_bytes < 1 << 22 && pages > 512;
        Ok(())
    }

    fn map(
        &mut self,
        who: u8,
        thing: usize,
        id: ObjectId,
        access: Access,
    ) -> Result<(), MemoryError> {
        let thing = self.current(id).unwrap_or(thing);
        let before = self.memory.statistics();
        let account = self.naive.accounts.get(&who);
        let Thing { pages, maker, .. } = self.naive.things[thing];
        let mapped = self.memory.map(ComponentId(who), id, access);
        let mapped = mapped.inspect_err(|error| match error {
            MemoryError::NoAccount => assert!(account.is_none()),
            MemoryError::NoSuchObject => assert!(maker.is_none()),
            MemoryError::AlreadyMapped => {
                assert!(account.is_some_and(|a| a.mapped.contains_key(&thing)));
            }
            MemoryError::QuotaExceeded => {
                let quota = account.expect("it has an account").quota;
                let tables = (3 + pages.div_ceil(512)) * PAGE;
                let bytes = match self.naive.holds(who, thing) {
                    true => tables,
                    false => pages * PAGE + tables,
                };
                assert!(self.naive.used(who) + bytes > quota || self.fragmented);
            }
            MemoryError::OutOfMemory => {
                assert!(before.free_bytes < (3 + pages.div_ceil(512)) * PAGE);
            }
            MemoryError::TooMany => {
                let mappings = account.expect("it has an account").mapped.len();
                assert!(mappings == ACCOUNT_MAPPINGS || before.free_slots < 2 * pages + 200);
            }
            other => panic!("{other}"),
        })?;
        assert_eq!(mapped.bytes, pages * PAGE);
        assert!(maker.is_some());
        let account = self
            .naive
            .accounts
            .get_mut(&who)
            .expect("it has an account");
        account.mapped.insert(thing, mapped.address);
        let space = account.space;
        let end = mapped.address + mapped.bytes;
        assert!(mapped.address > OBJECTS && end < OBJECTS + OBJECTS_BYTES);
        let kernel = self.memory.kernel();
        for address in [mapped.address, end - 1] {
            assert_eq!(kernel.look(space, address).map(|seen| seen.1), Some(access));
        }
        for outside in [mapped.address - 1, end] {
            assert_eq!(kernel.look(space, outside), None, "a page between mappings");
        }
        Ok(())
    }

    fn check(&self) {
        let seen = self.memory.statistics();
        let naive = &self.naive;
        assert_eq!(seen.accounts, naive.accounts.len() as u64);
        let alive = (0..naive.things.len()).filter(|&thing| naive.lives(thing));
        assert_eq!(seen.objects, alive.count() as u64);
        let mapped = naive.accounts.values().map(|a| a.mapped.len() as u64);
        assert_eq!(seen.mappings, mapped.sum::<u64>());
        assert_eq!(seen.reservations, naive.reservations.len() as u64);
        if self.fragmented {
            return;
        }
        for &who in naive.accounts.keys() {
            let used = self.memory.usage(ComponentId(who)).expect("it is open");
            assert_eq!(used.used_bytes, naive.used(who), "component {who}");
        }
        assert_eq!(seen.free_bytes, seen.total_bytes - naive.taken_bytes());
    }

    /// Two components that map one object see the same memory.
    fn check_shared(&self) {
        for thing in 0..self.naive.things.len() {
            let mut seen = BTreeSet::new();
            for account in self.naive.accounts.values() {
                if let Some(&address) = account.mapped.get(&thing) {
                    let look = |offset| {
                        let kernel = self.memory.kernel();
                        kernel.look(account.space, address + offset).map(|s| s.0)
                    };
                    let pages = self.naive.things[thing].pages;
                    seen.insert([0, pages / 2, pages - 1].map(|page| look(page * PAGE)));
                }
            }
            assert!(seen.len() <= 1, "{seen:?}");
        }
    }

    fn end(mut self, before: Statistics, used_slots: usize) {
        for who in 1..=COMPONENTS {
            let _ = self.step(&Step::Close(who));
        }
        while !self.naive.reservations.is_empty() {
            self.step(&Step::GiveBack(0)).expect("it is there");
        }
        assert_eq!(self.memory.statistics(), before);
        // Whatever is still split can be put together.
        for bits in UNTYPED {
            self.memory.reserve(bits).expect("everything is free");
        }
        assert_eq!(self.memory.kernel().used(), used_slots);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn as_it_should_be(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        let (before, used_slots) = (world.memory.statistics(), world.memory.kernel().used());
        prop_assert_eq!(before.free_bytes, UNTYPED.iter().map(|bits| 1 << bits).sum::<u64>());
        for step in &steps {
            let state = world.state();
            if world.step(step).is_err() {
                prop_assert_eq!(world.state(), state, "what failed changed something");
            }
            world.check();
        }
        world.check_shared();
        world.end(before, used_slots);
    }

    /// The kernel refuses somewhere in the middle of an operation: nothing has changed.
    #[test]
    fn a_refusal_changes_nothing(
        steps in proptest::collection::vec((step(), proptest::option::of(0..40u32)), 1..60),
    ) {
        let mut world = World::new();
        let (before, used_slots) = (world.memory.statistics(), world.memory.kernel().used());
        for (step, refuse_in) in &steps {
            let state = world.state();
            let taking = matches!(step, Step::Create(..) | Step::Map(..) | Step::Reserve(_));
            if taking && refuse_in.is_some() {
                world.memory.kernel_mut().refuse_in = *refuse_in;
                // The same on the side, for the naive model does not know of refusals.
                let refused = match *step {
                    Step::Create(who, bytes) => world.memory.create(ComponentId(who), bytes).err(),
                    Step::Map(who, thing, access) => match world.id(thing) {
                        Some((_, id)) => world.memory.map(ComponentId(who), id, access).err(),
                        None => Some(MemoryError::NoSuchObject),
                    },
                    Step::Reserve(bits) => world.memory.reserve(bits).err(),
                    _ => None,
                };
                world.memory.kernel_mut().refuse_in = None;
                match refused {
                    Some(_) => prop_assert_eq!(world.state(), state),
                    // It was not reached. The naive model has not seen it: start again.
                    None => return Ok(()),
                }
            } else if world.step(step).is_err() {
                prop_assert_eq!(world.state(), state);
            }
            world.check();
        }
        world.end(before, used_slots);
    }
}

/// An object outlives its maker while somebody maps it, and its number is not given again before.
#[test]
fn an_object_outlives_its_maker_while_it_is_mapped() {
    let mut world = World::new();
    let step = |world: &mut World, step| world.step(&step);
    step(&mut world, Step::Open(1, 1 << 20)).unwrap();
    step(&mut world, Step::Open(2, 1 << 20)).unwrap();
    let before = world.memory.statistics();
    step(&mut world, Step::Create(1, 5 * PAGE)).unwrap();
    step(&mut world, Step::Map(2, 0, Access::Write)).unwrap();
    step(&mut world, Step::Close(1)).unwrap();
    assert_eq!(world.memory.statistics().objects, 1);
    world.check();
    let id = world.naive.things[0].id;
    let map = world.memory.map(ComponentId(2), id, Access::Read);
    assert_eq!(map, Err(MemoryError::NoSuchObject));
    step(&mut world, Step::Create(2, PAGE)).unwrap();
    assert_ne!(world.naive.things[1].id, id);
    step(&mut world, Step::Destroy(2, 1)).unwrap();
    step(&mut world, Step::Unmap(2, 0)).unwrap();
    step(&mut world, Step::Open(1, 1 << 20)).unwrap();
    assert_eq!(world.memory.statistics(), before);
}

/// Pages of a split piece are used again before a larger piece is split, and a larger piece is put together when it is wanted.
#[test]
fn pieces_are_put_together_only_when_wanted() {
    let mut world = World::new();
    world.step(&Step::Open(1, u64::MAX)).unwrap();
    let before = world.memory.statistics();
    let mut cycle = || {
        let made = world.memory.create(ComponentId(1), 21 * PAGE).unwrap();
        let Some(Object::Badge(id)) = world.memory.kernel().at_slot(made) else {
            panic!("no capability");
        };
        world.memory.destroy(ComponentId(1), id).unwrap();
        world.memory.kernel().split_bytes
    };
    let first = cycle();
    assert!(first > 0);
    for _ in 0..1000 {
        assert_eq!(cycle(), first);
    }
    assert_eq!(world.memory.statistics(), before);
    for bits in UNTYPED {
        world.memory.reserve(bits).unwrap();
    }
}
