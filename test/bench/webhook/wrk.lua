-- The load of wrk: one body, posted again and again, and one line of JSON at the end. NUMBER of sample-review.ts is counted up in it.
local before, after
local number = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.body = file:read("*a")
  file:close()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  local first, last = wrk.body:find("99999999", 1, true)
  if first == nil then return end
  before, after = wrk.body:sub(1, first - 1), wrk.body:sub(last + 1)
  request = function()
    number = number + 1
    return wrk.format(nil, nil, nil, before .. string.format("%08d", number) .. after)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status
  io.write(string.format('{"requests":%d,"seconds":%f,"p99":%f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e3, failed))
end
