-- netipc, the protocol between Isthmus's machines, for Wireshark and tshark: every field of every frame, by name.
--
--   wireshark -X lua_script:tools/wireshark/netipc.lua FILE
--
-- What is encrypted is shown as such, datagrams about keys too; `isthmus capture decrypt` makes a capture in which nothing is. The layout is netipc-wire's:
-- `isthmus test dissector` has tshark read a frame of each kind, and compares every field with what was written.

local netipc = Proto("netipc", "Isthmus netipc")

local NETIPC_PORT = 7373
local HEADER, TAG = 24, 16
-- A cluster's machines, at most.
local NODES = 8

local KINDS = {
  [1] = "HELLO", [2] = "HELLO-ACK", [3] = "HELLO-REFUSE", [4] = "PING", [5] = "PONG", [6] = "REKEY", [7] = "REKEY-ACK",
  [8] = "REQUEST", [9] = "ONEWAY", [10] = "ACK", [11] = "REPLY", [12] = "REFUSE", [13] = "FAIL", [14] = "CANCEL",
  [15] = "CANCEL-ANSWER", [16] = "RELEASE", [17] = "RELEASE-ACK", [18] = "HELLO-COOKIE", [21] = "REVOKE",
  [22] = "REVOKE-ACK", [23] = "GRANT-ASK", [24] = "GRANT", [25] = "GRANT-REFUSE", [26] = "OFFER", [27] = "OFFER-ACK",
  [28] = "OFFER-REFUSE", [29] = "VIEW", [30] = "WANT", [31] = "DATA", [32] = "STORE", [33] = "STORED", [34] = "BULK-REFUSE",
}
local CAPABILITIES = { [0] = "none", [1] = "mine", [2] = "yours", [3] = "granted", [4] = "lent" }
local ACCESSES = { [1] = "read", [2] = "write", [3] = "both" }
local URGENCIES = { [0] = "overlap", [1] = "at once" }
local DIRECTIONS = { [1] = "fetch", [2] = "store" }
local VERDICTS = { [1] = "never ran", [2] = "ran", [3] = "running" }

local field = {}
local function define(make, name, text, ...)
  field[name] = make("netipc." .. name, text, ...)
end

