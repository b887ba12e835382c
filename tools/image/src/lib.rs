//! Builds the boot archive and the bootable images.
