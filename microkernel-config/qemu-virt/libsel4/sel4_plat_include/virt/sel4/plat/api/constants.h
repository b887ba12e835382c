/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* Hardware breakpoints are a setting that no configuration of ours has: nothing to define. */
#ifndef __LIBSEL4_SEL4_PLAT_API_CONSTANTS_H_
#define __LIBSEL4_SEL4_PLAT_API_CONSTANTS_H_

#endif
