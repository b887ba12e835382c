/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: GPL-2.0-only
 */

/* Where QEMU's `virt` machine has its devices (hw/arm/virt.c, base_memmap), and where the kernel maps those that it uses itself. */
#ifndef __PLAT_MACHINE_DEVICES_H
#define __PLAT_MACHINE_DEVICES_H

/* In the kernel's page for devices, the last 2 MiB of the address space. */
#define UART_PPTR                   0xffffffffffff0000
#define GIC_DISTRIBUTOR_PPTR        0xffffffffffff3000
#define GIC_CONTROLLER_PPTR         0xffffffffffff4000
#define GIC_PL390_CONTROLLER_PPTR   GIC_CONTROLLER_PPTR
#define GIC_PL390_DISTRIBUTOR_PPTR  GIC_DISTRIBUTOR_PPTR

#define GIC_DISTRIBUTOR_PADDR       0x08000000
#define GIC_CONTROLLER_PADDR        0x08010000
/* PL011 UART, PL031 clock, fw_cfg, PL061 pins: each has 64 KiB to itself and one page of registers. */
#define UART_PADDR                  0x09000000
#define RTC_PADDR                   0x09010000
#define FW_CFG_PADDR                0x09020000
#define GPIO_PADDR                  0x09030000
/* 32 virtio-mmio slots of 512 bytes */
#define VIRTIO_PADDR                0x0a000000
#define VIRTIO_END_PADDR            0x0a004000
/* PCI: memory window, ports, and with highmem=off the configuration space, up to the start of memory */
#define PCI_PADDR                   0x10000000
#define PCI_END_PADDR               0x40000000

#endif
