//! Configuration spaces as QEMU lays them out, and broken ones.
use std::collections::BTreeMap;

use pci::virtio::{self, Structure, Structures, VirtioError};
use pci::{
    Bar, BarError, Bars, Capabilities, CapabilityError, ConfigurationSpace, Function, Register,
    Window, msix,
};
use proptest::prelude::*;

/// One function: its 64 registers, and which bits of each can be written.
#[derive(Clone)]
struct Fake {
    words: [u32; 64],
    writable: [u32; 64],
}

#[derive(Clone, Default)]
struct Machine(BTreeMap<Function, Fake>);

impl ConfigurationSpace for Machine {
    fn read(&mut self, function: Function, register: Register) -> u32 {
        let index = usize::from(register.offset()) / 4;
        self.0
            .get(&function)
            .map_or(u32::MAX, |fake| fake.words[index])
    }

    fn write(&mut self, function: Function, register: Register, value: u32) {
        let index = usize::from(register.offset()) / 4;
        if let Some(fake) = self.0.get_mut(&function) {
            let mask = fake.writable[index];
            fake.words[index] = fake.words[index] & !mask | value & mask;
        }
    }
}

fn at(bus: u8, device: u8, function: u8) -> Function {
    Function::new(bus, device, function).unwrap()
}

fn fake(vendor: u16, device: u16, header: u8) -> Fake {
    let mut fake = Fake {
        words: [0; 64],
        writable: [0; 64],
    };
    fake.words[0] = u32::from(device) << 16 | u32::from(vendor);
    fake.words[3] = u32::from(header) << 16;
    fake.writable[1] = 0xffff;
    fake
}

/// QEMU's modern virtio-net on `pc`: BAR1 with the MSI-X table, BAR4 with the structures.
fn virtio_net() -> Fake {
    let mut net = fake(0x1af4, 0x1041, 0);
    net.words[1] = 1 << 20 | 0b011;
    (net.words[5], net.writable[5]) = (0xfebd_1000, 0xffff_f000);
    (net.words[8], net.writable[8]) = (0xfe00_000c, 0xffff_c000);
    net.writable[9] = u32::MAX;
    net.words[13] = 0x98;
    net.words[0x98 / 4..0x98 / 4 + 3].copy_from_slice(&[0x0003_8411, 1, 0x801]);
    let structure = |next: u32, length: u32, kind: u32| kind << 24 | length << 16 | next << 8 | 9;
    net.words[0x84 / 4..0x84 / 4 + 5].copy_from_slice(&[structure(0x70, 20, 5), 0, 0, 0, 0]);
    net.words[0x70 / 4..0x70 / 4 + 5].copy_from_slice(&[
        structure(0x60, 20, 2),
        4,
        0x3000,
        0x1000,
        4,
    ]);
    net.words[0x60 / 4..0x60 / 4 + 4].copy_from_slice(&[structure(0x50, 16, 4), 4, 0x2000, 0x1000]);
    net.words[0x50 / 4..0x50 / 4 + 4].copy_from_slice(&[structure(0x40, 16, 3), 4, 0x1000, 0x1000]);
    net.words[0x40 / 4..0x40 / 4 + 4].copy_from_slice(&[structure(0, 16, 1), 4, 0, 0x1000]);
    net
}

fn machine(net: Fake) -> Machine {
    Machine(BTreeMap::from([(at(0, 3, 0), net)]))
}

#[test]
fn functions_are_found_behind_bridges_and_once_each() {
    let mut bridge = fake(1, 2, 1);
    bridge.words[6] = 5 << 8;
    let mut back = fake(1, 3, 1); // claims that bus 0 lies behind it
    back.words[6] = 0;
    let mut machine = Machine(BTreeMap::from([
        (at(0, 0, 0), fake(8, 1, 0)),
        (at(0, 1, 0), fake(8, 2, 0x80)),
        (at(0, 1, 3), fake(8, 3, 0)),
        (at(0, 2, 0), fake(8, 4, 0)),
        (at(0, 2, 1), fake(8, 5, 0)), // function 0 says that there is no other
        (at(0, 31, 0), bridge),
        (at(5, 4, 0), back),
        (at(6, 0, 0), fake(8, 6, 0)), // no bridge leads there
    ]));
    let found: Vec<_> = pci::functions(&mut machine)
        .map(|(function, _)| function)
        .collect();
    assert_eq!(
        found,
        [
            at(0, 0, 0),
            at(0, 1, 0),
            at(0, 1, 3),
            at(0, 2, 0),
            at(0, 31, 0),
            at(5, 4, 0)
        ]
    );
}

#[test]
fn addresses_are_composed_as_the_standard_says() {
    assert_eq!(
        pci::config_address(at(1, 2, 3), Register::containing(0x11)),
        0x8001_1310
    );
    assert_eq!(Function::new(0, 32, 0), None);
    assert_eq!(Function::new(0, 0, 8), None);
}

