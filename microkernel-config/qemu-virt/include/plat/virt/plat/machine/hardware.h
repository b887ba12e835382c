/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: GPL-2.0-only
 */

/* Memory and devices of QEMU's `virt` machine. */
#ifndef __PLAT_MACHINE_HARDWARE_H
#define __PLAT_MACHINE_HARDWARE_H

#include <config.h>
#include <basic_types.h>
#include <arch/linker.h>
#include <plat/machine.h>
#include <plat/machine/devices.h>

/* The generic timer's frequency under QEMU up to 8.x (GTIMER_SCALE 16 ns). A debug kernel compares it with CNTFRQ. */
#define TIMER_CLOCK_HZ 62500000llu

/* Also in linker.lds. */
#define physBase   0x40000000
#define kernelBase 0xffffff8000000000

/* The highest address that user space may map. */
#define USER_TOP   0x0000ffffffffffff

static const kernel_frame_t BOOT_RODATA kernel_devices[] = {
    { GIC_CONTROLLER_PADDR, GIC_CONTROLLER_PPTR, true /* never execute */ },
    { GIC_DISTRIBUTOR_PADDR, GIC_DISTRIBUTOR_PPTR, true },
#ifdef CONFIG_PRINTING
    { UART_PADDR, UART_PPTR, true },
#endif
};

/*
 * Main memory. The boot loader writes what the device tree says over the value in the image, so this must be neither constant nor
 * static: the compiler would take what it sees here for granted.
 */
extern p_region_t avail_p_regs[1];

static const p_region_t BOOT_RODATA dev_p_regs[] = {
    { UART_PADDR, UART_PADDR + BIT(PAGE_BITS) },
    { RTC_PADDR, RTC_PADDR + BIT(PAGE_BITS) },
    { FW_CFG_PADDR, FW_CFG_PADDR + BIT(PAGE_BITS) },
    { GPIO_PADDR, GPIO_PADDR + BIT(PAGE_BITS) },
    { VIRTIO_PADDR, VIRTIO_END_PADDR },
    { PCI_PADDR, PCI_END_PADDR },
};

/* No interrupt is reserved for the platform. */
static inline void
handleReservedIRQ(irq_t irq)
{
}

#endif
