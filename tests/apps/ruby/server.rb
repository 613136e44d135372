# The WEBrick server of the tests; see tests/apps/express/server.js for what it can do.
require 'webrick'

case ENV['BEHAVE']
when 'throw' then raise 'a bad release'
when 'deaf' then sleep
when 'slow' then sleep 5
end

server = WEBrick::HTTPServer.new(
  BindAddress: '127.0.0.1', Port: Integer(ENV.fetch('PORT')), AccessLog: [],
  StartCallback: lambda do
    # Without at_exit: as a crash does.
    Thread.new { sleep 0.5; exit! 7 } if ENV['BEHAVE'] == 'crash'
  end
)
server.mount_proc('/') do |request, response|
  sleep 0.02 if request.path == '/later'
  response['X-Pid'] = Process.pid.to_s
  response.body = ENV.fetch('VERSION', 'none')
end
server.start
