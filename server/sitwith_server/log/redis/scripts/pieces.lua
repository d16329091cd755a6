-- How a stream lies. An entry can't be changed where it lies, and a deleted one's bytes stay in its
-- node, so blanking one writes anew all that it lies with. That is a piece: a Redis stream of so
-- many entries, whose number is the last part of its key. The oldest pieces go as new ones begin.
--
-- This stands before each of the scripts; they call `lie_in_pieces` with how many entries are kept.

local SIZE, BEHIND

local function lie_in_pieces(kept)
  SIZE = math.max(1, math.min(128, math.floor(kept / 8)))
  BEHIND = math.ceil(kept / SIZE)
end

local function piece_of(seq)
  return math.floor((seq - 1) / SIZE)
end

