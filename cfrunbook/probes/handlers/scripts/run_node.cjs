'use strict';
// Runs one Lambda@Edge handler on one event in Node.js, as AWS's runtime does:
// https://github.com/aws/aws-lambda-nodejs-runtime-interface-client. Started by run.py, in a process of its own.

const net = require('net');
const { pathToFileURL } = require('url');
const { job, send, event, isDone } = require('./channel.cjs');
const { returned, threw } = require('./report.cjs');

const { env, hrtime } = process;
const attempts = [];
let phase = 'load';
let began = hrtime.bigint();
const finish = (report) => send(report, { ms: Number(hrtime.bigint() - began) / 1e6, attempts });
const fail = (error, type) => finish([threw(error, phase, type), '']);
const complete = (value, kind) => { phase = 'result'; finish(returned(value, kind, job.result_bytes)); };

// TCP, TLS and local sockets go through here. Where the kernel cuts the network too, this only remembers the attempt.
net.Socket.prototype.connect = function refuse(...given) {
  const to = Array.isArray(given[0]) ? given[0][0] : given[0];
  const place = to && typeof to === 'object' ? to.path || `${to.host || 'localhost'}:${to.port}` : String(to);
  if (attempts.length < 20) attempts.push(['network', String(place).slice(0, 300)]);
  process.nextTick(() => this.destroy(Object.assign(new Error(`connect EACCES ${place}`), { code: 'EACCES' })));
  return this;
};

process.on('uncaughtException', (error, origin) => {
  fail(error, origin === 'unhandledRejection' ? 'Runtime.UnhandledPromiseRejection' : undefined);
});
process.on('exit', (code) => {
  if (!isDone()) fail(Object.assign(new Error(`the runtime exited with status ${code}`), { stack: '' }), 'Runtime.ExitError');
});

/** Import with what this Node.js can: require, and import() where that does not do. */
async function load(path) {
  try { return require(path); } catch (error) {
    const isModule = error && ['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error.code);
    if (!isModule) throw error;
    return import(pathToFileURL(path).href);
  }
}

/** Return what a handler gets beside the event, and what to do once nothing is left to be waited for. */
function context(deadline) {
  const given = { called: false, atEnd: () => complete(undefined, 'no_callback') };
  given.context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: job.arn,
    awsRequestId: job.request_id,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: (error, value) => (error === undefined || error === null ? complete(value) : fail(error)),
    succeed: (value) => complete(value),
    fail: (error) => fail(error),
  };
  given.callback = (error, value) => {
    given.called = true;
    if (error !== undefined && error !== null) fail(error);
    else if (given.context.callbackWaitsForEmptyEventLoop) given.atEnd = () => complete(value);
    else complete(value);
  };
  return given;
}

async function main() {
  const input = event();
  const deadline = Date.now() + job.seconds * 1000;
  const exported = await load(job.path);
  const handler = job.export.split('.').reduce((found, key) => (found ? found[key] : undefined), exported);
  if (typeof handler !== 'function') {
    const names = Object.keys(exported || {}).slice(0, 20).map((name) => name.slice(0, 100));
    finish([{ end: 'no_handler', names }, '']);
    return;
  }
  phase = 'run';
  began = hrtime.bigint();
  const given = context(deadline);
  process.on('beforeExit', () => given.atEnd());
  let value;
  try { value = handler(input, given.context, given.callback); } catch (error) { fail(error); return; }
  if (value && typeof value.then === 'function') {
    if (!given.called) given.atEnd = () => complete(undefined, 'never_settled');
    value.then((settled) => complete(settled), (error) => fail(error));
  } else if (value !== undefined && !given.called) {
    given.atEnd = () => complete(undefined, 'not_awaited'); // as AWS: only a callback or a promise gives a result
  }
}

main().catch((error) => fail(error));
