//! A model of the kernel's capabilities: slots, untyped objects, frames and tables, each with what it was made of. It panics where the real
//! one would refuse, or do harm; and refuses, where it is told to, as the real one never should.

use std::collections::BTreeMap;

use isthmus_abi::{ObjectId, Slot};
use memory_interface::Access;
use memory_logic::{FrameSize, Kernel, Level, Refused};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// Memory from `base` on.
    Untyped {
        base: u64,
        bits: u8,
    },
    Frame {
        base: u64,
        bits: u8,
        mapped: Option<(Slot, u64, Access)>,
    },
    Table {
        level: Level,
        mapped: Option<(Slot, u64)>,
    },
    Badge(ObjectId),
    Space,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cap {
    id: u64,
    /// The capability that it was made of.
    parent: Option<u64>,
    object: Object,
}

#[derive(Debug, Default)]
pub struct Model {
    slots: BTreeMap<u32, Cap>,
    ids: u64,
    /// After so many more operations one is refused.
    pub refuse_in: Option<u32>,
    /// Bytes of what was split: the kernel zeroes as many.
    pub split_bytes: u64,
}

impl Model {
    pub fn put(&mut self, slot: Slot, object: Object) {
        self.insert(slot, None, object);
    }

    /// Slots in use.
    pub fn used(&self) -> usize {
        self.slots.len()
    }

    pub fn at_slot(&self, slot: Slot) -> Option<Object> {
        self.slots.get(&slot.0).map(|cap| cap.object)
    }

    pub fn objects(&self) -> impl Iterator<Item = Object> {
        self.slots.values().map(|cap| cap.object)
    }

    /// What a component sees at an address: a frame's base, and what it may do.
    pub fn look(&self, space: Slot, address: u64) -> Option<(u64, Access)> {
        self.objects().find_map(|object| match object {
            Object::Frame {
                base,
                bits,
                mapped: Some((s, at, access)),
            } if s == space && (at..at + (1 << bits)).contains(&address) => {
                Some((base + address - at, access))
            }
            _ => None,
        })
    }

    fn insert(&mut self, slot: Slot, parent: Option<u64>, object: Object) {
        self.ids += 1;
        let id = self.ids;
        let before = self.slots.insert(slot.0, Cap { id, parent, object });
        assert!(before.is_none(), "{slot:?} is occupied by {before:?}");
    }

    fn at(&self, slot: Slot) -> Cap {
        *self
            .slots
            .get(&slot.0)
            .unwrap_or_else(|| panic!("{slot:?} is empty"))
    }

    /// The untyped object in a slot, of which nothing may have been made.
    fn whole(&self, slot: Slot) -> (u64, u64, u8) {
        let cap = self.at(slot);
        let Object::Untyped { base, bits } = cap.object else {
            panic!("{slot:?} holds no untyped object but {cap:?}");
        };
        let child = self.slots.values().find(|c| c.parent == Some(cap.id));
        assert!(child.is_none(), "{slot:?} was used already: {child:?}");
        (cap.id, base, bits)
    }

    fn refuses(&mut self) -> bool {
        match &mut self.refuse_in {
            Some(0) => {
                self.refuse_in = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn table(&self, space: Slot, level: Level, address: u64) -> bool {
        let span = level.span_bits();
        let wanted = Object::Table {
            level,
            mapped: Some((space, address >> span << span)),
        };
        self.objects().any(|object| object == wanted)
    }

    fn remove(&mut self, slot: u32) {
        let Some(cap) = self.slots.remove(&slot) else {
            return;
        };
        if let Object::Frame {
            mapped: mapped @ Some(_),
            ..
        } = cap.object
        {
            panic!("the kernel leaves this mapped: {mapped:?}");
        }
        // The real kernel would do it; here it is a mistake to leave something without its table.
        if let Object::Table {
            level,
            mapped: Some((space, start)),
        } = cap.object
        {
            let inside = |address| (start..start + (1 << level.span_bits())).contains(&address);
            for object in self.objects() {
                match object {
                    Object::Frame {
                        bits,
                        mapped: Some((s, at, _)),
                        ..
                    } if s == space && inside(at) => {
                        assert!(
                            level == Level::Table && bits > 12,
                            "{object:?} loses its {level:?}"
                        );
                    }
                    Object::Table {
                        level: below,
                        mapped: Some((s, at)),
                    } if s == space && below > level => assert!(!inside(at), "{object:?}"),
                    _ => {}
                }
            }
        }
    }
}

impl Kernel for Model {
    fn split(&mut self, untyped: Slot, size_bits: u8, halves: Slot) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        let (id, base, bits) = self.whole(untyped);
        assert_eq!(bits, size_bits);
        self.split_bytes += 1 << bits;
        for half in 0..2 {
            let base = base + (u64::from(half) << (bits - 1));
            let object = Object::Untyped {
                base,
                bits: bits - 1,
            };
            self.insert(Slot(halves.0 + half), Some(id), object);
        }
        Ok(())
    }

    fn make_frames(
        &mut self,
        untyped: Slot,
        size: FrameSize,
        first: Slot,
        count: u32,
    ) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        assert!(count <= 256, "the kernel's limit of objects in one call");
        let (id, base, bits) = self.whole(untyped);
        assert!(u64::from(count) << size.bits() <= 1 << bits);
        for index in 0..count {
            let object = Object::Frame {
                base: base + (u64::from(index) << size.bits()),
                bits: size.bits(),
                mapped: None,
            };
            self.insert(Slot(first.0 + index), Some(id), object);
        }
        Ok(())
    }

    fn make_table(&mut self, untyped: Slot, level: Level, to: Slot) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        let (id, _, bits) = self.whole(untyped);
        assert_eq!(bits, 12);
        let object = Object::Table {
            level,
            mapped: None,
        };
        self.insert(to, Some(id), object);
        Ok(())
    }

