//! Every limit of a machine, stated once. What exceeds one is refused when the description is checked, never at run time.

/// Words of a message that the kernel carries (`seL4_MsgMaxLength`).
pub const MESSAGE_WORDS: usize = 120;
/// Bytes of a message.
pub const MESSAGE_BYTES: usize = MESSAGE_WORDS * 8;
/// Words of a message that travel in processor registers, on both architectures.
pub const REGISTER_WORDS: usize = 4;
/// Capabilities that the kernel delivers in one message; it drops the rest without an error.
pub const MESSAGE_CAPABILITIES: usize = 1;
/// Capabilities that a method may take, or give: one goes with the message, the stub sends the others ahead or fetches them.
pub const METHOD_CAPABILITIES: usize = 4;
/// Capabilities that one server keeps which were sent ahead, or wait to be fetched.
pub const STAGED: usize = 64;
/// Of these, so many of one client: all other machines are one client.
pub const STAGED_OF_ONE: usize = 16;

/// Components of one machine, the root task not counted. Identifiers have 8 bits and 0 is the root task.
pub const COMPONENTS: usize = 32;
/// Bytes of a name: a component's, an interface's, a channel's.
pub const NAME_BYTES: usize = 24;
/// Bytes of a directory of the tree of names that a description grants (`directory`).
pub const DIRECTORY_BYTES: usize = 64;
/// Uses of one system whose tree of names begins at a `directory`.
pub const DIRECTORIES: usize = 16;
/// Bytes of an argument line: the one that a machine is started with, and each component's own.
pub const ARGUMENT_BYTES: usize = 256;
/// Machines of a cluster: node n has the address 10.73.0.n. One more than the peers that netipc keeps a table for.
pub const NODES: usize = 8;

/// Bytes of a machine's keys: the cluster's secret, its own, a public key for each machine, the administrator's, and their generation.
pub const CLUSTER_KEYS_BYTES: usize = 24 + 32 + 32 + 32 * NODES + 32 + 8;

/// Threads of one component, its main thread included.
pub const THREADS: usize = 32;
/// Interfaces that one component serves, all on its one service endpoint.
pub const SERVES: usize = 4;
/// Interfaces that one component uses.
pub const USES: usize = 12;
/// Notifications that one component may signal: a server like the timer signals every client.
pub const SIGNALS: usize = COMPONENTS;
/// Other components, channels included, whose signals one component hears.
pub const EVENT_SOURCES: usize = 16;
/// Sources of events of one component: each has a bit, and bit 63 marks a badge as a notification's.
pub const EVENT_BITS: usize = 63;
/// Interrupts that one component handles.
pub const INTERRUPTS: usize = 4;
/// Regions of one component's address space that the start-up block names: the console server has the log rings of every
/// component.
pub const REGIONS: usize = COMPONENTS + COMPONENT_CHANNELS + 4;
/// Devices that one component drives.
pub const DEVICES: usize = 4;
/// Channels of one system.
pub const CHANNELS: usize = 32;
/// Channels that one component is an end of.
pub const COMPONENT_CHANNELS: usize = 12;
/// Rules of one system about what goes to other machines (`[[policy]]`).
pub const POLICY_RULES: usize = 16;
/// Events of one system.
pub const EVENTS: usize = 64;

/// Slots for saved reply capabilities of one component.
pub const REPLIES: usize = 1024;
/// Free slots of one component.
pub const FREE_SLOTS: usize = 8192;
/// Bytes of one component's stripped program.
pub const PROGRAM_BYTES: u64 = 4 << 20;
/// Bytes of one thread's stack, at least.
pub const STACK_BYTES_MIN: u64 = 4 << 10;
/// Bytes of one thread's stack, at most; the page below stays unmapped.
pub const STACK_BYTES: u64 = 512 << 10;
/// Bytes of one component's heap.
pub const HEAP_BYTES: u64 = 64 << 20;
/// Bytes of one channel.
pub const CHANNEL_BYTES: u64 = 8 << 20;
/// Bytes of one component's memory for DMA.
pub const DMA_BYTES: u64 = 8 << 20;
/// Untyped objects that the root task hands over to the memory server, the largest first.
pub const UNTYPED_OBJECTS: usize = 32;
/// Slots in the memory server's CNode for what it makes: untyped objects, frames, mappings, translation tables, objects' capabilities.
pub const MEMORY_SLOTS: u32 = 30_000;
/// Slots in the scheduler's CNode for the frames that its processes share: log rings and channels, one for each end.
pub const SHARED_FRAMES: u32 = 6_000;
/// Slots in the scheduler's CNode for what its processes are made of: frames, translation tables, threads.
pub const PROCESS_SLOTS: u32 = 26_000;
/// Bytes of the boot archive.
pub const ARCHIVE_BYTES: u64 = 128 << 20;
/// The priority at which the dead answer: above the scheduler's and its clients', so that burying one waits for nobody.
pub const UNDERTAKER_PRIORITY: u8 = PRIORITY;
/// Bytes that one component may be given by the memory server: objects, mappings and their page tables (`memory`).
pub const MEMORY_BYTES: u64 = 1 << 30;
/// Restarts in a row of one component (`restarts`).
pub const RESTARTS: u16 = 1000;
/// Milliseconds before a restart, at most: the back-off doubles up to this.
pub const BACK_OFF_MILLISECONDS: u32 = 60_000;
/// The priority of threads that only keep the processor awake: below every component's, which begin at 1.
pub const LINGER_PRIORITY: u8 = 0;
/// Priorities: the root task (250) stands above every component.
pub const PRIORITY: u8 = 249;
