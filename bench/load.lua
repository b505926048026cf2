-- What wrk asks, and what it says of it, in JSON. Arguments: method=POST body=1024 pipeline=16 close=1

function init(args)
  local given = {}
  for _, argument in ipairs(args) do
    local name, value = argument:match("^(%w+)=(.*)$")
    given[name] = value
  end
  wrk.method = given.method or "GET"
  if given.body then
    wrk.body = string.rep("x", tonumber(given.body))
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
  if given.close then
    wrk.headers["Connection"] = "close"
  end
  if given.pipeline then
    local format = wrk.format
    wrk.format = function(...)
      return string.rep(format(...), tonumber(given.pipeline))
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "bytes": %d, "broken": %d, "statuses": %d, ' ..
    '"p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99)
  ))
end
