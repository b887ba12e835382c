//! What a machine is made of, and the arguments that QEMU wants for it.

use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::command_line::CommandLine;

/// The kinds of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// A PC (`-M q35`).
    X86_64,
    /// QEMU's own board (`-M virt`).
    Aarch64,
}

/// No such architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no architecture `{0}`: choose x86_64 or aarch64")]
pub struct ArchError(String);

impl Arch {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// As on command lines and in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The emulator's program.
    #[must_use]
    pub const fn emulator(self) -> &'static str {
        match self {
            Self::X86_64 => "qemu-system-x86_64",
            Self::Aarch64 => "qemu-system-aarch64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Arch {
    type Err = ArchError;

    fn from_str(text: &str) -> Result<Self, ArchError> {
        Self::ALL
            .into_iter()
            .find(|arch| arch.name() == text)
            .ok_or_else(|| ArchError(text.to_owned()))
    }
}

/// What a machine boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// Two files: the kernel as 32-bit ELF, and the root task with its archive as multiboot module.
    X86_64 {
        /// `kernel.elf32` of the kernel's prefix.
        kernel: PathBuf,
        /// The root task's ELF.
        root_task: PathBuf,
    },
    /// One file: the loader with kernel and root task inside.
    Aarch64 {
        /// The loader's ELF.
        loader: PathBuf,
    },
}

impl Image {
    /// The architecture that it is for.
    #[must_use]
    pub const fn arch(&self) -> Arch {
        match self {
            Self::X86_64 { .. } => Arch::X86_64,
            Self::Aarch64 { .. } => Arch::Aarch64,
        }
    }

    /// The same image from another working directory: the files are in `folder`.
    #[must_use]
    pub fn in_folder(&self, folder: &Path) -> Self {
        let moved = |file: &Path| folder.join(file.file_name().unwrap_or_default());
        match self {
            Self::X86_64 { kernel, root_task } => Self::X86_64 {
                kernel: moved(kernel),
                root_task: moved(root_task),
            },
            Self::Aarch64 { loader } => Self::Aarch64 {
                loader: moved(loader),
            },
        }
    }

    /// All its files.
    #[must_use]
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Self::X86_64 { kernel, root_task } => vec![kernel, root_task],
            Self::Aarch64 { loader } => vec![loader],
        }
    }
}

/// A machine's place among its peers: node n of m. Node n is 10.73.0.n, and so has to fit an octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    id: NonZeroU8,
    of: NonZeroU8,
}

/// No such node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no node {id} of {of}: nodes are counted from 1, and there are at most {}",
    Node::MAX
)]
pub struct NodeError {
    id: usize,
    of: usize,
}

impl Node {
    /// The most nodes: 255 would be the network's broadcast address.
    pub const MAX: usize = 254;

    /// A machine alone.
    pub const ALONE: Self = Self {
        id: NonZeroU8::MIN,
        of: NonZeroU8::MIN,
    };

    /// Node `id`, counted from 1, of `of`.
    ///
    /// # Errors
    /// [`NodeError`] when there is no such node.
    pub fn new(id: usize, of: usize) -> Result<Self, NodeError> {
        let fits = |number: usize| {
            u8::try_from(number)
                .ok()
                .filter(|_| number <= Self::MAX)
                .and_then(NonZeroU8::new)
        };
        match (fits(id), fits(of)) {
            (Some(id), Some(of)) if id <= of => Ok(Self { id, of }),
            _ => Err(NodeError { id, of }),
        }
    }

    /// From 1.
    #[must_use]
    pub const fn id(self) -> u8 {
        self.id.get()
    }

    /// How many there are.
    #[must_use]
    pub const fn of(self) -> u8 {
        self.of.get()
    }
}

/// The Ethernet address of a node: 52:54:00:49:53:nn (QEMU's prefix, then "IS").
#[must_use]
pub const fn mac_of(node: Node) -> [u8; 6] {
    [0x52, 0x54, 0x00, 0x49, 0x53, node.id()]
}

/// How a machine's network card is attached to the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// No network card.
    None,
    /// To the switch's listening socket, which must be there first.
    Stream {
        /// The switch's socket.
        socket: PathBuf,
    },
    /// By datagrams: neither side has to be first.
    Dgram {
        /// The socket that QEMU makes.
        local: PathBuf,
        /// The switch's socket.
        remote: PathBuf,
    },
}

