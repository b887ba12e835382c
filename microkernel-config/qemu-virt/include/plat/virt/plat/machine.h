/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: GPL-2.0-only
 */

/* Interrupts of QEMU's `virt` machine with a GICv2: 16 software, 16 private (PPI), then the shared ones (SPI) from 32. */
#ifndef __PLAT_MACHINE_H
#define __PLAT_MACHINE_H

#define N_INTERRUPTS 256

enum IRQConstants {
    INTERRUPT_VIRTUAL_TIMER = 27,   /* the kernel's tick */
    INTERRUPT_PHYSICAL_TIMER = 30,  /* free for user space */
    INTERRUPT_UART = 33,
    INTERRUPT_RTC = 34,
    INTERRUPT_VIRTIO_0 = 48,        /* virtio-mmio slot n has 48 + n, n < 32 */
    maxIRQ = N_INTERRUPTS - 1
} platform_interrupt_t;

/* log2 of the bytes for N_INTERRUPTS capability slots of 32 bytes each */
#define IRQ_CNODE_BITS 13

#define KERNEL_TIMER_IRQ INTERRUPT_VIRTUAL_TIMER

/* The driver for the older PL390 drives a GICv2 as well. */
#include <arch/machine/gic_pl390.h>

#endif
