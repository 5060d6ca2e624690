'use strict';
// Runs one function of CloudFront Functions on one event in Node.js, in a realm that has only what the documentation
// names. The realm imitates; it contains nothing. Started by run.py, in a process of its own.

const fs = require('fs');
const path = require('path');
const vm = require('vm');
const { job, send, event, isDone } = require('./channel.cjs');
const { returned, threw } = require('./report.cjs');

const realm = vm.createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
const imitate = vm.runInContext(fs.readFileSync(path.join(__dirname, 'cloudfront_js.js'), 'utf8'), realm);
const say = fs.writeSync;
const { TextDecoder, TextEncoder, atob, btoa } = globalThis;
const world = imitate({
  runtime: job.runtime,
  type: job.event_type,
  kvs: job.kvs,
  log: (text) => say(1, `${text}\n`),
  modules: { crypto: require('crypto'), querystring: require('querystring'), buffer: { Buffer } },
  globals: { Buffer, TextDecoder, TextEncoder, atob, btoa },
});

let phase = 'load';
let began = process.hrtime.bigint();
const finish = (report) => send(report, {
  ms: Number(process.hrtime.bigint() - began) / 1e6, attempts: world.attempts, calls: world.calls,
});
const fail = (error) => finish([threw(error, phase), '']);
const complete = (value) => { phase = 'result'; finish(returned(value, undefined, job.result_bytes)); };

process.on('uncaughtException', fail);
process.on('exit', () => {
  if (!isDone()) fail(new Error('the promise that the function returned was never settled'));
});

try {
  vm.runInContext(job.code, realm, { filename: job.path });
  const handler = vm.runInContext("typeof handler === 'function' ? handler : undefined", realm);
  if (handler === undefined) {
    finish([{ end: 'no_handler', names: [] }, '']);
  } else {
    const text = JSON.stringify(event());
    phase = 'run';
    began = process.hrtime.bigint();
    const value = world.call(handler, text);
    if (job.runtime === 'cloudfront-js-2.0' && value && typeof value.then === 'function') value.then(complete, fail);
    else complete(value);
  }
} catch (error) {
  fail(error);
}