/// Where a machine's serial line goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Console {
    /// QEMU's standard input and output; Ctrl-C goes to QEMU.
    Stdio,
    /// A unix socket that somebody listens on.
    Socket(PathBuf),
    /// A file.
    File(PathBuf),
}

/// What makes a machine's clock tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Clock {
    /// Real time.
    #[default]
    Real,
    /// Each instruction is one nanosecond (`-icount shift=0`): a counter that counts instructions, for benchmarks.
    Instructions,
}

/// Where a machine's random numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Randomness {
    /// The host: the seed that it is started with, and a PC's RDRAND.
    #[default]
    Host,
    /// A virtio-rng device alone: neither seed nor RDRAND.
    Device,
    /// Nothing that nobody could guess. Its netipc speaks to no other machine.
    Nowhere,
}

/// Bytes of a machine's seed.
pub const SEED_BYTES: usize = 32;

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What it boots.
    pub image: Image,
    /// Which it is.
    pub node: Node,
    /// Its memory, in MiB.
    pub memory_mib: u32,
    /// Its network.
    pub link: Link,
    /// Its serial line.
    pub console: Console,
    /// Its time.
    pub clock: Clock,
    /// Facts for its programs (`opt/isthmus/arguments`): `key=value key=value`.
    pub arguments: String,
    /// What it knows its cluster by (`opt/isthmus/keys`): a file as `isthmus cluster` writes it.
    pub keys: Option<PathBuf>,
    /// Where its random numbers come from.
    pub randomness: Randomness,
    /// What they are made from if they come from the host (`opt/isthmus/seed`): to be drawn anew at each start.
    pub seed: Option<[u8; SEED_BYTES]>,
    /// Further arguments for QEMU, last.
    pub extra: Vec<OsString>,
}

/// The port that ends an x86_64 machine with an exit code: QEMU exits with `2 * value + 1`.
const DEBUG_EXIT: &str = "isa-debug-exit,iobase=0xf4,iosize=4";

/// The plainest PC's processor, and RDRAND: keys need random numbers that nobody foresees.
const PC_PROCESSOR: &str = "qemu64,+rdrand";
/// The same without: for a machine that has them elsewhere, or is to have none.
const PC_PROCESSOR_ALONE: &str = "qemu64";

impl Machine {
    /// Enough for every system in `systems/`; seconds are spent on clearing more.
    pub const DEFAULT_MEMORY_MIB: u32 = 256;

    /// A machine alone, without a network, on standard input and output.
    #[must_use]
    pub const fn new(image: Image) -> Self {
        Self {
            image,
            node: Node::ALONE,
            memory_mib: Self::DEFAULT_MEMORY_MIB,
            link: Link::None,
            console: Console::Stdio,
            clock: Clock::Real,
            arguments: String::new(),
            keys: None,
            randomness: Randomness::Host,
            seed: None,
            extra: Vec::new(),
        }
    }

    /// The command that runs it.
    #[must_use]
    pub fn command_line(&self) -> CommandLine {
        CommandLine::new(self.image.arch().emulator())
            .with(self.board())
            .with([
                "-accel",
                "tcg",
                "-nodefaults",
                "-display",
                "none",
                "-no-reboot",
            ])
            .with(["-m", &format!("{}M", self.memory_mib)])
            .with(self.boot())
            .with(self.serial())
            .with(self.facts())
            .with(self.network())
            .with(self.entropy_source())
            .with(match self.clock {
                Clock::Real => &[][..],
                Clock::Instructions => &["-icount", "shift=0"],
            })
            .with(&self.extra)
    }

