//! QEMU command lines for the machines that Isthmus runs on.
