-- Storage of a stream. Redis can't change an entry, and keeps the bytes of a deleted one with its
-- neighbours. So blanking an entry rewrites all entries stored with it, and a stream is stored in
-- pieces: Redis streams of SIZE entries, whose number ends their key. The oldest pieces are deleted as
-- new ones begin.
--
-- Stands before each of the scripts, which call `set_piece_size` with how many entries are kept.

local SIZE, BEHIND

local function set_piece_size(kept)
  SIZE = math.max(1, math.min(128, math.floor(kept / 8)))
  BEHIND = math.ceil(kept / SIZE)
end

local function piece_of(seq)
  return math.floor((seq - 1) / SIZE)
end

