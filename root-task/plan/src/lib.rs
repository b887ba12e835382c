//! The compiled system description and the boot archive that carries it, pure.
#![no_std]
