// What QuickJS lacks for running a handler, and the run itself. Needs report.cjs, and __log from outside.
'use strict';
globalThis.__world = (function world() {
  const evaluate = eval; // called by another name it runs in the global scope
  const attempts = [];
  let job;
  let cloudfront;
  let phase = 'load';
  let told;
  let text = '';
  const tell = ([report, json]) => { if (!told) { told = report; text = json; } };
  const fail = (error, type) => tell([threw(error, phase, type), '']);
  const complete = (value, kind) => { phase = 'result'; tell(returned(value, kind, job.result_bytes)); };
  const needsNode = (name) => { attempts.push(['module', name]); return new Error(`${name} is not imitated here`); };
  const lacking = (names) => {
    for (const name of names) {
      Object.defineProperty(globalThis, name, { configurable: true, get() { throw needsNode(name); }, set(value) {
        Object.defineProperty(globalThis, name, { value, writable: true });
      } });
    }
  };

  const decode = (part) => { try { return decodeURIComponent(part.replace(/\+/g, ' ')); } catch { return part; } };
  const encode = (part) => encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const querystring = {
    escape: encode,
    unescape: decode,
    parse(query, separator = '&', equal = '=') {
      const found = Object.create(null);
      for (const pair of String(query || '').split(separator).filter(Boolean).slice(0, 1000)) {
        const [name, ...rest] = pair.split(equal);
        const key = decode(name);
        const value = decode(rest.join(equal));
        if (!(key in found)) found[key] = value;
        else if (Array.isArray(found[key])) found[key].push(value);
        else found[key] = [found[key], value];
      }
      return found;
    },
    stringify: (object, separator = '&', equal = '=') => Object.entries(object || {}).flatMap(([name, value]) =>
      [].concat(value).map((one) => encode(name) + equal + encode(one === undefined || one === null ? '' : String(one)))).join(separator),
  };
  querystring.decode = querystring.parse;
  querystring.encode = querystring.stringify;

  const shown = (value) => { try { return typeof value === 'string' ? value : String(JSON.stringify(value)); } catch { return String(value); } };
  const log = (...values) => __log(values.map(shown).join(' '));

  function lambda() {
    globalThis.console = { log, info: log, warn: log, error: log, debug: log };
    globalThis.process = { env: job.environment, exit: (code) => { throw Object.assign(new Error(`exit ${code}`), { name: 'Runtime.ExitError' }); } };
    globalThis.module = { exports: {} };
    globalThis.exports = module.exports;
    globalThis.require = (name) => {
      if (/^(node:)?querystring$/.test(name)) return querystring;
      throw needsNode(name);
    };
    lacking(['Buffer', 'setTimeout', 'setImmediate', 'setInterval', 'fetch', 'URL', 'URLSearchParams', 'TextEncoder',
      'TextDecoder', 'atob', 'btoa', 'crypto', 'structuredClone', '__dirname', '__filename']);
  }

  function edge() {
    cloudfront = __imitate({
      runtime: job.runtime, type: job.event_type, kvs: job.kvs, log: __log, modules: { querystring }, globals: {},
    });
    if (job.runtime === 'cloudfront-js-2.0') lacking(['Buffer', 'TextEncoder', 'TextDecoder', 'atob', 'btoa']);
    const refuse = function refuse() { throw new EvalError('Code generation from strings disallowed for this context'); };
    Object.defineProperty(Function.prototype, 'constructor', { value: refuse });
    Object.assign(globalThis, { eval: refuse, Function: refuse });
  }

  let settle = () => complete(undefined, 'no_callback');

  function runLambda(handler, event) {
    let called = false;
    const left = Date.now() + job.seconds * 1000;
    const { environment } = job;
    const context = {
      callbackWaitsForEmptyEventLoop: true,
      functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
      invokedFunctionArn: job.arn,
      awsRequestId: job.request_id,
      getRemainingTimeInMillis: () => Math.max(0, left - Date.now()),
      done: (error, value) => (error === undefined || error === null ? complete(value) : fail(error)),
      succeed: (value) => complete(value),
      fail: (error) => fail(error),
    };
    const value = handler(event, context, (error, given) => {
      called = true;
      if (error !== undefined && error !== null) fail(error);
      else settle = () => complete(given);
    });
    if (value && typeof value.then === 'function') {
      if (!called) settle = () => complete(undefined, 'never_settled');
      value.then((given) => complete(given), (error) => fail(error));
    } else if (value !== undefined && !called) {
      settle = () => complete(undefined, 'not_awaited');
    }
  }

  return {
    begin(given) {
      job = JSON.parse(given);
      if (job.kind === 'lambda-edge') lambda(); else edge();
    },
    run(code, event) {
      let handler;
      globalThis.__found = (found) => { handler = found; };
      try {
        evaluate(`${code}\n;__found(typeof handler === 'function' ? handler : undefined)`);
        if (job.kind === 'lambda-edge') {
          const exported = job.export.split('.').reduce((found, key) => (found ? found[key] : undefined), globalThis.module.exports);
          handler = exported || handler;
        }
        if (typeof handler !== 'function') {
          tell([{ end: 'no_handler', names: Object.keys((globalThis.module || { exports: {} }).exports || {}).slice(0, 20) }, '']);
          return;
        }
        phase = 'run';
        if (job.kind === 'lambda-edge') { runLambda(handler, JSON.parse(event)); return; }
        settle = () => fail(new Error('the promise that the function returned was never settled'));
        const value = cloudfront.call(handler, event);
        if (job.runtime === 'cloudfront-js-2.0' && value && typeof value.then === 'function') value.then(complete, (error) => fail(error));
        else complete(value);
      } catch (error) {
        fail(error);
      }
    },
    told() {
      settle();
      return JSON.stringify({
        ...told, text, attempts: attempts.concat(cloudfront ? cloudfront.attempts : []), calls: cloudfront ? cloudfront.calls : [],
      });
    },
  };
})();