local decimal, hexadecimal = base.DEC, base.HEX
define(ProtoField.string, "magic", "Magic")
define(ProtoField.uint8, "version", "Version", decimal)
define(ProtoField.uint8, "kind", "Kind", decimal, KINDS)
define(ProtoField.uint32, "key", "Key", decimal)
define(ProtoField.uint64, "session", "Session", hexadecimal)
define(ProtoField.uint64, "number", "Number", decimal)
define(ProtoField.bytes, "tag", "Tag")
define(ProtoField.bytes, "encrypted", "Encrypted body")
define(ProtoField.bytes, "unknown", "Bytes that no field covers")
define(ProtoField.uint8, "versions.low", "Lowest version", decimal)
define(ProtoField.uint8, "versions.high", "Highest version", decimal)
define(ProtoField.uint8, "from", "From node", decimal)
define(ProtoField.uint8, "to", "To node", decimal)
define(ProtoField.uint16, "slots", "Slots", decimal)
define(ProtoField.uint16, "extension.length", "Length of the key exchange's message", decimal)
define(ProtoField.bytes, "extension", "Key exchange's message")
define(ProtoField.uint64, "cluster", "Cluster", hexadecimal)
define(ProtoField.uint64, "boot", "Boot id", hexadecimal)
define(ProtoField.uint64, "nonce", "Nonce", hexadecimal)
define(ProtoField.uint64, "echo.boot", "Boot id that is answered", hexadecimal)
define(ProtoField.uint64, "echo.nonce", "Nonce that is answered", hexadecimal)
define(ProtoField.bytes, "cookie", "Cookie")
define(ProtoField.bytes, "reserved", "Reserved")
define(ProtoField.uint32, "newkey", "New key", decimal)
define(ProtoField.uint64, "token", "Token", decimal)
define(ProtoField.uint16, "slot", "Slot", decimal)
define(ProtoField.uint16, "count", "Words", decimal)
define(ProtoField.uint32, "budget", "Budget in microseconds", decimal)
define(ProtoField.uint64, "sequence", "Sequence", decimal)
define(ProtoField.uint32, "export.index", "Export's index", decimal)
define(ProtoField.uint64, "export.generation", "Export's generation", decimal)
define(ProtoField.uint8, "capability.kind", "Capability", decimal, CAPABILITIES)
define(ProtoField.uint8, "capability.node", "Capability's node", decimal)
define(ProtoField.uint32, "capability.index", "Capability's index", decimal)
define(ProtoField.uint64, "capability.generation", "Capability's generation", decimal)
define(ProtoField.bytes, "grant", "Grant")
define(ProtoField.uint64, "order", "Order", decimal)
define(ProtoField.uint64, "label", "Label", hexadecimal)
define(ProtoField.uint64, "word", "Word", hexadecimal)
define(ProtoField.uint16, "reason", "Reason", decimal)
define(ProtoField.uint16, "verdict", "Verdict", decimal, VERDICTS)
define(ProtoField.uint64, "question", "Number of the question", decimal)
define(ProtoField.uint64, "named.session", "Session in which it will be named", hexadecimal)
define(ProtoField.uint8, "receiver", "Who shall have it", decimal)
define(ProtoField.uint8, "introducer", "Introducer", decimal)
define(ProtoField.uint16, "view.length", "Length of the view's message", decimal)
define(ProtoField.bytes, "view", "View's message")
define(ProtoField.uint64, "loan.length", "Bytes that are lent", decimal)
define(ProtoField.uint64, "loan.access", "What may be done with them", decimal, ACCESSES)
define(ProtoField.uint8, "direction", "Direction", decimal, DIRECTIONS)
define(ProtoField.uint32, "transfer", "Number of the transfer", decimal)
define(ProtoField.uint64, "range.offset", "Place in the loan", decimal)
define(ProtoField.uint64, "range.length", "Bytes of the transfer", decimal)
define(ProtoField.uint64, "chunks", "Wanted chunks", hexadecimal)
define(ProtoField.uint32, "first", "First chunk that is missing", decimal)
define(ProtoField.uint32, "chunk", "Chunk", decimal)
define(ProtoField.uint16, "chunk.length", "Bytes of the chunk", decimal)
define(ProtoField.bytes, "chunk.bytes", "The chunk")
define(ProtoField.uint16, "refusal", "Why not", decimal)
define(ProtoField.string, "keys.magic", "Datagram about keys")
define(ProtoField.uint8, "keys.node", "Whose keys", decimal)
define(ProtoField.uint8, "keys.urgency", "What becomes of the keys before", decimal, URGENCIES)
define(ProtoField.uint64, "keys.generation", "Generation of keys", decimal)
define(ProtoField.bytes, "keys.sealed", "Sealed keys")
define(ProtoField.bytes, "keys.code", "Code")

for _, each in pairs(field) do
  table.insert(netipc.fields, each)
end

-- A body is a list of {field, bytes}; a function instead of a field does what a list cannot. Several have these:
local index, generation = { "export.index", 4 }, { "export.generation", 8 }

-- The tree's rest of the body, whatever its length.
local function rest(name)
  return function(tree, body, at)
    if body:len() > at then
      tree:add_le(field[name], body(at))
    end
    return body:len()
  end
end

local function words(tree, body, at)
  while at + 8 <= body:len() do
    tree:add_le(field.word, body(at, 8))
    at = at + 8
  end
  return at
end

