//! A machine answers a ping, from a host that speaks Ethernet at the switch's other port: it is asked for its address first, as by any host.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use isthmus_testkit::{Cluster, Failure};
use qemu_machines::Link;
use qemu_switch::framing::{StreamDecoder, length_prefix};

use crate::lab::Lab;

/// An answer takes a millisecond, on a busy host a hundred.
const LIMIT: Duration = Duration::from_secs(20);
/// How often the host asks again: the machine may not be up yet.
const AGAIN: Duration = Duration::from_millis(200);

/// The host takes the place of machine 1; machine 2 is real.
const HOST_MAC: [u8; 6] = [0x52, 0x54, 0, 0x49, 0x53, 1];
const HOST: [u8; 4] = [10, 73, 0, 1];
const MACHINE: [u8; 4] = [10, 73, 0, 2];
const BROADCAST: [u8; 6] = [0xff; 6];

const ARP: [u8; 2] = [8, 6];
const IPV4: [u8; 2] = [8, 0];
const ICMP: u8 = 1;
const UDP: u8 = 17;

pub(crate) fn answered(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.prepare()?;
    let mut host = Host::plug(&cluster)?;
    cluster.machine(2).start()?;

    let reply = host.ask(&cluster, "an ARP reply", &arp_request(), |frame| {
        frame[12..14] == ARP && frame[20..22] == [0, 2] && frame[28..32] == MACHINE
    })?;
    let machine: [u8; 6] = reply[22..28].try_into().expect("six bytes");

    for length in [0, 56, 1400] {
        let data: Vec<u8> = (0..length).map(|index| index as u8).collect();
        let request = ipv4(machine, ICMP, &echo_request(&data));
        let reply = host.ask(&cluster, "an ICMP echo reply", &request, |frame| {
            frame[12..14] == IPV4 && frame[23] == ICMP && frame[34] == 0
        })?;
        let body = &reply[42..42 + data.len()];
        if body != data
            || checksum(&reply[34..42 + data.len()]) != 0
            || checksum(&reply[14..34]) != 0
        {
            return Err(cluster.failure(format!("the reply to a ping of {length} bytes is wrong")));
        }
    }

    let request = ipv4(machine, UDP, &udp(9999, b"anybody?"));
    host.ask(&cluster, "`port unreachable`", &request, |frame| {
        frame[12..14] == IPV4 && frame[23] == ICMP && frame[34..36] == [3, 3]
    })?;
    Ok(())
}

/// The test's own place at the switch.
struct Host {
    stream: UnixStream,
    decoder: StreamDecoder,
}

impl Host {
    /// Takes the port of machine 1, which is not started.
    fn plug(cluster: &Cluster) -> Result<Self, Failure> {
        let failed = |what: &str| cluster.failure(format!("the host cannot be plugged in: {what}"));
        let Link::Stream { socket } = &cluster.machine(1).definition().link else {
            return Err(failed("the machines have no sockets"));
        };
        let stream = UnixStream::connect(socket).map_err(|error| failed(&error.to_string()))?;
        stream
            .set_read_timeout(Some(AGAIN))
            .map_err(|error| failed(&error.to_string()))?;
        Ok(Self {
            stream,
            decoder: StreamDecoder::new(),
        })
    }

    /// Sends `frame` until an answer comes that `fits`.
    fn ask(
        &mut self,
        cluster: &Cluster,
        what: &str,
        frame: &[u8],
        fits: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, Failure> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            let failed =
                |error: &dyn std::fmt::Display| cluster.failure(format!("the host: {error}"));
            let prefix = length_prefix(frame).expect("the frames here are short");
            self.stream
                .write_all(&[&prefix, frame].concat())
                .map_err(|error| failed(&error))?;
            let again = Instant::now() + AGAIN;
            while Instant::now() < again {
                // Nothing within the time is an error too; then the question is asked again.
                let _ = self.decoder.read_from(&mut self.stream);
                while let Some(answer) = self
                    .decoder
                    .next_frame()
                    .map_err(|_| failed(&"a frame too long"))?
                {
                    if answer.len() >= 42 && answer[..6] == HOST_MAC && fits(answer) {
                        return Ok(answer.to_vec());
                    }
                }
            }
        }
        Err(cluster.failure(format!("machine 2 does not answer: waited for {what}")))
    }
}

fn ethernet(to: [u8; 6], kind: [u8; 2], body: &[u8]) -> Vec<u8> {
    [&to[..], &HOST_MAC, &kind, body].concat()
}

fn arp_request() -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, 1];
    ethernet(
        BROADCAST,
        ARP,
        &[&head[..], &HOST_MAC, &HOST, &[0; 6], &MACHINE].concat(),
    )
}

fn ipv4(to: [u8; 6], protocol: u8, body: &[u8]) -> Vec<u8> {
    let length = (20 + body.len() as u16).to_be_bytes();
    let mut header = [
        &[0x45, 0][..],
        &length,
        &[0, 0, 0, 0, 64, protocol, 0, 0],
        &HOST,
        &MACHINE,
    ]
    .concat();
    let sum = checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    ethernet(to, IPV4, &[&header, body].concat())
}

fn echo_request(data: &[u8]) -> Vec<u8> {
    let mut message = [&[8, 0, 0, 0, 0x49, 0x53, 0, 1][..], data].concat();
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

/// A UDP datagram without a checksum, which IPv4 allows.
fn udp(port: u16, data: &[u8]) -> Vec<u8> {
    let length = (8 + data.len() as u16).to_be_bytes();
    [
        &[0x30, 0x39][..],
        &port.to_be_bytes(),
        &length,
        &[0, 0],
        data,
    ]
    .concat()
}

/// The Internet checksum (RFC 1071); 0 over data that holds its own.
fn checksum(data: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    let mut sum: u32 = data.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
