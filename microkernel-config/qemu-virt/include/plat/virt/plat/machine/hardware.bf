--
-- Copyright 2026, the Isthmus authors
-- SPDX-License-Identifier: GPL-2.0-only
--
-- The platform has no bitfields of its own.
--

base 32