local function capability(tree, body, at)
  local kind = body(at, 1):uint()
  tree:add_le(field["capability.kind"], body(at, 1))
  tree:add_le(field["capability.node"], body(at + 1, 1))
  tree:add_le(field.reserved, body(at + 2, 2))
  if kind == 1 or kind == 2 then
    tree:add_le(field["capability.index"], body(at + 4, 4))
    tree:add_le(field["capability.generation"], body(at + 8, 8))
    tree:add_le(field.reserved, body(at + 16, 4))
  elseif kind == 4 then
    tree:add_le(field["loan.length"], body(at + 4, 8))
    tree:add_le(field["loan.access"], body(at + 12, 8))
  else
    tree:add_le(field.grant, body(at + 4, 16))
  end
  return at + 20
end

local function list(...)
  return { ... }
end

local refusal = list({ "versions.low", 1 }, { "versions.high", 1 }, { "from", 1 }, { "to", 1 }, { "reserved", 4 }, { "cluster", 8 },
  { "echo.boot", 8 }, { "echo.nonce", 8 })
local cookie = list()
for _, part in ipairs(refusal) do
  table.insert(cookie, part)
end
table.insert(cookie, { "cookie", 16 })
local greeting = list({ "versions.low", 1 }, { "versions.high", 1 }, { "from", 1 }, { "to", 1 }, { "slots", 2 }, { "extension.length", 2 },
  { "cluster", 8 }, { "boot", 8 }, { "nonce", 8 }, { "echo.boot", 8 }, { "echo.nonce", 8 }, { "cookie", 16 }, rest("extension"))
local rekeying = list({ "newkey", 4 }, { "extension.length", 2 }, { "reserved", 2 }, rest("extension"))
local token = list({ "token", 8 })
local message = list({ "slot", 2 }, { "count", 2 }, { "budget", 4 }, { "sequence", 8 }, index, generation, capability, { "order", 8 },
  { "label", 8 }, words)
local reply = list({ "slot", 2 }, { "count", 2 }, { "reserved", 4 }, { "sequence", 8 }, capability, { "label", 8 }, words)
local about = list({ "slot", 2 }, { "reserved", 2 }, { "reserved", 4 }, { "sequence", 8 })
local refused = list({ "slot", 2 }, { "reason", 2 }, { "reserved", 4 }, { "sequence", 8 })
local answered = list({ "slot", 2 }, { "verdict", 2 }, { "reserved", 4 }, { "sequence", 8 })
local cancel = list({ "slot", 2 }, { "reserved", 6 }, { "sequence", 8 }, index, generation, { "order", 8 })
local named = list(index, generation)
local ask = list({ "question", 8 }, { "named.session", 8 }, index, generation, { "receiver", 1 }, { "reserved", 3 })
local grant = list({ "question", 8 }, { "grant", 16 })
local ungranted = list({ "question", 8 }, { "reason", 2 }, { "reserved", 2 })
local offer = list({ "grant", 16 }, { "named.session", 8 }, index, generation, { "introducer", 1 }, { "reserved", 3 })
local declined = list(index, generation, { "reason", 2 }, { "reserved", 2 })
local view = list({ "view.length", 2 }, { "reserved", 2 }, rest("view"))
local function transfer(...)
  return list({ "slot", 2 }, { "direction", 1 }, { "reserved", 1 }, { "transfer", 4 }, { "sequence", 8 }, ...)
end
local want = transfer({ "range.offset", 8 }, { "range.length", 8 }, { "chunks", 8 }, { "first", 4 }, { "reserved", 4 })
local data = transfer({ "chunk", 4 }, { "chunk.length", 2 }, { "reserved", 2 }, rest("chunk.bytes"))
local store = transfer({ "range.offset", 8 }, { "range.length", 8 })
local bulk_refused = transfer({ "refusal", 2 }, { "reserved", 6 })

