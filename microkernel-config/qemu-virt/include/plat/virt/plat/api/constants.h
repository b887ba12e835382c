/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: GPL-2.0-only
 */

/* Hardware breakpoints are a setting that no configuration of ours has: nothing to define. */
#ifndef __LIBSEL4_SEL4_PLAT_API_CONSTANTS_H_
#define __LIBSEL4_SEL4_PLAT_API_CONSTANTS_H_

#ifdef CONFIG_HARDWARE_DEBUG_API
#error the platform virt has no hardware debug interface
#endif

#endif
