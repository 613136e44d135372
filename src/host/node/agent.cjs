// Tells eco how long a Node program's requests take, how many fail, and how its event loop and heap do.
// Loaded by NODE_OPTIONS into every Node process and thread below an app with `observe: node`. It must
// never fail: a fault here would be one of every such program.
//
// What happened since the last message is sent once a second, if anything did. What cannot be sent is
// counted on. Durations are counted in the buckets of eco's own windows, in µs.
'use strict';
(() => {
  const BUCKETS = 256 + 24 * 128;
  // So many pairs of numbers fit into a message.
  const PAIRS = 250;
  const EVERY = 1000;
  const RESOLUTION = 20;
  // Computing for less than this within a second, in ms, is nothing that has to be told.
  const QUIET = 5;
  try {
    if (wanted()) begin();
  } catch (error) {
    // Then nothing is measured.
  }

  function wanted() {
    const once = Symbol.for('eco.agent');
    if (process[once] || process.versions.bun || process.versions.deno) return false;
    Object.defineProperty(process, once, { value: true });
    if (Number(process.versions.node.split('.')[0]) < 18) return false;
    // They start the app and serve nobody.
    if (/[\\/](npm|npx|yarn|pnpm|corepack)(-cli)?(\.c?js)?$/.test(process.argv[1] || '')) return false;
    return JSON.parse(process.env.ECO_NODE || 'null')?.observe === true;
  }

  function begin() {
    const { performance, monitorEventLoopDelay } = require('perf_hooks');
    const channel = require('diagnostics_channel').channel;
    const heap = require('v8').getHeapStatistics;
    const { writeSync } = require('fs');
    const thread = require('worker_threads').threadId;
    const socketOfEco = Number(process.env.ECO_NOTIFY_FD);
    const requests = counter();
    const lags = counter();
    const open = Symbol('eco.open');
    const delays = monitorEventLoopDelay({ resolution: RESOLUTION });
    let failed = 0;
    let aborted = 0;
    let busy = 0;
    let watching = false;
    let calm = 0;
    let last = performance.eventLoopUtilization();
    let expected = performance.now() + EVERY;

    // Kept with the connection: a response that is given a property is slower for everybody.
    channel('http.server.request.start').subscribe(({ response, socket }) => {
      if (!socket) return;
      const now = performance.now();
      if (!watching) wake(now);
      let known = socket[open];
      if (known === undefined) {
        known = socket[open] = { count: 0, response: null, began: 0, others: new Map() };
        socket.once('close', () => { aborted += known.count; });
      }
      known.count += 1;
      if (known.response === null) {
        known.response = response;
        known.began = now;
      } else {
        known.others.set(response, now);
      }
    });
    channel('http.server.response.finish').subscribe(({ response, socket }) => {
      const known = socket && socket[open];
      if (!known) return;
      let began = known.began;
      if (known.response === response) known.response = null;
      else if ((began = known.others.get(response)) === undefined) return;
      else known.others.delete(response);
      known.count -= 1;
      requests.add((performance.now() - began) * 1000);
      if (response.statusCode >= 500) failed += 1;
    });
    setInterval(tick, EVERY).unref();
    process.on('exit', () => send(true));

    // Something begins to happen. What follows at once is told by a timer: the first that the watch sees
    // is what it counts from.
    function wake(now) {
      watching = delays.enable();
      calm = 0;
      setTimeout(() => lags.add((performance.now() - now - RESOLUTION) * 1000), RESOLUTION).unref();
    }

    function tick() {
      try {
        const now = performance.now();
        // While nobody watches the loop, this timer tells of it.
        if (!watching && now - expected > RESOLUTION) lags.add((now - expected) * 1000);
        expected = now + EVERY;
        send(false);
      } catch (error) {
        // The next second may be better.
      }
    }

    function send(ends) {
      const used = performance.eventLoopUtilization(last);
      last = performance.eventLoopUtilization();
      busy += used.active;
      const idle = used.active < QUIET && requests.isEmpty() && lags.isEmpty() && aborted === 0;
      watch(!idle, ends);
      if (idle) return;
      const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = heap();
      const message = {
        thread, failed, aborted, busy: Math.round(busy * 1000), heap_used: heapUsed, heap_limit: heapLimit,
      };
      // Each that arrives is over and done with.
      do {
        message.requests = requests.some(PAIRS);
        message.sum = message.requests.length > 0 ? requests.sum() : 0;
        message.longest = requests.longest();
        message.lags = lags.some(PAIRS - message.requests.length / 2);
        message.longest_lag = lags.longest();
        if (!say(message)) return;
        if (message.requests.length > 0) requests.sent(message.requests);
        lags.sent(message.lags);
        failed -= message.failed;
        aborted -= message.aborted;
        busy -= message.busy / 1000;
        message.failed = message.aborted = message.busy = 0;
      } while (!requests.isEmpty() || !lags.isEmpty());
    }

    function say(message) {
      try {
        writeSync(socketOfEco, `X_ECO_AGENT=${JSON.stringify(message)}`);
        return true;
      } catch (error) {
        return false;
      }
    }

    // Takes over what was seen of the loop, which is watched only while something happens.
    function watch(on, ends) {
      if (watching && on) {
        const all = delays.count;
        let before = 0;
        for (const [percentile, late] of all > 0 ? delays.percentiles : []) {
          const upTo = Math.round((percentile / 100) * all);
          lags.add(late / 1000 - RESOLUTION * 1000, upTo - before);
          before = upTo;
        }
      }
      if (watching) delays.reset();
      calm = on ? 0 : calm + 1;
      if (on && !watching && !ends) watching = delays.enable();
      else if (calm > 1 && watching) watching = !delays.disable();
    }
  }

  // How often each duration was seen.
  function counter() {
    const counts = new Uint32Array(BUCKETS);
    let used = [];
    let sum = 0;
    let longest = 0;
    return {
      add(time, times = 1) {
        if (times < 1) return;
        const micros = time > 0 ? Math.min(Math.round(time), 0xffffffff) : 0;
        const bucket = bucketOf(micros);
        if (counts[bucket] === 0) used.push(bucket);
        counts[bucket] += times;
        sum += micros * times;
        if (micros > longest) longest = micros;
      },
      isEmpty: () => used.length === 0,
      longest: () => longest,
      sum: () => sum,
      some(most) {
        const found = [];
        for (const bucket of used.slice(0, most)) found.push(bucket, counts[bucket]);
        return found;
      },
      sent(some) {
        for (let at = 0; at < some.length; at += 2) counts[some[at]] = 0;
        used = used.slice(some.length / 2);
        sum = 0;
        if (used.length === 0) longest = 0;
      },
    };
  }

  function bucketOf(micros) {
    if (micros < 256) return micros;
    const octave = 31 - Math.clz32(micros);
    return 256 + ((octave - 8) << 7) + ((micros >>> (octave - 7)) - 128);
  }
})();