#[test]
fn a_network_card_is_read_as_qemu_makes_it() {
    let mut machine = machine(virtio_net());
    let before = machine.0[&at(0, 3, 0)].words;
    let (function, identity) = pci::functions(&mut machine).next().unwrap();
    assert_eq!(identity, virtio::NETWORK);
    let bars = Bars::read(&mut machine, function).unwrap();
    assert_eq!(machine.0[&function].words, before, "probing restores");
    assert_eq!(
        bars.memory(1),
        Some(Window {
            address: 0xfebd_1000,
            bytes: 4096
        })
    );
    assert_eq!(
        bars.memory(4),
        Some(Window {
            address: 0xfe00_0000,
            bytes: 16384
        })
    );
    assert_eq!(bars.iter().count(), 2);

    let found = Structures::find(&mut machine, function, &bars).unwrap();
    assert_eq!(
        (
            found.common.bar,
            found.common.offset,
            found.notify_multiplier
        ),
        (4, 0, 4)
    );
    assert_eq!(found.isr.window.address, 0xfe00_1000);
    assert_eq!(
        found.device.map(|place| place.window.address),
        Some(0xfe00_2000)
    );
    assert_eq!(
        found.notify.window,
        Window {
            address: 0xfe00_3000,
            bytes: 4096
        }
    );

    let table = msix::Msix::find(&mut machine, function, &bars).unwrap();
    assert_eq!((table.entries, table.bar, table.offset), (4, 1, 0));
    assert_eq!(
        table.table,
        Window {
            address: 0xfebd_1000,
            bytes: 64
        }
    );
    assert_eq!(msix::entry(0x35), [0xfee0_0000, 0, 0x35, 0]);
}

#[test]
fn a_function_is_enabled_without_touching_its_status() {
    let mut machine = machine(virtio_net());
    machine.0.get_mut(&at(0, 3, 0)).unwrap().writable[1] = u32::MAX;
    machine.0.get_mut(&at(0, 3, 0)).unwrap().words[1] = 0x0010_0400;
    pci::enable(&mut machine, at(0, 3, 0));
    assert_eq!(machine.0[&at(0, 3, 0)].words[1], 0x0407);
}

#[test]
fn ports_and_unassigned_windows() {
    let mut net = virtio_net();
    (net.words[4], net.writable[4]) = (0xc041, 0xffff_ffc0);
    net.words[5] = 0;
    let bars = Bars::read(&mut machine(net), at(0, 3, 0)).unwrap();
    assert_eq!(
        bars.get(0),
        Some(Bar::Ports {
            first: 0xc040,
            count: 64
        })
    );
    assert_eq!(bars.get(1), None);
    assert_eq!(bars.get(6), None);
}

#[test]
fn broken_base_address_registers_are_errors() {
    let mut half = virtio_net();
    (half.words[9], half.writable[9]) = (0xfe00_0004, 0xffff_f000);
    (half.words[8], half.writable[8]) = (0, 0);
    assert_eq!(
        Bars::read(&mut machine(half), at(0, 3, 0)),
        Err(BarError::HalfMissing)
    );
    let mut unknown = virtio_net();
    unknown.words[5] |= 0b110;
    assert_eq!(
        Bars::read(&mut machine(unknown), at(0, 3, 0)),
        Err(BarError::UnknownKind)
    );
    let mut beyond = virtio_net();
    (beyond.words[8], beyond.words[9]) = (0xffff_c00c, u32::MAX);
    assert_eq!(
        Bars::read(&mut machine(beyond), at(0, 3, 0)),
        Err(BarError::OutOfRange)
    );
}

#[test]
fn broken_capability_lists_are_errors() {
    let run = |change: fn(&mut Fake)| {
        let mut net = virtio_net();
        change(&mut net);
        let mut machine = machine(net);
        let bars = Bars::read(&mut machine, at(0, 3, 0)).unwrap();
        let found = Structures::find(&mut machine, at(0, 3, 0), &bars);
        found.and_then(|found| found.configuration()).unwrap_err()
    };
    assert_eq!(
        run(|net| net.words[16] |= 0x9800),
        VirtioError::Capability(CapabilityError::Loop)
    );
    assert_eq!(
        run(|net| net.words[13] = 0x20),
        VirtioError::Capability(CapabilityError::InHeader)
    );
    assert_eq!(
        run(|net| net.words[1] &= 0xffff),
        VirtioError::Missing(Structure::Notify)
    );
    assert_eq!(
        run(|net| net.words[0x48 / 4] = 0x3fff),
        VirtioError::Missing(Structure::Common)
    );
    assert_eq!(
        run(|net| net.words[0x58 / 4] = u32::MAX),
        VirtioError::Missing(Structure::Isr)
    );
    assert_eq!(
        run(|net| net.words[0x64 / 4] = 1),
        VirtioError::Missing(Structure::Device),
    );
    assert_eq!(
        run(|net| {
            net.words[13] = 0xfc;
            net.words[63] = 0x0200_0009;
        }),
        VirtioError::Capability(CapabilityError::Truncated)
    );
}

#[test]
fn a_table_outside_its_window_is_an_error() {
    let mut net = virtio_net();
    net.words[0x9c / 4] = 0xff0 | 1;
    let mut machine = machine(net);
    let bars = Bars::read(&mut machine, at(0, 3, 0)).unwrap();
    assert_eq!(
        msix::Msix::find(&mut machine, at(0, 3, 0), &bars),
        Err(msix::MsixError::OutsideBar)
    );
}

proptest! {
    /// Random configuration spaces: everything ends, and whatever is found lies in a window.
    #[test]
    fn rubbish_is_harmless(words in prop::collection::vec(any::<u32>(), 64), writable in prop::collection::vec(any::<u32>(), 64)) {
        let mut net = virtio_net();
        net.words.copy_from_slice(&words);
        net.writable.copy_from_slice(&writable);
        let mut machine = machine(net);
        let function = at(0, 3, 0);
        let _ = pci::functions(&mut machine).count();
        let _ = Capabilities::new(&mut machine, function).count();
        if let Ok(bars) = Bars::read(&mut machine, function) {
            let _ = msix::Msix::find(&mut machine, function, &bars);
            if let Ok(found) = Structures::find(&mut machine, function, &bars) {
                let bar = bars.memory(found.common.bar).unwrap();
                prop_assert!(found.common.window.address + found.common.window.bytes <= bar.address + bar.bytes);
            }
        }
    }
}