    /// Board and processor: the plainest that this kernel runs on.
    fn board(&self) -> Vec<&'static str> {
        match self.image.arch() {
            Arch::X86_64 => {
                let processor = match self.randomness {
                    Randomness::Host => PC_PROCESSOR,
                    Randomness::Device | Randomness::Nowhere => PC_PROCESSOR_ALONE,
                };
                vec!["-M", "q35", "-cpu", processor, "-device", DEBUG_EXIT]
            }
            // GICv3 and high memory are not for this kernel; the virtio-mmio slots are to show the modern interface.
            Arch::Aarch64 => {
                let modern = "virtio-mmio.force-legacy=false";
                vec![
                    "-M",
                    "virt,gic-version=2,highmem=off",
                    "-cpu",
                    "cortex-a53",
                    "-global",
                    modern,
                ]
            }
        }
    }

    fn boot(&self) -> Vec<OsString> {
        match &self.image {
            Image::X86_64 { kernel, root_task } => vec![
                "-kernel".into(),
                kernel.into(),
                "-initrd".into(),
                root_task.into(),
            ],
            Image::Aarch64 { loader } => vec!["-kernel".into(), loader.into()],
        }
    }

    fn serial(&self) -> [OsString; 4] {
        let device = match &self.console {
            Console::Stdio => "stdio,id=serial0,signal=on".into(),
            Console::Socket(path) => join(&["socket,id=serial0,server=off,path=", &escape(path)]),
            Console::File(path) => join(&["file,id=serial0,path=", &escape(path)]),
        };
        [
            "-chardev".into(),
            device,
            "-serial".into(),
            "chardev:serial0".into(),
        ]
    }

    /// What the image is to know of the machine, through `fw_cfg` (`docs/architecture.md`).
    fn facts(&self) -> Vec<String> {
        let node = self.node;
        let mut facts = vec![
            ("node", node.id().to_string()),
            ("nodes", node.of().to_string()),
        ];
        if !self.arguments.is_empty() {
            facts.push(("arguments", self.arguments.clone()));
        }
        if let (Randomness::Host, Some(seed)) = (self.randomness, self.seed) {
            let hex = seed.iter().map(|byte| format!("{byte:02x}")).collect();
            facts.push(("seed", hex));
        }
        let fact = |(key, value): (&str, String)| {
            [
                "-fw_cfg".into(),
                format!("name=opt/isthmus/{key},string={}", value.replace(',', ",,")),
            ]
        };
        let keys = self.keys.iter().flat_map(|file| {
            let file = format!("name=opt/isthmus/keys,file={}", escape(file));
            ["-fw_cfg".into(), file]
        });
        facts.into_iter().flat_map(fact).chain(keys).collect()
    }

    /// After the network card: each takes the next virtio-mmio slot.
    fn entropy_source(&self) -> &'static [&'static str] {
        match (self.randomness, self.image.arch()) {
            (Randomness::Host | Randomness::Nowhere, _) => &[],
            (Randomness::Device, Arch::X86_64) => &["-device", "virtio-rng-pci,disable-legacy=on"],
            (Randomness::Device, Arch::Aarch64) => &["-device", "virtio-rng-device"],
        }
    }

    fn network(&self) -> Vec<OsString> {
        let backend = match &self.link {
            Link::None => return Vec::new(),
            Link::Stream { socket } => join(&[
                "stream,id=n0,server=off,addr.type=unix,addr.path=",
                &escape(socket),
            ]),
            Link::Dgram { local, remote } => join(&[
                "dgram,id=n0,local.type=unix,local.path=",
                &escape(local),
                ",remote.type=unix,remote.path=",
                &escape(remote),
            ]),
        };
        let [a, b, c, d, e, f] = mac_of(self.node);
        // event_idx=off: the driver's crate would kick at every receive, and lose a kick at the index's wrap (`docs/network.md`).
        let common =
            format!("netdev=n0,event_idx=off,mac={a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        let device = match self.image.arch() {
            Arch::X86_64 => format!("virtio-net-pci,disable-legacy=on,romfile=,{common}"),
            Arch::Aarch64 => format!("virtio-net-device,{common}"),
        };
        vec!["-netdev".into(), backend, "-device".into(), device.into()]
    }
}

