//! ARP as the neighbour table needs it; requests to us are answered by smoltcp.
use network_interface::Node;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr,
};

/// Bytes of an ARP frame.
pub const FRAME: usize = 14 + 28;

/// What an ARP packet tells about its sender, if it is a node of our network with an ordinary address.
pub fn sender(packet: &[u8]) -> Option<(Node, EthernetAddress)> {
    let ArpRepr::EthernetIpv4 {
        source_hardware_addr,
        source_protocol_addr,
        ..
    } = ArpRepr::parse(&ArpPacket::new_checked(packet).ok()?).ok()?
    else {
        return None;
    };
    let node = Node::from_address(source_protocol_addr.octets())?;
    source_hardware_addr
        .is_unicast()
        .then_some((node, source_hardware_addr))
}

/// Writes a request for the address of `target` into a frame of [`FRAME`] bytes.
pub fn request(frame: &mut [u8], mac: EthernetAddress, node: Node, target: Node) {
    let header = EthernetRepr {
        src_addr: mac,
        dst_addr: EthernetAddress::BROADCAST,
        ethertype: EthernetProtocol::Arp,
    };
    let mut ethernet = EthernetFrame::new_unchecked(frame);
    header.emit(&mut ethernet);
    let packet = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: mac,
        source_protocol_addr: node.address().into(),
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target.address().into(),
    };
    packet.emit(&mut ArpPacket::new_unchecked(ethernet.payload_mut()));
}
