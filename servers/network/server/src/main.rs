//! Owns the network device and speaks ARP, IPv4, ICMP and UDP.
#![no_std]
#![no_main]
