-- One request per command for wrk. Arguments after "--": the method, a prefix that is unique for the run, and the
-- program. A POST carries Errand's body with an alias of its own, so that no two commands claim the same one.
local prefix, program
local thread_count, request_count = 0, 0

function setup(thread)
  thread:set("thread_number", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  wrk.method, prefix, program = args[1], args[2], args[3]
  prefix = prefix .. "-" .. thread_number .. "-"
end

function request()
  if wrk.method == "GET" then return wrk.format() end
  request_count = request_count + 1
  return wrk.format(nil, nil, nil, '{"alias":"' .. prefix .. request_count .. '","cmd":"' .. program .. '","args":[]}')
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "result %d %d %d %d %d %d\n", summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)
  ))
end
