-- What wrk asks for, in which order, and what it tells in the end: bench/load.py.
-- The file named behind `--` holds requests and an order, each entry as its length, a newline, and
-- itself. Every thread begins elsewhere in the order.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local function entry(file)
  local length = file:read("*n")
  file:read(1)
  return length and file:read(length)
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  requests, order = {}, {}
  for _ = 1, tonumber(entry(file)) do
    requests[#requests + 1] = entry(file)
  end
  for number in string.gmatch(entry(file), "%d+") do
    order[#order + 1] = tonumber(number) + 1
  end
  file:close()
  at = number * 4099 % #order
end

function request()
  at = at % #order + 1
  return requests[order[at]]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "\nRESULT %d %d %d %d %d %d\n",
    summary.requests - errors.status, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.bytes, errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