local BODIES = {
  [1] = greeting, [2] = greeting, [3] = refusal, [4] = token, [5] = token, [6] = rekeying, [7] = rekeying, [8] = message,
  [9] = message, [10] = about, [11] = reply, [12] = refused, [13] = refused, [14] = cancel, [15] = answered, [16] = named,
  [17] = named, [18] = cookie, [21] = named, [22] = named, [23] = ask, [24] = grant, [25] = ungranted, [26] = offer,
  [27] = named, [28] = declined, [29] = view, [30] = want, [31] = data, [32] = store, [33] = transfer(), [34] = bulk_refused,
}
local HANDSHAKE = { [1] = true, [2] = true, [3] = true, [18] = true }

-- With encryption off a frame ends in a sum of 4 bytes and 12 zeroes.
local function is_plain(kind, tag)
  return HANDSHAKE[kind] or tag(4, 12):bytes() == ByteArray.new("000000000000000000000000")
end

local function dissect_body(tree, body, layout)
  local at = 0
  for _, part in ipairs(layout) do
    if type(part) == "function" then
      at = part(tree, body, at)
    else
      tree:add_le(field[part[1]], body(at, part[2]))
      at = at + part[2]
    end
  end
  if at < body:len() then
    tree:add(field.unknown, body(at))
  end
end

local function generations(tree, body, at)
  for _ = 1, NODES do
    tree:add_le(field["keys.generation"], body(at, 8))
    at = at + 8
  end
  tree:add_le(field["keys.code"], body(at, 16))
  return at + 16
end

local function times(count, part)
  local parts = {}
  for _ = 1, count do
    table.insert(parts, part)
  end
  return table.unpack(parts)
end

-- Datagrams about keys are no frames: they go without a session, and are known by their first bytes.
local ABOUT_KEYS = {
  ISTHUPD2 = { name = "KEYS-UPDATE", length = 584, body = list({ "keys.node", 1 }, { "keys.urgency", 1 }, { "reserved", 6 }, { "keys.generation", 8 },
    { "keys.sealed", 432 }, times(NODES, { "keys.code", 16 })) },
  ISTHHAV1 = { name = "KEYS-HAVE", length = 96, body = list({ "from", 1 }, { "to", 1 }, { "reserved", 6 }, generations) },
}

local function dissect_about_keys(buffer, info, root)
  local magic = buffer:len() > 8 and buffer(0, 8):string()
  local about = magic and ABOUT_KEYS[magic]
  if not about or buffer:len() ~= about.length then
    return 0
  end
  info.cols.protocol = "netipc"
  info.cols.info = about.name
  local tree = root:add(netipc, buffer(), "netipc " .. about.name)
  tree:add(field["keys.magic"], buffer(0, 8))
  dissect_body(tree, buffer(8):tvb(), about.body)
  return about.length
end

function netipc.dissector(buffer, info, root)
  local length = buffer:len()
  if length > 4 and buffer(0, 4):string() == "ISTH" then
    return dissect_about_keys(buffer, info, root)
  end
  if length < HEADER + TAG or buffer(0, 2):string() ~= "IS" then
    return 0
  end
  local kind = buffer(3, 1):uint()
  local name = KINDS[kind] or ("kind " .. kind)
  info.cols.protocol = "netipc"
  info.cols.info = name
  local tree = root:add(netipc, buffer(), "netipc " .. name)
  tree:add(field.magic, buffer(0, 2))
  tree:add_le(field.version, buffer(2, 1))
  tree:add_le(field.kind, buffer(3, 1))
  tree:add_le(field.key, buffer(4, 4))
  tree:add_le(field.session, buffer(8, 8))
  tree:add_le(field.number, buffer(16, 8))
  local tag = buffer(length - TAG, TAG)
  if length > HEADER + TAG then
    local body = buffer(HEADER, length - HEADER - TAG)
    if BODIES[kind] and is_plain(kind, tag) then
      dissect_body(tree, body:tvb(), BODIES[kind])
    else
      tree:add(field.encrypted, body)
      info.cols.info = name .. " (encrypted)"
    end
  end
  tree:add(field.tag, tag)
  return length
end

DissectorTable.get("udp.port"):add(NETIPC_PORT, netipc)
