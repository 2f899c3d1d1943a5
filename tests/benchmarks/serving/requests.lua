-- wrk's side: POSTs the files of a folder in turn, and ends with one line of JSON.
local requests, turn = {}, 0

function init(args)
  local folder, count, media_type = args[1], tonumber(args[2]), args[3]
  for number = 0, count - 1 do
    local file = assert(io.open(folder .. "/" .. number, "rb"))
    requests[number + 1] = wrk.format("POST", nil, { ["Content-Type"] = media_type }, file:read("*a"))
    file:close()
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout
  ))
end
