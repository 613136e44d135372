// What eco gives a Node program of what PM2 gives it: `process.send('ready')`, the message
// `shutdown`, and a server that ends its requests before its process. Loaded by NODE_OPTIONS into
// every Node process below an app, npm and build tools among them, so it does nothing until one of
// the three is used. It must never fail: a fault here would be one of every such program.
'use strict';
(() => {
  const wanted = read();
  if (!wanted) return;
  const SIGNALS = ['SIGTERM', 'SIGINT'];
  // As long as a connection has to be quiet to be closed.
  const QUIET = 500;
  const servers = new Set();
  const requests = new Set();
  const sessions = new Set();
  const ours = {};
  let told = false;
  let closing = false;
  let left = false;
  let timer;

  function read() {
    try {
      const once = Symbol.for('eco.node');
      const threads = require('worker_threads');
      // Whoever was forked by Node speaks with its parent; that is not ours to change.
      if (!threads.isMainThread || process.send || process[once]) return null;
      if (process.versions.bun || process.versions.deno) return null;
      Object.defineProperty(process, once, { value: true });
      const found = JSON.parse(process.env.ECO_NODE || 'null');
      // Before Node 14 not every answer says that it has been sent.
      if (found && Number(process.versions.node.split('.')[0]) < 14) found.close = false;
      return found;
    } catch (error) {
      return null;
    }
  }

  if (typeof wanted.ready === 'string') {
    process.send = function send(message, ...rest) {
      if (message === wanted.ready) say('READY=1');
      const done = rest.find((it) => typeof it === 'function');
      if (done) process.nextTick(done, null);
      return true;
    };
  }
  if (typeof wanted.shutdown === 'string' || wanted.close) {
    const emit = process.emit;
    process.emit = function (name) {
      if (SIGNALS.includes(name) && ours[name] && stop(name)) return true;
      return emit.apply(this, arguments);
    };
    const changed = (name) => {
      if (name === 'message' || SIGNALS.includes(name)) process.nextTick(update);
    };
    process.on('newListener', changed);
    process.on('removeListener', changed);
  }
  if (wanted.close) {
    const prototype = require('net').Server.prototype;
    const listen = prototype.listen;
    const seen = new WeakSet();
    prototype.listen = function () {
      if (!seen.has(this)) {
        seen.add(this);
        watch(this);
      }
      return listen.apply(this, arguments);
    };
  }

  // Writes to the socket that eco listens at; the kernel tells it who wrote.
  function say(text) {
    try {
      require('fs').writeSync(Number(process.env.ECO_NOTIFY_FD), text);
    } catch (error) {
      if (error.code === 'EAGAIN') {
        setTimeout(say, 50, text);
      } else {
        console.error('eco: cannot be told that this process is ready: %s', error.message);
      }
    }
  }

  // The app's own handlers of a signal.
  function others(signal) {
    return process.listeners(signal).some((it) => it !== ours[signal].listener);
  }

  function hears() {
    return typeof wanted.shutdown === 'string' && process.listenerCount('message') > 0;
  }

  // Takes a signal only where the app does not, and has something to do at it.
  function update() {
    for (const signal of SIGNALS) {
      const own = ours[signal] || (ours[signal] = { on: false, listener: () => {} });
      const on = !left && !others(signal) && (hears() || (wanted.close && servers.size > 0) || closing);
      if (on === own.on) continue;
      own.on = on;
      if (on) process.on(signal, own.listener);
      else process.removeListener(signal, own.listener);
    }
  }

  // Whether a signal is dealt with.
  function stop(signal) {
    const own = ours[signal];
    if (hears()) {
      if (!told) {
        told = true;
        process.emit('message', wanted.shutdown, undefined);
      }
      return true;
    }
    if (others(signal)) {
      // What its handler does about a second one is its own affair.
      left = true;
      process.nextTick(update);
      return false;
    }
    if (!own.on || closing) return own.on;
    // The workers of a cluster end with the one that started them.
    if (servers.size > 0 && Object.keys(require('cluster').workers || {}).length === 0) {
      close();
    } else {
      own.on = false;
      left = true;
      process.removeListener(signal, own.listener);
      process.kill(process.pid, signal);
    }
    return true;
  }

  function watch(server) {
    const emit = server.emit;
    const value = function (name, first, second) {
      switch (name) {
        case 'listening':
          servers.add(server);
          update();
          break;
        case 'close':
          servers.delete(server);
          if (closing) settle();
          else update();
          break;
        case 'request':
        case 'checkContinue':
        case 'checkExpectation':
          begun(second);
          break;
        case 'stream':
          begun(first);
          break;
        case 'session':
          sessions.add(first);
          first.once('close', () => sessions.delete(first));
          if (closing) first.close();
          break;
      }
      return emit.apply(this, arguments);
    };
    Object.defineProperty(server, 'emit', { value, writable: true, configurable: true });
  }

  function begun(response) {
    requests.add(response);
    if (closing) last(response);
    response.once('close', () => {
      requests.delete(response);
      if (closing) settle();
    });
  }

  // The answer says that its connection ends with it.
  function last(response) {
    if (!response.headersSent && 'shouldKeepAlive' in response) response.shouldKeepAlive = false;
  }

  function close() {
    closing = true;
    for (const response of requests) last(response);
    for (const session of sessions) session.close();
    // The loop comes by once more before: a connection that waits to be accepted would be reset.
    setImmediate(() => setImmediate(stopListening));
  }

  function stopListening() {
    // Not a server's own `close`: that ends idle connections at once, on which a client may just be
    // sending. One that does is answered, and told that it was the last time.
    for (const server of servers) require('net').Server.prototype.close.call(server);
    settle();
  }

  // Ends the process once no connection is left, or those left have been quiet for a while.
  function settle() {
    clearTimeout(timer);
    if (servers.size === 0) setImmediate(() => process.exit(0));
    else if (requests.size === 0) timer = setTimeout(() => process.exit(0), QUIET);
  }
})();
