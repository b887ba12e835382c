/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: GPL-2.0-only
 */

/* Timer and caches of QEMU's `virt` machine. */
#include <config.h>
#include <types.h>
#include <arch/machine.h>
#include <mode/machine/timer.h>
#include <arch/linker.h>
#include <plat/machine/hardware.h>

/* The least that the kernel and a small root task boot with; the boot loader writes the real size. */
VISIBLE p_region_t avail_p_regs[1] BOOT_DATA = { { .start = physBase, .end = physBase + BIT(27) } };

BOOT_CODE void
initTimer(void)
{
    initGenericTimer();
}

void
resetTimer(void)
{
    resetGenericTimer();
}

/* The second-level cache is the processor's own affair: nothing outside it needs to be told. */
BOOT_CODE void
initL2Cache(void)
{
}

void
plat_cleanL2Range(paddr_t start, paddr_t end)
{
}

void
plat_invalidateL2Range(paddr_t start, paddr_t end)
{
}

void
plat_cleanInvalidateL2Range(paddr_t start, paddr_t end)
{
}

void
plat_cleanInvalidateCache(void)
{
}
