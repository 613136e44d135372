# The Rack application of the tests, for Puma; see tests/apps/express/server.js for what it can do.
# `/` says who answered.

case ENV['BEHAVE']
when 'throw' then raise 'a bad release'
when 'deaf' then sleep
when 'slow' then sleep 5
# The worker and, with it, the server: Puma would start another worker.
when 'crash' then Thread.new { sleep 0.5; Process.kill(:KILL, 0) }
end

run(lambda do |env|
  sleep 0.02 if env['PATH_INFO'] == '/later'
  body = env['PATH_INFO'] == '/' ? Process.pid.to_s : ENV.fetch('VERSION', 'none')
  [200, { 'Content-Type' => 'text/plain', 'X-Pid' => Process.pid.to_s }, [body]]
end)
