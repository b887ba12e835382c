//! What this machine is told from outside: QEMU's `fw_cfg`, items `opt/isthmus/*`. Without them it is machine 1 of 1.
//!
//! The interface: QEMU, docs/specs/fw_cfg.

use isthmus_abi::limits;
use isthmus_abi::startup::ClusterKeys;
use isthmus_plan::Here;

use crate::entropy::Entropy;
use crate::error::{Error, Result};

/// The item that lists the files.
const DIRECTORY: u16 = 0x19;
/// The item that says `QEMU`.
const SIGNATURE: u16 = 0x00;
/// Bytes of a directory entry: size (4, big-endian), selector (2, big-endian), reserved (2), name (56).
const ENTRY_BYTES: usize = 64;
/// Files after which a directory is not believed.
const FILES: u32 = 1024;

/// The device: select an item, then read its bytes one by one.
pub trait FirmwareConfig {
    /// Goes to the start of an item.
    fn select(&mut self, item: u16) -> Result<()>;
    /// Its next byte; 0 after the end.
    fn byte(&mut self) -> Result<u8>;

    /// Its next bytes.
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }
}

/// What the machine was told.
pub struct Facts {
    /// Which machine of how many.
    pub here: Here,
    /// Its argument line.
    pub arguments: heapless::String<{ limits::ARGUMENT_BYTES }, u16>,
    /// What it knows its cluster by.
    pub keys: Option<ClusterKeys>,
    /// What nobody else knows.
    pub entropy: Entropy,
}

impl Facts {
    /// Reads them.
    pub fn read(device: &mut impl FirmwareConfig) -> Result<Self> {
        let mut facts = Self {
            here: Here { node: 1, nodes: 1 },
            arguments: heapless::String::new(),
            keys: None,
            entropy: Entropy::gather(),
        };
        device.select(SIGNATURE)?;
        if device.bytes::<4>()? != *b"QEMU" {
            return Ok(facts);
        }
        let mut text = [0; limits::ARGUMENT_BYTES];
        if let Some(node) = file(device, "opt/isthmus/node", &mut text)? {
            facts.here.node = node.trim().parse().map_err(|_| Error::Fact("node"))?;
        }
        if let Some(nodes) = file(device, "opt/isthmus/nodes", &mut text)? {
            facts.here.nodes = nodes.trim().parse().map_err(|_| Error::Fact("nodes"))?;
        }
        if let Some(arguments) = file(device, "opt/isthmus/arguments", &mut text)? {
            facts.arguments = arguments
                .trim()
                .try_into()
                .map_err(|_| Error::Fact("arguments"))?;
        }
        if let Some(seed) = file(device, "opt/isthmus/seed", &mut text)? {
            facts.entropy.add_told(seed.trim().as_bytes());
        }
        let mut keys = [0; limits::CLUSTER_KEYS_BYTES];
        if let Some(keys) = content(device, "opt/isthmus/keys", &mut keys)? {
            let keys = keys.iter().copied().collect();
            facts.keys = Some(ClusterKeys(keys));
        }
        let Here { node, nodes } = facts.here;
        if node == 0 || node > nodes || usize::from(nodes) > limits::NODES {
            return Err(Error::Fact("node"));
        }
        Ok(facts)
    }
}

/// The text of a file, if there is one of this name.
fn file<'t>(
    device: &mut impl FirmwareConfig,
    name: &'static str,
    into: &'t mut [u8],
) -> Result<Option<&'t str>> {
    let Some(bytes) = content(device, name, into)? else {
        return Ok(None);
    };
    let text = core::str::from_utf8(bytes).map_err(|_| Error::Fact(name))?;
    Ok(Some(text))
}

/// The bytes of a file, if there is one of this name.
fn content<'t>(
    device: &mut impl FirmwareConfig,
    name: &'static str,
    into: &'t mut [u8],
) -> Result<Option<&'t [u8]>> {
    device.select(DIRECTORY)?;
    let count = u32::from_be_bytes(device.bytes()?).min(FILES);
    for _ in 0..count {
        let entry: [u8; ENTRY_BYTES] = device.bytes()?;
        let size = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]) as usize;
        let item = u16::from_be_bytes([entry[4], entry[5]]);
        let found = &entry[8..];
        let length = found.iter().position(|&b| b == 0).unwrap_or(found.len());
        if &found[..length] != name.as_bytes() {
            continue;
        }
        let bytes = into.get_mut(..size).ok_or(Error::Fact(name))?;
        device.select(item)?;
        for byte in &mut *bytes {
            *byte = device.byte()?;
        }
        return Ok(Some(bytes));
    }
    Ok(None)
}