/// QEMU doubles the commas that are not separators.
fn escape(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

fn join(parts: &[&str]) -> OsString {
    parts.concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x86_64() -> Machine {
        Machine::new(Image::X86_64 {
            kernel: "kernel.elf32".into(),
            root_task: "root-task".into(),
        })
    }

    fn aarch64() -> Machine {
        Machine::new(Image::Aarch64 {
            loader: "image".into(),
        })
    }

    fn line(machine: &Machine) -> String {
        machine.command_line().to_string()
    }

    #[test]
    fn a_pc_boots_kernel_and_module() {
        let line = line(&x86_64());
        assert!(
            line.starts_with("qemu-system-x86_64 -M q35 -cpu qemu64"),
            "{line}"
        );
        assert!(
            line.contains("-kernel kernel.elf32 -initrd root-task"),
            "{line}"
        );
        assert!(line.contains("-accel tcg"), "{line}");
        assert!(!line.contains("-netdev"), "{line}");
    }

    #[test]
    fn a_virt_board_boots_the_loader() {
        let line = line(&aarch64());
        assert!(
            line.contains("gic-version=2,highmem=off -cpu cortex-a53"),
            "{line}"
        );
        assert!(line.contains("-kernel image "), "{line}");
        assert!(!line.contains("isa-debug-exit"), "{line}");
    }

    #[test]
    fn each_node_has_its_own_address_and_facts() {
        let node = Node::new(3, 12).expect("a node");
        let link = Link::Stream {
            socket: "/tmp/x/3.sock".into(),
        };
        let line = line(&Machine {
            node,
            link,
            arguments: "a=1,2 b=3".into(),
            keys: Some("/tmp/x/3,keys".into()),
            seed: Some([0xa5; SEED_BYTES]),
            ..x86_64()
        });
        assert!(line.contains("mac=52:54:00:49:53:03"), "{line}");
        assert!(
            line.contains("stream,id=n0,server=off,addr.type=unix,addr.path=/tmp/x/3.sock"),
            "{line}"
        );
        assert!(
            line.contains(
                "name=opt/isthmus/node,string=3 -fw_cfg name=opt/isthmus/nodes,string=12"
            ),
            "{line}"
        );
        assert!(
            line.contains("'name=opt/isthmus/arguments,string=a=1,,2 b=3'"),
            "{line}"
        );
        assert!(
            line.contains("name=opt/isthmus/keys,file=/tmp/x/3,,keys"),
            "{line}"
        );
        let seed = "a5".repeat(SEED_BYTES);
        assert!(
            line.contains(&format!("name=opt/isthmus/seed,string={seed}")),
            "{line}"
        );
    }

    #[test]
    fn random_numbers_come_from_the_host_or_a_device_or_nowhere() {
        let of = |machine: Machine, randomness| {
            line(&Machine {
                randomness,
                seed: Some([0xa5; SEED_BYTES]),
                ..machine
            })
        };
        for machine in [x86_64, aarch64] {
            let host = of(machine(), Randomness::Host);
            assert!(host.contains("opt/isthmus/seed"), "{host}");
            for randomness in [Randomness::Device, Randomness::Nowhere] {
                let line = of(machine(), randomness);
                assert!(!line.contains("opt/isthmus/seed"), "{line}");
                assert!(!line.contains("rdrand"), "{line}");
                let device = randomness == Randomness::Device;
                assert_eq!(line.contains("-device virtio-rng-"), device, "{line}");
            }
        }
        assert!(of(x86_64(), Randomness::Host).contains("-cpu qemu64,+rdrand"));
    }

    #[test]
    fn cards_are_modern_on_both() {
        let link = Link::Dgram {
            local: "/a,b".into(),
            remote: "/c".into(),
        };
        let pc = line(&Machine {
            link: link.clone(),
            ..x86_64()
        });
        assert!(
            pc.contains("virtio-net-pci,disable-legacy=on,romfile=,netdev=n0,event_idx=off"),
            "{pc}"
        );
        assert!(
            pc.contains("local.path=/a,,b,remote.type=unix,remote.path=/c"),
            "{pc}"
        );
        let virt = line(&Machine { link, ..aarch64() });
        assert!(
            virt.contains("virtio-net-device,netdev=n0,event_idx=off"),
            "{virt}"
        );
        assert!(virt.contains("virtio-mmio.force-legacy=false"), "{virt}");
    }

    #[test]
    fn instructions_can_be_the_clock() {
        let machine = Machine {
            clock: Clock::Instructions,
            extra: vec!["-s".into()],
            ..aarch64()
        };
        assert!(line(&machine).ends_with("-icount shift=0 -s"));
    }

    #[test]
    fn nodes_outside_the_network_are_refused() {
        assert_eq!(Node::new(1, 1), Ok(Node::ALONE));
        assert!(Node::new(254, 254).is_ok());
        for (id, of) in [(0, 1), (2, 1), (1, 255), (0, 0), (300, 300)] {
            assert_eq!(Node::new(id, of), Err(NodeError { id, of }));
        }
    }

    #[test]
    fn architectures_are_named_as_everywhere() {
        for arch in Arch::ALL {
            assert_eq!(arch.name().parse(), Ok(arch));
        }
        assert!("amd64".parse::<Arch>().is_err());
    }
}
