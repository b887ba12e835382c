/*
 * Copyright 2026, the Isthmus authors
 * SPDX-License-Identifier: GPL-2.0-only
 */

/* The kernel's own output, on the PL011 (ARM DDI 0183, section 3.3). */
#include <config.h>
#include <stdint.h>
#include <util.h>
#include <machine/io.h>
#include <plat/machine/devices.h>

#define UART_DATA               0x00
#define UART_FLAG               0x18
#define UART_FLAG_RECEIVE_EMPTY (1 << 4)
#define UART_FLAG_TRANSMIT_FULL (1 << 5)

static inline volatile uint32_t *
uart(word_t offset)
{
    return (volatile uint32_t *)(UART_PPTR + offset);
}

#if defined(CONFIG_DEBUG_BUILD) || defined(CONFIG_PRINTING)
void
putDebugChar(unsigned char c)
{
    while (*uart(UART_FLAG) & UART_FLAG_TRANSMIT_FULL) {
    }
    *uart(UART_DATA) = c;
}
#endif

#ifdef CONFIG_DEBUG_BUILD
unsigned char
getDebugChar(void)
{
    while (*uart(UART_FLAG) & UART_FLAG_RECEIVE_EMPTY) {
    }
    return *uart(UART_DATA);
}
#endif
