//! What an observer of the switch, or a reader of a capture, makes of a frame.

use isthmus_abi::Label;
use isthmus_interface::Method;
use netipc_wire::{Message, Way, frame};
use network_interface::NETIPC_PORT;
use remote_interface::{answer_to, remote};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, UdpPacket};

/// The netipc frame in an Ethernet frame, if that is what it carries.
pub(crate) fn netipc(ethernet: &[u8]) -> Option<frame::Packet<&[u8]>> {
    let ethernet = EthernetFrame::new_checked(ethernet).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
    if ip.next_header() != IpProtocol::Udp {
        return None;
    }
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    if udp.dst_port() != NETIPC_PORT {
        return None;
    }
    frame::Packet::new_checked(udp.payload()).ok()
}

/// A frame of a call of `remote_interface::Remote::run`, with the number of the request. With encryption off it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// It is called.
    Request(u64),
    /// It is answered.
    Reply(u64),
}

/// The call that a frame belongs to, if it is a call or an answer of `run`.
pub(crate) fn run(ethernet: &[u8]) -> Option<Run> {
    let packet = netipc(ethernet)?;
    match Message::parse(packet.header().kind, packet.body()).ok()? {
        Message::Request(Way::Call, request)
            if request.label == <remote::run as Method>::LABEL.bits() =>
        {
            request.words.iter().next().map(Run::Request)
        }
        Message::Reply(reply) if reply.label == Label::REPLY.bits() && reply.words.len() == 1 => {
            // The answer of an answer is the number itself.
            reply.words.iter().next().map(answer_to).map(Run::Reply)
        }
        _ => None,
    }
}