    fn map_table(
        &mut self,
        table: Slot,
        level: Level,
        space: Slot,
        address: u64,
    ) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        assert_eq!(self.at(space).object, Object::Space);
        assert!(address.is_multiple_of(1 << level.span_bits()));
        assert!(!self.table(space, level, address), "there is one already");
        match level {
            Level::Upper => {}
            Level::Directory => assert!(self.table(space, Level::Upper, address)),
            Level::Table => assert!(self.table(space, Level::Directory, address)),
        }
        let cap = self.slots.get_mut(&table.0).expect("a table");
        let Object::Table {
            level: made,
            mapped: mapped @ None,
        } = &mut cap.object
        else {
            panic!("no table: {cap:?}");
        };
        assert_eq!(*made, level);
        *mapped = Some((space, address));
        Ok(())
    }

    fn copy_frame(&mut self, from: Slot, to: Slot) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        let cap = self.at(from);
        let Object::Frame { base, bits, .. } = cap.object else {
            panic!("no frame: {cap:?}");
        };
        let object = Object::Frame {
            base,
            bits,
            mapped: None,
        };
        self.insert(to, Some(cap.id), object);
        Ok(())
    }

    fn map_frame(
        &mut self,
        frame: Slot,
        size: FrameSize,
        space: Slot,
        address: u64,
        access: Access,
    ) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        assert_eq!(self.at(space).object, Object::Space);
        assert!(address.is_multiple_of(1 << size.bits()));
        let level = match size {
            FrameSize::Page => Level::Table,
            FrameSize::Large => Level::Directory,
        };
        assert!(self.table(space, level, address), "a table is missing");
        assert_eq!(self.look(space, address), None, "something is mapped there");
        if size == FrameSize::Large {
            let table = self.table(space, Level::Table, address);
            assert!(!table, "a table is where a large page should be");
        }
        let cap = self.slots.get_mut(&frame.0).expect("a frame");
        let Object::Frame {
            bits,
            mapped: mapped @ None,
            ..
        } = &mut cap.object
        else {
            panic!("no frame, or a mapped one: {cap:?}");
        };
        assert_eq!(*bits, size.bits());
        *mapped = Some((space, address, access));
        Ok(())
    }

    fn unmap_frame(&mut self, frame: Slot) {
        // Where copying was refused there is none.
        if let Some(cap) = self.slots.get_mut(&frame.0) {
            let Object::Frame { mapped, .. } = &mut cap.object else {
                panic!("no frame: {cap:?}");
            };
            *mapped = None;
        }
    }

    fn mint(&mut self, object: ObjectId, to: Slot) -> Result<(), Refused> {
        if self.refuses() {
            return Err(Refused);
        }
        let twice = self.objects().any(|other| other == Object::Badge(object));
        assert!(!twice, "{object:?} has two lives");
        self.insert(to, None, Object::Badge(object));
        Ok(())
    }

    fn revoke(&mut self, slot: Slot) {
        let mut gone = vec![self.at(slot).id];
        // Frames first, then tables, the lowest first: what is told apart by the checks in `remove`.
        let mut doomed = Vec::new();
        while let Some(id) = gone.pop() {
            for (&slot, cap) in &self.slots {
                if cap.parent == Some(id) {
                    gone.push(cap.id);
                    doomed.push(slot);
                }
            }
        }
        doomed.iter().for_each(|&slot| self.remove(slot));
    }

    fn delete(&mut self, slot: Slot) {
        self.remove(slot.0);
    }
}
